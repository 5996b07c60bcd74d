package dmp

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"golang.org/x/oauth2"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Public codes of this service's own troubles (integrator guide).
const (
	codeLoginLost    = "PF-DM-001" // no login of this browser belongs to the answer
	codeLoginRefused = "PF-DM-002" // the provider answered with an error
	codeUntrusted    = "PF-DM-003" // the provider's answer failed a check
	codeNoRecord     = "PF-DM-005"
	codeForged       = "PF-DM-006" // a form that this session did not get
	codeFullRecord   = "PF-DM-007"
	codeProviderDown = "PF-SV-041"
)

// retryAfter spares a provider that does not answer: one attempt a second, not
// one for each visitor.
const retryAfter = time.Second

// provider finds the OpenID Provider when it is first needed, and tries again
// as long as it was not found: the two programs may start in any order.
type provider struct {
	cfg   Config
	http  *http.Client
	clock clock.Clock

	mu     sync.Mutex
	found  *parties
	failed error
	again  time.Time
}

// parties are the three roles this service plays towards the provider.
type parties struct {
	login rp.RelyingParty   // code flow: the nonce of the login is compared
	renew rp.RelyingParty   // refresh: see withoutNonce
	api   rs.ResourceServer // introspection of tokens that programs present
}

type nonceKey struct{}

// withNonce hands the nonce of one login to the verifier, which is shared by all.
func withNonce(ctx context.Context, nonce string) context.Context {
	return context.WithValue(ctx, nonceKey{}, nonce)
}

func nonceOf(ctx context.Context) string {
	n, _ := ctx.Value(nonceKey{}).(string)
	return n
}

// get gives the provider, discovered now if need be.
func (p *provider) get(ctx context.Context) (*parties, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if now := p.clock.Now(); p.failed == nil || !now.Before(p.again) {
		p.found, p.failed = p.discover(ctx)
		p.again = now.Add(retryAfter)
	}
	if p.failed != nil {
		return nil, fault.Wrap(fault.Unavailable, codeProviderDown, "the identity provider does not answer", p.failed)
	}
	return p.found, nil
}

func (p *provider) discover(ctx context.Context) (*parties, error) {
	// Whoever asked first may leave; the others still want the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
	defer cancel()
	login, err := rp.NewRelyingPartyOIDC(ctx, p.cfg.Issuer, p.cfg.ClientID, p.cfg.ClientSecret,
		p.cfg.callbackURL(), p.cfg.Scopes,
		rp.WithHTTPClient(p.http),
		rp.WithCustomDiscoveryUrl(p.cfg.DiscoveryURL),
		// Never AuthStyleAutoDetect: it tries a second way after a refusal, and a
		// code presented twice ends the tokens of its first use (RFC 6749, 4.1.2).
		rp.WithAuthStyle(oauth2.AuthStyleInHeader),
		rp.WithVerifierOpts(
			rp.WithNonce(nonceOf),
			rp.WithIssuedAtOffset(10*time.Second),
			// By policy, not by header: no HMAC, no "none" (RFC 8725, 3.1).
			rp.WithSupportedSigningAlgorithms("RS256", "PS256", "ES256", "EdDSA"),
		),
	)
	if err != nil {
		return nil, err
	}
	api, err := rs.NewResourceServerClientCredentials(ctx, p.cfg.Issuer, p.cfg.ClientID, p.cfg.ClientSecret, rs.WithClient(p.http))
	if err != nil {
		return nil, err
	}
	return &parties{login: login, renew: withoutNonce(login), api: api}, nil
}

// renewing is a relying party whose ID tokens need no nonce.
type renewing struct {
	rp.RelyingParty
	verifier *rp.IDTokenVerifier
}

// IDTokenVerifier implements rp.RelyingParty.
func (r renewing) IDTokenVerifier() *rp.IDTokenVerifier { return r.verifier }

// withoutNonce is for refreshes, whose ID token should carry no nonce; if it
// does it must be the first one, which the caller compares (Core 1.0, 12.2).
func withoutNonce(login rp.RelyingParty) rp.RelyingParty {
	v := *login.IDTokenVerifier()
	v.Nonce = nil
	return renewing{RelyingParty: login, verifier: &v}
}

// formTargets gives the origins that a form of ours may end up at: Chromium
// applies form-action to the whole chain of redirects that follows.
func (p *provider) formTargets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		return nil
	}
	var origins []string
	for _, endpoint := range []string{p.found.login.GetEndSessionEndpoint(), p.found.login.OAuthConfig().Endpoint.AuthURL} {
		if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
			origins = append(origins, u.Scheme+"://"+u.Host)
		}
	}
	slices.Sort(origins)
	return slices.Compact(origins)
}
