package op

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/trust/audit"
)

func TestUI1UI3UserInfoWays(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	psc := w.redeem("psc", w.code("psc", cookie)).text("access_token")
	web := w.redeem("web", w.code("web", cookie)).text("access_token")
	form := func(token string) string { return url.Values{"access_token": {token}}.Encode() }
	for name, tt := range map[string]struct {
		method, path, contentType, body, header string
		status                                  int
		code                                    string
	}{
		"get":                {"GET", "userinfo", "", "", "Bearer " + psc, 200, ""},
		"post, empty body":   {"POST", "userinfo", "", "", "Bearer " + psc, 200, ""},
		"post, empty form":   {"POST", "userinfo", formType, "", "Bearer " + psc, 200, ""},
		"post, double slash": {"POST", "/userinfo", "", "", "Bearer " + psc, 200, ""},
		"scheme in any case": {"GET", "userinfo", "", "", "bearer " + psc, 200, ""},
		"post, form, oidc":   {"POST", "userinfo", formType, form(web), "", 200, ""},
		"post, form, psc":    {"POST", "userinfo", formType, form(psc), "", 400, "invalid_request"},
		"header and form":    {"POST", "userinfo", formType, form(web), "Bearer " + web, 400, "invalid_request"},
		"form twice":         {"POST", "userinfo", formType, form(web) + "&" + form(web), "", 400, "invalid_request"},
		"query":              {"GET", "userinfo?" + form(web), "", "", "", 401, "invalid_token"},
		"none":               {"GET", "userinfo", "", "", "", 401, "invalid_token"},
		"basic":              {"GET", "userinfo", "", "", "Basic " + psc, 401, "invalid_token"},
		"empty bearer":       {"GET", "userinfo", "", "", "Bearer ", 401, "invalid_token"},
		"rubbish":            {"GET", "userinfo", "", "", "Bearer \"';--", 401, "invalid_token"},
		"with a space":       {"GET", "userinfo", "", "", "Bearer a b", 401, "invalid_token"},
		"huge":               {"GET", "userinfo", "", "", "Bearer " + strings.Repeat("a", 20000), 401, "invalid_token"},
		"altered":            {"GET", "userinfo", "", "", "Bearer " + psc + "x", 401, "invalid_token"},
		"put":                {"PUT", "userinfo", "", "", "Bearer " + psc, 405, "invalid_request"},
	} {
		var h []string
		if tt.header != "" {
			h = []string{"Authorization", tt.header}
		}
		rec := w.raw(tt.method, base+tt.path, tt.contentType, tt.body, h...)
		if rec.Code != tt.status || rec.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s %v", name, rec.Code, rec.Body, rec.Header())
			continue
		}
		if tt.code != "" && decode(t, rec).text("error") != tt.code {
			t.Errorf("%s: %s", name, rec.Body)
		}
		if rec.Code == 401 && !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: no challenge", name)
		}
	}
}

// TestTokenKindsAreNotMistaken: an ID or refresh token opens no UserInfo, an
// access token refreshes nothing (architecture, point 11).
func TestTokenKindsAreNotMistaken(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("psc", w.code("psc", cookie))
	for _, name := range []string{"id_token", "refresh_token"} {
		wantError(t, w.userinfo(got.text(name)), 401, "invalid_token")
	}
	for _, name := range []string{"id_token", "access_token"} {
		wantError(t, w.refresh("psc", got.text(name)), 400, "invalid_grant")
	}
	if rec := w.post("token/introspect", "psc", url.Values{"token": {got.text("id_token")}}); rec.Body.String() != inactive {
		t.Error(rec.Body)
	}
	narrow := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {w.redeem("web", w.code("web", cookie, "scope", "openid profile")).text("refresh_token")}, "scope": {"profile"}}
	rec := w.userinfo(decode(t, w.post("token", "web", narrow)).text("access_token"))
	wantError(t, rec, 403, "insufficient_scope")
}

