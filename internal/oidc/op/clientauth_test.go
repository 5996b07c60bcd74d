package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/egide-id/egide/internal/oidc/client"
)

var serial atomic.Int64 // identifiers of assertions

// call posts a form as it is.
func (w *world) call(endpoint string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, base+endpoint, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

// The way of CA2 through all grants and endpoints of the token family.
func TestCA2CA3PrivateKeyJWTAtEveryEndpoint(t *testing.T) {
	s := newSigner(t)
	do := func(endpoint string, form url.Values) *httptest.ResponseRecorder {
		t.Helper()
		s.prove(form, endpoint)
		rec := s.call(endpoint, form)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s %v: %d %s", endpoint, form, rec.Code, rec.Body)
		}
		// What was shown once is never taken again, here or elsewhere.
		for _, again := range []string{"token", "token/introspect", "revoke"} {
			wantError(t, s.call(again, form), 401, "invalid_client")
		}
		return rec
	}
	got := decode(t, do("token", codeForm("signs", s.code("signs", s.cookie))))
	got = decode(t, do("token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.text("refresh_token")}}))
	if active := decode(t, do("token/introspect", url.Values{"token": {got.text("access_token")}}))["active"]; active != true {
		t.Errorf("active %v", active)
	}
	do("revoke", url.Values{"token": {got.text("access_token")}})
	do("token", url.Values{"grant_type": {"client_credentials"}})
}

// An assertion for one endpoint is of no use at another, and the method is the
// registered one alone (CA5, CA1).
func TestCA1CA5CA8AssertionsOutOfPlace(t *testing.T) {
	s := newSigner(t)
	form := func() url.Values { return url.Values{"grant_type": {"client_credentials"}} }
	for name, spoil := range map[string]func(url.Values){
		"for another endpoint": func(f url.Values) { s.prove(f, "revoke") },
		"no type":              func(f url.Values) { s.prove(f, "token"); f.Del("client_assertion_type") },
		"no assertion":         func(f url.Values) { s.prove(f, "token"); f.Del("client_assertion"); f.Set("client_id", "signs") },
		"type alone":           func(f url.Values) { f.Set("client_assertion_type", client.AssertionType) },
		"a request object":     func(f url.Values) { s.prove(f, "token"); f.Set("client_assertion", s.sign()) },
		"an ID token":          func(f url.Values) { s.prove(f, "token"); f.Set("client_assertion", s.idToken()) },
		"client_id alone":      func(f url.Values) { f.Set("client_id", "signs") },
		"a secret instead":     func(f url.Values) { f.Set("client_id", "signs"); f.Set("client_secret", testSecret) },
		"of a client by secret": func(f url.Values) {
			s.prove(f, "token")
			f.Set("client_id", "jwt")
			f.Set("client_assertion", s.foreign("jwt"))
		},
		"nonsense": func(f url.Values) { s.prove(f, "token"); f.Set("client_assertion", "nonsense") },
	} {
		f := form()
		spoil(f)
		rec := s.call("token", f)
		wantError(t, rec, 401, "invalid_client")
		if d := decode(t, rec).text("error_description"); d != "client authentication failed" && d != "client authentication is missing" {
			t.Errorf("%s: the answer tells %q", name, d)
		}
	}
	for name, spoil := range map[string]func(url.Values){
		"a secret too":      func(f url.Values) { f.Set("client_secret", testSecret) },
		"another client_id": func(f url.Values) { f.Set("client_id", "web") },
	} {
		f := form()
		s.prove(f, "token")
		spoil(f)
		if rec := s.call("token", f); rec.Code != 400 || decode(t, rec).text("error") != "invalid_request" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if counts := s.audit.Failures(); len(counts) == 0 {
		t.Error("no failure was reported")
	}
}

func (s *signer) idToken() string {
	return s.redeem("web", s.code("web", s.cookie)).text("id_token")
}

// foreign is an assertion of our key about another client.
func (s *signer) foreign(id string) string {
	now := s.clock.Now().Unix()
	return s.key.Sign(s.t, "", map[string]any{"iss": id, "sub": id, "aud": testIssuer, "exp": now + 60, "jti": "f"})
}

// A store that cannot confirm the single use gives no token and says to come
// back; nothing was used up (D3).
func TestD2D3AssertionWhileTheStoreIsGone(t *testing.T) {
	s := newSigner(t)
	f := url.Values{"grant_type": {"client_credentials"}}
	s.prove(f, "token")
	s.kv.set(true)
	rec := s.call("token", f)
	wantError(t, rec, 503, "temporarily_unavailable")
	if rec.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.kv.set(false)
	if rec := s.call("token", f); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// A stranger who tries assertions is slowed down, and the service is not locked
// out by him (CA8).
func TestCA8GuessedAssertionsAreThrottledAndLockNobodyOut(t *testing.T) {
	s := newSigner(t)
	f := url.Values{"grant_type": {"client_credentials"}}
	status := 0
	for range maxAuthFailures + 2 {
		s.prove(f, "revoke")
		status = s.call("token", f).Code
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("%d", status)
	}
	s.prove(f, "token")
	if rec := s.call("token", f); rec.Code != 200 {
		t.Errorf("the service itself: %d %s", rec.Code, rec.Body)
	}
}
