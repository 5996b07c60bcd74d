package op

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/trust/signing"
)

// active names the key that signs an algorithm now.
func (w *world) active(alg jose.SignatureAlgorithm) string {
	w.t.Helper()
	for _, k := range w.keys.List() {
		if k.Alg == alg && k.State == signing.Active {
			return k.Kid
		}
	}
	w.t.Fatalf("no active key for %s", alg)
	return ""
}

func (w *world) drop(kid string) {
	w.t.Helper()
	if _, err := w.keys.Drop(w.t.Context(), kid, "o1", signing.Compromised); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) isActive(caller, token string) bool {
	w.t.Helper()
	return decode(w.t, w.post("token/introspect", caller, url.Values{"token": {token}}))["active"] == true
}

// Access tokens are looked up, not verified: a stolen signing key that was
// dropped must end them all the same, and nothing that it did not sign.
func TestME9TokensOfADroppedKeyAreRefused(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	psc := w.redeem("psc", w.code("psc", cookie)) // RS256
	jwt := w.redeem("jwt", w.code("jwt", cookie)) // at+jwt ES256, ID token EdDSA
	opaque := w.redeem("web", w.code("web", cookie))
	service := decode(t, w.post("token", "psc", url.Values{"grant_type": {"client_credentials"}}))
	for name, token := range map[string]string{"psc": psc.text("access_token"), "jwt": jwt.text("access_token")} {
		if rec := w.userinfo(token); rec.Code != http.StatusOK {
			t.Fatalf("%s before: %d", name, rec.Code)
		}
	}
	w.drop(w.active(jose.RS256))
	wantError(t, w.userinfo(psc.text("access_token")), 401, "invalid_token")
	if w.isActive("psc", psc.text("access_token")) || w.isActive("psc", service.text("access_token")) {
		t.Error("a token of the dropped key is active")
	}
	for name, token := range map[string]string{"ES256": jwt.text("access_token"), "opaque": opaque.text("access_token")} {
		if rec := w.userinfo(token); rec.Code != http.StatusOK {
			t.Errorf("%s, of a key that was not dropped: %d %s", name, rec.Code, rec.Body)
		}
	}
	q := w.answered(w.authorize(ask("psc", "prompt", "none", "id_token_hint", psc.text("id_token")), cookie))
	if q.Get("error") != "invalid_request" {
		t.Errorf("a hint of the dropped key: %v", q)
	}
	// The login itself stands: its service gets tokens of the next key.
	fresh := decode(t, w.refresh("psc", psc.text("refresh_token")))
	if rec := w.userinfo(fresh.text("access_token")); rec.Code != http.StatusOK {
		t.Errorf("after a refresh: %d %s", rec.Code, rec.Body)
	}
	if typ, _ := w.verified(fresh.text("id_token"), jose.RS256); typ != "JWT" {
		t.Error(typ)
	}
}

// Whoever holds the secret of refresh tokens makes them for every login: dropped,
// all of them die, and the access tokens that were got with one.
func TestME9TK8RefreshTokensOfADroppedKeyDie(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	first := w.redeem("web", w.code("web", cookie))
	second := decode(t, w.refresh("web", first.text("refresh_token")))
	untouched := w.redeem("psc", w.code("psc", cookie))
	w.drop(signing.Kid(second.text("refresh_token")))
	wantError(t, w.refresh("web", second.text("refresh_token")), 400, "invalid_grant")
	wantError(t, w.refresh("psc", untouched.text("refresh_token")), 400, "invalid_grant")
	wantError(t, w.userinfo(second.text("access_token")), 401, "invalid_token")
	for name, token := range map[string]string{"got with a code": first.text("access_token"), "of another service": untouched.text("access_token")} {
		if rec := w.userinfo(token); rec.Code != http.StatusOK {
			t.Errorf("an access token %s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if w.isActive("web", second.text("refresh_token")) {
		t.Error("a refresh token of the dropped key is active")
	}
	again := w.redeem("web", w.code("web", cookie))
	if rec := w.refresh("web", again.text("refresh_token")); rec.Code != http.StatusOK {
		t.Errorf("after a new login: %d %s", rec.Code, rec.Body)
	}
}

// Rotation is no emergency: what the retired key signed goes on.
func TestME9TokensOfARetiredKeyLiveOn(t *testing.T) {
	w := newWorld(t)
	w.add("jose", func(c *client.Client) { c.AccessTokenFormat, c.AccessTokenAlg = client.FormatJWT, jose.ES256 })
	_, cookie := w.login(authn.ECPS)
	answer := w.redeem("jose", w.code("jose", cookie))
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.HS256} {
		if _, err := w.keys.Rotate(t.Context(), alg, signing.KnownAfter); err != nil {
			t.Fatal(err)
		}
	}
	if rec := w.userinfo(answer.text("access_token")); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.refresh("jose", answer.text("refresh_token")); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if q := w.answered(w.authorize(ask("jose", "prompt", "none", "id_token_hint", answer.text("id_token")), cookie)); q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}