// TestUI3AccessTokenDies: with its time, though its family lives.
func TestUI3AccessTokenDies(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("psc", w.code("psc", cookie)).text("access_token")
	w.clock.Advance(119 * time.Second)
	if rec := w.userinfo(token); rec.Code != 200 {
		t.Fatal(rec.Code)
	}
	w.clock.Advance(2 * time.Second)
	wantError(t, w.userinfo(token), 401, "invalid_token")
}

func TestTK13Introspection(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	psc := w.redeem("psc", w.code("psc", cookie))
	web := w.redeem("web", w.code("web", cookie))
	for name, tt := range map[string]struct {
		caller, token string
		active        bool
		claim         string
	}{
		"psc, own":               {"psc", psc.text("access_token"), true, "SubjectNameID"},
		"psc, another psc":       {"psc2", psc.text("access_token"), true, "SubjectNameID"},
		"psc, refresh":           {"psc2", psc.text("refresh_token"), true, "client_id"},
		"oidc, own":              {"web", web.text("access_token"), true, "SubjectNameID"},
		"oidc, own refresh":      {"web", web.text("refresh_token"), true, "client_id"},
		"oidc, its audience":     {"psc2", web.text("access_token"), true, "SubjectNameID"},
		"oidc, of another":       {"jwt", web.text("access_token"), false, ""},
		"oidc, of psc":           {"web", psc.text("access_token"), false, ""},
		"psc, of oidc":           {"psc", web.text("access_token"), false, ""},
		"psc, refresh of oidc":   {"psc", web.text("refresh_token"), false, ""},
		"oidc, refresh of other": {"jwt", web.text("refresh_token"), false, ""},
		"rubbish":                {"psc", "x", false, ""},
		"huge":                   {"psc", strings.Repeat("x", 20000), false, ""},
	} {
		rec := w.post("token/introspect", tt.caller, url.Values{"token": {tt.token}, "token_type_hint": {"nonsense"}})
		if rec.Code != 200 || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			continue
		}
		got := decode(t, rec)
		if got["active"] != tt.active || !tt.active && rec.Body.String() != inactive || tt.claim != "" && got[tt.claim] == nil {
			t.Errorf("%s: %s", name, rec.Body)
		}
	}
	if got := decode(t, w.post("token/introspect", "psc", url.Values{"token": {psc.text("refresh_token")}})); got["SubjectNameID"] != nil {
		t.Error("a refresh token gives no SubjectNameID (pro-sante-connect.md 1.9)")
	}
	wantError(t, w.post("token/introspect", "app", url.Values{"token": {"x"}}), 401, "invalid_client")
	wantError(t, w.post("token/introspect", "psc", nil), 400, "invalid_request")
	wantError(t, w.raw("POST", base+"token/introspect", formType, "token=x"), 401, "invalid_client")
	if rec := w.get(base + "token/introspect?token=x"); rec.Code != 405 {
		t.Error(rec.Code)
	}
	w.refresh("psc", psc.text("refresh_token"))
	if rec := w.post("token/introspect", "psc", url.Values{"token": {psc.text("refresh_token")}}); rec.Body.String() != inactive {
		t.Error("a refresh token that was used is still told active")
	}
}

