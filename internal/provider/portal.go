package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/seal"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/portal"
)

const portalPatience = 10 * time.Second

// registerPortal makes « Mon e-CPS » a relying service like any other. Its secret
// is a file beside the keys, so that every node knows it.
func (p *Provider) registerPortal(c Config) error {
	secret, err := p.portalSecret(c)
	if err != nil {
		return err
	}
	origin, err := c.origin()
	if err != nil {
		return err
	}
	hashed := sha256.Sum256([]byte(secret))
	return p.res.clients.Add(&client.Client{
		ID: portal.ClientID, Name: "Mon e-CPS", Owner: "Égide", Contact: c.ECPS.contact(), Purpose: "e-CPS de son titulaire : téléphones, connexions, arrêt",
		Profile: client.ProfileOIDC, Sensitive: true, AuthMethod: client.AuthBasic, SecretHashes: []string{hex.EncodeToString(hashed[:])},
		RedirectURIs: []string{portal.RedirectURI(origin)}, PostLogoutRedirectURIs: []string{portal.HomeURL(origin)},
		GrantTypes: []string{client.GrantCode, client.GrantRefresh}, Scopes: []string{client.ScopeOpenID, client.ScopeAll},
	})
}

func (p *Provider) portalSecret(c Config) (string, error) {
	raw, err := seal.File(filepath.Join(c.KeysDir, "portal.secret"), func() ([]byte, error) {
		s, err := web.Secret(p.deps.Rand)
		return []byte(s), err
	})
	sum := sha256.Sum256(raw) // of a fixed alphabet and length, whatever the file holds
	return base64.RawURLEncoding.EncodeToString(sum[:]), err
}

// newPortal wires it.
func (p *Provider) newPortal(c Config, f features, w *wallet.Wallet) (*portal.Portal, error) {
	secret, err := p.portalSecret(c)
	if err != nil {
		return nil, err
	}
	calls := p.deps.HTTP
	if calls == nil {
		calls = &http.Client{Timeout: portalPatience}
	}
	return portal.New(portal.Deps{
		Issuer: c.Issuer, ClientSecret: secret, PublicURL: f.origin, AppURL: c.ECPS.AppURL, HTTP: calls, Wallet: w, Sessions: openSessions{p}, Agreements: agreements{p}, KV: p.res.kv,
		Pages: f.pages, Cookies: f.cookies, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log,
	})
}

// contact is whom other people's machines, and our own services, name as ours.
func (c ECPSConfig) contact() string {
	if c.Mail.From != "" {
		return c.Mail.From
	}
	return "exploitation@exemple.invalid"
}
