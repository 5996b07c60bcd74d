package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/dmp"
	"github.com/egide-id/egide/internal/oidc/client"
)

// demoClient is one registration of the demonstration with its secret in the
// clear: published test data, worthless outside a sandbox on loopback.
type demoClient struct {
	client.Client
	secret string
	listed bool // the integrator may use it
}

// clients gives the services of the demonstration. Three belong to no program:
// one per profile for the integrator's own tries, and a public one.
func clients(dmpURL string) []demoClient {
	return []demoClient{
		{listed: true, secret: published("psc"), Client: client.Client{
			ID: "demo-psc", Name: "Logiciel de démonstration (psc)", Profile: client.ProfilePSC, AuthMethod: client.AuthBasic,
			RedirectURIs:           []string{"http://127.0.0.1:9401/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:9401/"},
			PKCEException:          "2026-11-22",
		}},
		{listed: true, secret: published("oidc"), Client: client.Client{
			ID: "demo-oidc", Name: "Logiciel de démonstration (oidc)", Profile: client.ProfileOIDC, AuthMethod: client.AuthBasic,
			RedirectURIs:           []string{"http://127.0.0.1:9402/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:9402/"},
			PKCEException:          "2026-11-22", // stock clients and certification suites of the baseline send none
		}},
		{listed: true, Client: client.Client{
			ID: "demo-public", Name: "Application de démonstration (publique)", Profile: client.ProfileOIDC, AuthMethod: client.AuthNone,
			RedirectURIs:           []string{"http://127.0.0.1:9403/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:9403/"},
		}},
		{listed: true, secret: published("structure"), Client: client.Client{
			ID: "demo-structure", Name: "Logiciel d'établissement (structure)", Profile: client.ProfileOIDC, AuthMethod: client.AuthBasic,
			GrantTypes: []string{client.GrantClientCredentials}, Structure: demoStructure,
		}},
		{listed: true, Client: client.Client{
			ID: tlsClientID, Name: "Logiciel d'établissement (certificat)", Profile: client.ProfileOIDC, AuthMethod: client.AuthTLS,
			GrantTypes: []string{client.GrantClientCredentials}, Structure: demoStructure,
			Certificate: client.Certificate{SubjectDN: demoSubject, Bound: true},
		}},
		{listed: true, secret: published("offline"), Client: client.Client{
			ID: "demo-offline", Name: "Logiciel de garde (hors réseau)", Profile: client.ProfileOIDC, AuthMethod: client.AuthBasic,
			RedirectURIs:           []string{"http://127.0.0.1:9404/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:9404/"},
			AllowOfflineOTP:        true,
		}},
		{listed: true, secret: published("agenda"), Client: client.Client{
			ID: "demo-agenda", Name: "Agenda de démonstration (hors secteur)", Profile: client.ProfileOIDC, AuthMethod: client.AuthBasic,
			RedirectURIs:           []string{"http://127.0.0.1:9405/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:9405/"},
			Requests:               client.Requests{Consent: true},
		}},
		{secret: published("dmp"), Client: client.Client{
			ID: dmpClientID, Name: "DMP de démonstration", Profile: client.ProfileOIDC, AuthMethod: client.AuthBasic,
			RedirectURIs:           []string{dmpURL + "/callback"},
			PostLogoutRedirectURIs: []string{dmpURL + "/"},
			Sensitive:              true,
			Logout:                 client.Logout{BackchannelURI: dmpURL + dmp.NoticePath, BackchannelSession: true},
		}},
	}
}

const (
	demoStructure = "1990000119" // the invented residence, struct_IdNat

	tlsClientID = "demo-structure-tls"
	demoSubject = "CN=DMP-AUTO,OU=" + demoStructure + ",O=RESIDENCE FICTIVE,ST=Rhône (69),C=FR"

	dmpClientID = "dmp-demo"
)

// published is the secret of a demonstration client: it stands in the README,
// the sheet and everybody's configuration.
func published(name string) string { return "egide-demo-" + name + "-not-a-secret" }

// register fills in what all demonstration clients share.
func (d demoClient) register(r *client.Registry) error {
	c := d.Client
	c.Owner = "Égide, bac à sable"
	c.Contact = "bac-a-sable@exemple.invalid"
	c.Purpose = "démonstration"
	c.Scopes = []string{client.ScopeOpenID, client.ScopeProfile, client.ScopeIdentity, client.ScopeAll}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = []string{client.GrantCode, client.GrantRefresh}
		if d.secret != "" {
			c.GrantTypes, c.Structure = append(c.GrantTypes, client.GrantClientCredentials), demoStructure
		}
	}
	if c.ID != dmpClientID {
		c.Audiences = []string{dmpClientID} // the DMP may read whose token knocks at its door
	}
	if d.secret != "" {
		sum := sha256.Sum256([]byte(d.secret))
		c.SecretHashes = []string{hex.EncodeToString(sum[:])}
	}
	if err := r.Add(&c); err != nil {
		return fmt.Errorf("demo client %s: %w", c.ID, err)
	}
	return nil
}

// line is what the sheet says of the client.
func (d demoClient) line() Client {
	return Client{
		ID: d.ID, Secret: d.secret, Profile: string(d.Profile),
		RedirectURIs:           append([]string{}, d.RedirectURIs...),
		PostLogoutRedirectURIs: append([]string{}, d.PostLogoutRedirectURIs...),
	}
}

// copyClientFiles puts the integrator's own registrations where the provider
// looks for them.
func copyClientFiles(files []string, dir string) error {
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			return fmt.Errorf("client file: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), body, 0o600); err != nil { //nolint:gosec // only the base name counts
			return fmt.Errorf("client file: %w", err)
		}
	}
	return nil
}