func TestTK13Revocation(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("web", w.code("web", cookie))
	revoke := func(id, token string) *httptest.ResponseRecorder {
		return w.post("revoke", id, url.Values{"token": {token}})
	}
	wantError(t, revoke("jwt", got.text("access_token")), 400, "unauthorized_client")
	wantError(t, revoke("psc", got.text("refresh_token")), 400, "unauthorized_client")
	for _, unknown := range []string{"x", "a.b.c", strings.Repeat("x", 20000)} {
		if rec := revoke("web", unknown); rec.Code != 200 {
			t.Errorf("%.10s: %d %s", unknown, rec.Code, rec.Body)
		}
	}
	if rec := revoke("web", got.text("access_token")); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	wantError(t, w.userinfo(got.text("access_token")), 401, "invalid_token")
	next := decode(t, w.refresh("web", got.text("refresh_token"))) // the family lives
	if rec := revoke("web", next.text("refresh_token")); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	wantError(t, w.userinfo(next.text("access_token")), 401, "invalid_token")
	wantError(t, w.refresh("web", next.text("refresh_token")), 400, "invalid_grant")
	if rec := revoke("web", next.text("refresh_token")); rec.Code != 200 {
		t.Errorf("again: %d", rec.Code)
	}
	var traces []string
	for _, e := range w.audit.Events() {
		switch e := e.(type) {
		case audit.TokenRevoked:
			traces = append(traces, "token")
		case audit.FamilyRevoked:
			traces = append(traces, e.Reason)
		}
	}
	if !slices.Equal(traces, []string{"token", "revoked_by_client"}) {
		t.Errorf("traces %v", traces)
	}
	wantError(t, w.post("revoke", "web", nil), 400, "invalid_request")
	wantError(t, w.raw("POST", base+"revoke", formType, "token=x&client_id=web"), 401, "invalid_client")
	public := w.redeem("app", w.code("app", cookie, "scope", "openid"))
	if rec := revoke("app", public.text("refresh_token")); rec.Code != 200 {
		t.Errorf("public client: %d %s", rec.Code, rec.Body)
	}
}

// TestFailedClientAuthenticationIsLimited, and a stranger who fails cannot
// lock the real service out, not even from the same address (CA8).
func TestFailedClientAuthenticationIsLimited(t *testing.T) {
	w := newWorld(t)
	wrong := func(id string) *httptest.ResponseRecorder {
		return w.raw("POST", base+"token", formType, url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {"wrong"}}.Encode())
	}
	for _, id := range []string{"psc", "nobody-1"} {
		for i := range maxAuthFailures {
			if rec := wrong(id); rec.Code != 401 {
				t.Fatalf("%s, try %d: %d", id, i, rec.Code)
			}
		}
		rec := wrong(id)
		if rec.Code != 429 || rec.Header().Get("Retry-After") == "" || decode(t, rec).text("error") != "invalid_client" {
			t.Fatalf("%s: %d %s", id, rec.Code, rec.Body)
		}
	}
	if rec := wrong("nobody-2"); rec.Code != 429 {
		t.Errorf("unknown clients do not share a counter: %d", rec.Code)
	}
	if rec := w.post("token", "psc", url.Values{"grant_type": {"client_credentials"}}); rec.Code != 200 {
		t.Fatalf("the real service is locked out: %d %s", rec.Code, rec.Body)
	}
	if rec := wrong("psc2"); rec.Code != 401 {
		t.Errorf("another service pays: %d", rec.Code)
	}
	w.clock.Advance(authFailureWindow + time.Second)
	if rec := wrong("psc"); rec.Code != 401 {
		t.Errorf("the window never ends: %d", rec.Code)
	}
	if n := len(w.audit.Failures()); n != 2*maxAuthFailures+5 {
		t.Errorf("%d failures told", n)
	}
}

