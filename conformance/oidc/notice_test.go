package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
)

// signed takes what the library found out about a signature.
type signed struct{ alg jose.SignatureAlgorithm }

// SetSignatureAlgorithm implements oidc.ClaimsSignature.
func (s *signed) SetSignatureAlgorithm(alg jose.SignatureAlgorithm) { s.alg = alg }

// A service that stumbles is told again, with a new token each time that the
// library of others believes; one that refuses is left alone.
func TestLO4LO5StumblingServiceIsToldAgain(t *testing.T) {
	told, refused := make(chan string, 8), make(chan string, 8)
	answers := make(chan int, 1)
	answers <- http.StatusInternalServerError
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.ParseForm() != nil || len(r.PostForm) != 1 {
			t.Errorf("%s %v", r.Method, r.PostForm)
		}
		if r.URL.Path == "/refuses" {
			refused <- r.PostForm.Get("logout_token")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		told <- r.PostForm.Get("logout_token")
		select {
		case status := <-answers:
			w.WriteHeader(status)
		default:
		}
	}))
	t.Cleanup(site.Close)
	d := harness.Start(t)
	with := func(path string) func(*client.Client) {
		return func(c *client.Client) { c.Logout = client.Logout{BackchannelURI: site.URL + path} }
	}
	l := &listeners{Server: site}
	p, other := enlist(t, d, l, "stumbles", with("/stumbles")), enlist(t, d, l, "refuses", with("/refuses"))
	p.login()
	other.browser.ShareCookies(p.browser)
	other.code()
	arrived := p.logout(url.Values{"id_token_hint": {p.tokens().text("id_token")}, "post_logout_redirect_uri": {p.PostLogoutRedirectURIs[0]}})
	if arrived == nil {
		t.Error("a service that stumbles keeps the person")
	}
	seen := map[string]bool{}
	for range 2 {
		late, stop := clock.System{}.After(20 * time.Second)
		select {
		case token := <-told:
			var claims oidc.LogoutTokenClaims
			raw, err := oidc.ParseToken(token, &claims)
			if err != nil {
				t.Fatal(err)
			}
			keys := rp.NewRemoteKeySet(http.DefaultClient, p.endpoint("/certs"))
			if err := oidc.CheckSignature(t.Context(), token, raw, &signed{}, []string{"RS256"}, keys); err != nil {
				t.Errorf("another's library refuses the token: %v", err)
			}
			if claims.Issuer != d.Sheet.Issuer || len(claims.Audience) != 1 || claims.Audience[0] != p.ID || seen[claims.JWTID] {
				t.Errorf("%+v", claims)
			}
			seen[claims.JWTID] = true
		case <-late:
			t.Fatal("not told again")
		}
		stop()
	}
	if n := len(refused); n != 1 {
		t.Errorf("a service that refused was told %d times", n)
	}
}
