package flows

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/provider/demo"
)

// service is a relying party on zitadel/oidc's own client: an opinion on our
// wire format that is not ours.
type service struct {
	t      testing.TB
	demo   *harness.Demo
	client demo.Client
	rp     rp.RelyingParty
}

func newService(t testing.TB, d *harness.Demo, id string, scopes ...string) *service {
	t.Helper()
	c := d.Client(t, id)
	style := oauth2.AuthStyleInHeader // as registered; a second way would be refused (CA1)
	if c.Secret == "" {
		style = oauth2.AuthStyleInParams
	}
	party, err := rp.NewRelyingPartyOIDC(t.Context(), d.Sheet.Issuer, c.ID, c.Secret, c.RedirectURIs[0], scopes, rp.WithAuthStyle(style),
		rp.WithVerifierOpts(rp.WithNonce(func(ctx context.Context) string { n, _ := ctx.Value(nonceKey{}).(string); return n })))
	if err != nil {
		t.Fatal(err)
	}
	return &service{t: t, demo: d, client: c, rp: party}
}

// attempt is one authorization request under way.
type attempt struct {
	address                string
	state, nonce, verifier string
}

func (s *service) request(extra ...string) attempt {
	a := attempt{state: uuid.NewString(), nonce: uuid.NewString(), verifier: strings.Repeat("v", 20) + uuid.NewString()}
	address, err := url.Parse(rp.AuthURL(a.state, s.rp, rp.WithCodeChallenge(oidc.NewSHACodeChallenge(a.verifier))))
	if err != nil {
		s.t.Fatal(err)
	}
	q := address.Query()
	q.Set("nonce", a.nonce)
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
	}
	address.RawQuery = q.Encode()
	a.address = address.String()
	return a
}

func (s *service) browser() *harness.Browser {
	return harness.NewBrowser(s.t, harness.At(s.client.RedirectURIs[0]))
}

// redeem checks the answer that arrived and exchanges its code.
func (s *service) redeem(a attempt, arrived *url.URL) *oidc.Tokens[*oidc.IDTokenClaims] {
	s.t.Helper()
	code := s.code(a, arrived)
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](context.WithValue(s.t.Context(), nonceKey{}, a.nonce), code, s.rp, rp.WithCodeVerifier(a.verifier))
	if err != nil {
		s.t.Fatalf("code exchange: %v", err)
	}
	if tokens.IDTokenClaims.Nonce != a.nonce {
		s.t.Fatalf("nonce %q, sent %q", tokens.IDTokenClaims.Nonce, a.nonce)
	}
	return tokens
}

type nonceKey struct{}

// refresh turns the tokens over; the ID token's nonce stays that of the login.
func (s *service) refresh(tokens *oidc.Tokens[*oidc.IDTokenClaims]) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	ctx := context.WithValue(s.t.Context(), nonceKey{}, tokens.IDTokenClaims.Nonce)
	return rp.RefreshTokens[*oidc.IDTokenClaims](ctx, s.rp, tokens.RefreshToken, "", "")
}

// code checks the authorization response: state unchanged, iss ours (RFC 9207).
func (s *service) code(a attempt, arrived *url.URL) string {
	s.t.Helper()
	if arrived == nil {
		s.t.Fatal("the browser did not come back to the service")
	}
	q := arrived.Query()
	if e := q.Get("error"); e != "" {
		s.t.Fatalf("error %s: %s", e, q.Get("error_description"))
	}
	if q.Get("state") != a.state || q.Get("iss") != s.demo.Sheet.Issuer {
		s.t.Fatalf("answer does not belong to the request: %s", arrived)
	}
	return q.Get("code")
}

// login walks a whole login and gives the tokens.
func (s *service) login(b *harness.Browser, login string) *oidc.Tokens[*oidc.IDTokenClaims] {
	s.t.Helper()
	a := s.request()
	arrived := b.SignIn(a.address, login)
	if arrived == nil {
		s.t.Fatalf("login of %s ended on a page: %s", login, b.Page.Body)
	}
	return s.redeem(a, arrived)
}