func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"openid-configuration", "wallet-openid-configuration"} {
		rec := w.get("/auth/realms/esante-wallet/.well-known/" + path)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/json" || rec.Header().Get("ETag") == "" {
			t.Fatalf("%d %v", rec.Code, rec.Header())
		}
		var d map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{
			"issuer": testIssuer, "authorization_endpoint": testFront, "token_endpoint": testIssuer + "/protocol/openid-connect/token",
			"request_parameter_supported": true, "request_uri_parameter_supported": true, "require_request_uri_registration": true, "claims_parameter_supported": true,
			"authorization_response_iss_parameter_supported": true, "require_pushed_authorization_requests": false,
			"tls_client_certificate_bound_access_tokens": false,
		} {
			if d[name] != want {
				t.Errorf("%s: %v, want %v", name, d[name], want)
			}
		}
		for name, want := range map[string]string{
			"response_types_supported": "[code]", "response_modes_supported": "[query form_post]", "subject_types_supported": "[public pairwise]",
			"grant_types_supported":            "[authorization_code refresh_token client_credentials]",
			"code_challenge_methods_supported": "[S256]", "id_token_signing_alg_values_supported": "[RS256 ES256 EdDSA PS256]",
			"acr_values_supported":                          "[eidas1 eidas2 eidas3]",
			"token_endpoint_auth_methods_supported":         "[client_secret_basic client_secret_post private_key_jwt none]",
			"introspection_endpoint_auth_methods_supported": "[client_secret_basic client_secret_post private_key_jwt]",
		} {
			if got := strings.Join(texts(d[name]), " "); "["+got+"]" != want {
				t.Errorf("%s: %v, want %s", name, got, want)
			}
		}
		for _, name := range []string{"jwks_uri", "userinfo_endpoint", "end_session_endpoint", "revocation_endpoint", "introspection_endpoint"} {
			u, _ := d[name].(string)
			if !strings.HasPrefix(u, testIssuer+"/protocol/openid-connect/") {
				t.Errorf("%s: %v", name, d[name])
			}
		}
		for _, absent := range []string{"registration_endpoint", "check_session_iframe", "pushed_authorization_request_endpoint"} {
			if d[absent] != nil {
				t.Errorf("%s is announced and does not exist", absent)
			}
		}
		r := httptest.NewRequest(http.MethodGet, "/auth/realms/esante-wallet/.well-known/"+path, nil)
		r.Header.Set("If-None-Match", `"other", W/`+rec.Header().Get("ETag"))
		again := httptest.NewRecorder()
		w.e.ServeHTTP(again, r)
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%d", again.Code)
		}
	}
	if rec := w.raw("POST", "/auth/realms/esante-wallet/.well-known/openid-configuration", "", ""); rec.Code != 405 {
		t.Error(rec.Code)
	}
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i := range list {
		out[i], _ = list[i].(string)
	}
	return out
}

// TestJWKSHoldsNoSecret: ME8; the refresh key is not in it.
func TestJWKSHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	rec := w.get(base + "certs")
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(rec.Body.Bytes(), &set); err != nil || len(set.Keys) < 3 {
		t.Fatalf("%v %s", err, rec.Body)
	}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if k[private] != nil {
				t.Errorf("%v holds %s", k["kid"], private)
			}
		}
		if k["kty"] == "oct" || k["use"] != "sig" || k["alg"] == nil {
			t.Errorf("%v", k)
		}
	}
}

// FuzzAuthorize: whatever is asked, the answer is ours, and a redirect goes to a registered URI only.
func FuzzAuthorize(f *testing.F) {
	w := newWorld(f)
	_, cookie := w.login(authn.ECPS)
	f.Add(ask("psc").Encode())
	f.Add(ask("web", "response_mode", "form_post", "prompt", "none").Encode())
	f.Add("client_id=psc&redirect_uri=https%3A%2F%2Fpsc.example%2Fcb&client_id=web")
	f.Add("%zz&&=;a=b")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/auth", nil)
		r.URL.RawQuery = query
		r.AddCookie(cookie)
		rec := httptest.NewRecorder()
		w.e.ServeHTTP(rec, r)
		location := rec.Header().Get("Location")
		switch rec.Code {
		case 200, 400:
			if location != "" {
				t.Fatalf("%d with Location %q", rec.Code, location)
			}
		case 303:
			known := strings.HasPrefix(location, "http://127.0.0.1:8080/login/")
			for _, id := range []string{"psc", "psc2", "web", "jwt"} {
				known = known || strings.HasPrefix(location, redirectOf(id)+"?") || strings.HasPrefix(location, redirectOf(id)+"&")
			}
			known = known || strings.HasPrefix(location, "http://127.0.0.1") && strings.Contains(location, "/cb?") || strings.HasPrefix(location, "fr.example.app:/cb?")
			if !known || strings.ContainsAny(location, "\r\n") {
				t.Fatalf("redirects to %q", location)
			}
		default:
			t.Fatalf("%d for %q", rec.Code, query)
		}
	})
}
