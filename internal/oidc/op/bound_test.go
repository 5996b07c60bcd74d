package op

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/peer"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Certificates are told apart by their bytes alone here.
var (
	ours   = &x509.Certificate{Raw: []byte("the service's certificate")}
	theirs = &x509.Certificate{Raw: []byte("a thief's certificate")}
)

// over is the same world on a connection that has proven a certificate.
func (w *world) over(leaf *x509.Certificate) *world {
	on := *w
	on.leaf = leaf
	return &on
}

// binding registers services whose tokens are bound, one per form of token.
func (w *world) binding() {
	w.t.Helper()
	secrets := []string{client.HashSecret(testSecret)}
	for _, c := range []*client.Client{
		{ID: "bound-psc", Profile: client.ProfilePSC, SecretHashes: secrets, GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"}, Structure: "1750990012", PKCEException: "2026-11-01"},
		{ID: "bound-jwt", Profile: client.ProfileOIDC, SecretHashes: secrets, AccessTokenFormat: client.FormatJWT},
		{ID: "bound-opaque", Profile: client.ProfileOIDC, SecretHashes: secrets},
		{ID: "bound-app", Profile: client.ProfileOIDC, AuthMethod: client.AuthNone},
	} {
		c.Name, c.RedirectURIs, c.Scopes = "Service lié", []string{"https://bound.example/cb"}, []string{"openid", "profile", "scope_all"}
		c.Owner, c.Contact, c.Purpose = "Structure d'essai", "contact@web.example", "Essais"
		c.Certificate.Bound = true
		if err := w.clients.Add(c); err != nil {
			w.t.Fatalf("%s: %v", c.ID, err)
		}
	}
}

// boundCall posts as a bound client.
func (w *world) boundCall(endpoint, id string, form url.Values) *httptest.ResponseRecorder {
	body := url.Values{}
	for k, v := range form {
		body[k] = v
	}
	if id == "bound-app" {
		body.Set("client_id", id)
	}
	r := httptest.NewRequest(http.MethodPost, base+endpoint, strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "bound-app" {
		r.SetBasicAuth(id, testSecret)
	}
	return w.serve(r)
}

func (w *world) serve(r *http.Request) *httptest.ResponseRecorder {
	if w.leaf != nil {
		r = r.WithContext(peer.With(r.Context(), w.leaf))
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

// last gives the last traced event of a kind.
func last[E audit.Event](w *world) (found E, ok bool) {
	for _, e := range w.audit.Events() {
		if one, is := e.(E); is {
			found, ok = one, true
		}
	}
	return found, ok
}

func (w *world) boundForm(id string, cookie *http.Cookie) url.Values {
	q := url.Values{
		"client_id": {id}, "redirect_uri": {"https://bound.example/cb"}, "response_type": {"code"}, "scope": {"openid scope_all"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	code := w.answered(w.authorize(q, cookie)).Get("code")
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://bound.example/cb"}, "code_verifier": {verifier}}
}

func (w *world) ask(token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, base+"userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.serve(r)
}

func (w *world) confirmation(id, token string) string {
	w.t.Helper()
	about := decode(w.t, w.boundCall("token/introspect", id, url.Values{"token": {token}}))
	cnf, _ := about["cnf"].(map[string]any)
	x5t, _ := cnf["x5t#S256"].(string)
	return x5t
}

// A token is bound to the certificate it was asked with, in every form, and is
// worth nothing to whoever has the token alone.
func TestDP5TK13StolenTokenNeedsTheCertificate(t *testing.T) {
	w := newWorld(t)
	w.binding()
	_, cookie := w.login(authn.ECPS)
	for _, id := range []string{"bound-psc", "bound-jwt", "bound-opaque"} {
		t.Run(id, func(t *testing.T) {
			got := decode(t, w.over(ours).boundCall("token", id, w.boundForm(id, cookie)))
			access := got.text("access_token")
			if got.text("token_type") != "Bearer" || access == "" {
				t.Fatalf("%v", got)
			}
			if e, _ := last[audit.TokenIssued](w); e.Thumbprint != peer.Thumbprint(ours) {
				t.Errorf("the trace names no certificate: %+v", e)
			}
			if rec := w.over(ours).ask(access); rec.Code != http.StatusOK {
				t.Fatalf("its holder: %d %s", rec.Code, rec.Body)
			}
			for attack, on := range map[string]*world{"from the ordinary door": w, "with another certificate": w.over(theirs)} {
				rec := on.ask(access)
				wantError(t, rec, http.StatusUnauthorized, "invalid_token")
				if !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: %q", attack, rec.Header().Get("WWW-Authenticate"))
				}
			}
			want := peer.Thumbprint(ours)
			if x5t := w.confirmation(id, access); x5t != want {
				t.Errorf("introspection says %q, want %q", x5t, want)
			}
			if id != "bound-opaque" {
				cnf, _ := claimsOf(t, access)["cnf"].(map[string]any)
				if cnf["x5t#S256"] != want || len(cnf) != 1 {
					t.Errorf("cnf %v", cnf)
				}
			}
		})
	}
}

// Asked without a certificate, a service whose tokens are bound gets none: never
// a lesser one.
func TestDP5NoBearerTokenForABoundService(t *testing.T) {
	w := newWorld(t)
	w.binding()
	_, cookie := w.login(authn.ECPS)
	form := w.boundForm("bound-jwt", cookie)
	wantError(t, w.boundCall("token", "bound-jwt", form), http.StatusBadRequest, "invalid_request")
	if rec := w.over(ours).boundCall("token", "bound-jwt", form); rec.Code != http.StatusOK {
		t.Errorf("the mistake has cost the code: %d %s", rec.Code, rec.Body)
	}
	wantError(t, w.boundCall("token", "bound-psc", url.Values{"grant_type": {"client_credentials"}}), http.StatusBadRequest, "invalid_request")
	plain := decode(t, w.over(ours).post("token", "web", url.Values{"grant_type": {"client_credentials"}}))
	if x5t := w.confirmation("web", plain.text("access_token")); x5t != "" {
		t.Errorf("a token that nobody asked to bind is bound to %q", x5t)
	}
}

// A service that authenticates may have a new certificate at a refresh, and its
// new token is bound to that one. Of a public client the certificate is all there
// is (RFC 8705 4).
func TestDP5Refresh(t *testing.T) {
	w := newWorld(t)
	w.binding()
	_, cookie := w.login(authn.ECPS)
	refresh := func(on *world, id, token string) *httptest.ResponseRecorder {
		return on.boundCall("token", id, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}
	first := decode(t, w.over(ours).boundCall("token", "bound-opaque", w.boundForm("bound-opaque", cookie)))
	next := decode(t, refresh(w.over(theirs), "bound-opaque", first.text("refresh_token")))
	if rec := w.over(theirs).ask(next.text("access_token")); rec.Code != http.StatusOK {
		t.Errorf("the renewed certificate: %d", rec.Code)
	}
	if rec := w.over(ours).ask(next.text("access_token")); rec.Code != http.StatusUnauthorized {
		t.Errorf("the old certificate opens the new token: %d", rec.Code)
	}
	wantError(t, refresh(w, "bound-opaque", next.text("refresh_token")), http.StatusBadRequest, "invalid_request")

	app := decode(t, w.over(ours).boundCall("token", "bound-app", w.boundForm("bound-app", cookie)))
	wantError(t, refresh(w.over(theirs), "bound-app", app.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	again := refresh(w.over(ours), "bound-app", app.text("refresh_token"))
	if again.Code != http.StatusOK {
		t.Errorf("a thief's attempt has ended the family: %d %s", again.Code, again.Body)
	}
}
