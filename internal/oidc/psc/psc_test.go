package psc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func mounted(t *testing.T, s Shape) *echo.Echo {
	t.Helper()
	named := func(name string) echo.HandlerFunc {
		return func(c echo.Context) error {
			return c.String(http.StatusOK, name+" "+c.Request().Method+" "+c.Request().URL.RawQuery)
		}
	}
	e := echo.New()
	err := Mount(e, s, Endpoints{
		Authorize: named("authorize"), Token: named("token"), UserInfo: named("userinfo"), EndSession: named("logout"),
		JWKS: named("certs"), Introspect: named("introspect"), Revoke: named("revoke"), Discovery: named("discovery"), CheckSession: named("frame"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func do(e *echo.Echo, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

var oneHost = Shape{Issuer: "http://127.0.0.1:8080/auth/realms/esante-wallet", AuthorizationURL: "http://127.0.0.1:8080/auth"}

func TestPathTable(t *testing.T) {
	e := mounted(t, oneHost)
	realm := "/auth/realms/esante-wallet"
	for path, want := range map[string]string{
		"/auth":                                  "authorize",
		"/auth/":                                 "authorize",
		"/auth/?acr_values=eidas1":               "authorize GET acr_values=eidas1",
		realm + "/protocol/openid-connect/auth":  "authorize",
		realm + "/protocol/openid-connect/token": "token",
		realm + "/protocol/openid-connect/token/introspect": "introspect",
		realm + "/protocol/openid-connect/userinfo":         "userinfo",
		realm + "/protocol/openid-connect/logout":           "logout",
		realm + "/protocol/openid-connect/certs":            "certs",
		realm + "/protocol/openid-connect/revoke":           "revoke",
		realm + "/.well-known/openid-configuration":         "discovery",
		realm + "/.well-known/wallet-openid-configuration":  "discovery",
	} {
		w := do(e, http.MethodGet, path, "")
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: %d %q, want %s", path, w.Code, w.Body, want)
		}
	}
}

// TestDoubleSlashIsServedNotRedirected: DRIMbox posts to //userinfo and //token/introspect.
func TestDoubleSlashIsServedNotRedirected(t *testing.T) {
	e := mounted(t, oneHost)
	for path, want := range map[string]string{
		"/auth/realms/esante-wallet/protocol/openid-connect//userinfo":         "userinfo POST",
		"/auth/realms/esante-wallet/protocol/openid-connect//token/introspect": "introspect POST",
		"//auth///realms/esante-wallet/protocol/openid-connect/token":          "token POST",
	} {
		w := do(e, http.MethodPost, "http://127.0.0.1:8080"+path, "a=b")
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestTwoHosts(t *testing.T) {
	e := mounted(t, Shape{Issuer: "https://auth.example/auth/realms/esante-wallet", AuthorizationURL: "https://wallet.example/auth"})
	w := do(e, http.MethodGet, "https://auth.example/auth/realms/esante-wallet/protocol/openid-connect/auth?client_id=a&state=x%20y", "")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://wallet.example/auth?client_id=a&state=x%20y" {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Location"))
	}
	w = do(e, http.MethodPost, "https://auth.example/auth/realms/esante-wallet/protocol/openid-connect/auth", "client_id=a")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://wallet.example/auth?client_id=a" {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Location"))
	}
	if w = do(e, http.MethodGet, "https://wallet.example/auth?client_id=a", ""); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
}

// TestNoCORS: browsers may not call the provider from a page (pro-sante-connect.md 1.8).
func TestME10NoCORS(t *testing.T) {
	e := mounted(t, oneHost)
	r := httptest.NewRequest(http.MethodOptions, "/auth/realms/esante-wallet/protocol/openid-connect/token", nil)
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, w.Header().Get(name))
		}
	}
}

func TestBadShapes(t *testing.T) {
	ok := func(echo.Context) error { return nil }
	full := Endpoints{ok, ok, ok, ok, ok, ok, ok, ok, ok}
	for _, s := range []Shape{
		{}, {Issuer: "/auth", AuthorizationURL: "http://a/auth"}, {Issuer: "http://a/x?y", AuthorizationURL: "http://a/auth"},
		{Issuer: "http://a/x", AuthorizationURL: "http://a/auth#f"}, {Issuer: "http://u:p@a/x", AuthorizationURL: "http://a/auth"},
	} {
		if Mount(echo.New(), s, full) == nil {
			t.Errorf("%+v accepted", s)
		}
	}
	if Mount(echo.New(), oneHost, Endpoints{}) == nil {
		t.Error("missing handlers accepted")
	}
}
