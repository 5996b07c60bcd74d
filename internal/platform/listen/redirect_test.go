package listen

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTL2PagesAreLedToHTTPS(t *testing.T) {
	h := Redirect("https://auth.example.org/auth/realms/x", "https://Wallet.example.org:8443/auth", "", "http://plain.example.org")
	for _, c := range []struct{ host, path, want string }{
		{"auth.example.org", "/mon-e-cps", "https://auth.example.org/mon-e-cps"},
		{"AUTH.example.org:80", "/", "https://auth.example.org/"},
		{"wallet.example.org", "/a%2Fb", "https://Wallet.example.org:8443/a%2Fb"},
		{"auth.example.org", "//evil.example/x", "https://auth.example.org/evil.example/x"},
		{"auth.example.org", "/\\evil.example", "https://auth.example.org/%5Cevil.example"},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://x/", nil)
		r.Host, r.URL.Path, r.URL.RawPath = c.host, c.path, ""
		if c.path == "/a%2Fb" {
			r.URL.Path, r.URL.RawPath = "/a/b", c.path
		}
		r.Header.Set("Accept", "text/html,*/*")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != c.want {
			t.Errorf("%s%s: %d %s", c.host, c.path, w.Code, w.Header().Get("Location"))
		}
		if w.Header().Get("Strict-Transport-Security") != "" {
			t.Error("HSTS over plain http (RFC 6797 7.2)")
		}
	}
}

// unread fails the test if anybody reads it: what came in clear is not looked at.
type unread struct{}

func (unread) Read([]byte) (int, error) { return 0, errors.New("the body was read") }

// TL2: no form, no token, no query in clear is ever taken or sent on.
func TestTL2AttackCredentialsOverPlainHTTP(t *testing.T) {
	h := Redirect("https://auth.example.org/realm")
	for what, spoil := range map[string]func(*http.Request){
		"form":                func(r *http.Request) { r.Method = http.MethodPost },
		"put":                 func(r *http.Request) { r.Method = http.MethodPut },
		"preflight":           func(r *http.Request) { r.Method = http.MethodOptions },
		"connect":             func(r *http.Request) { r.Method = http.MethodConnect },
		"query":               func(r *http.Request) { r.URL.RawQuery = "code=abc" },
		"bearer token":        func(r *http.Request) { r.Header.Set("Authorization", "Bearer abc") },
		"client's password":   func(r *http.Request) { r.Header.Set("Authorization", "Basic abc") },
		"script":              func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") },
		"program":             func(r *http.Request) { r.Header.Set("Accept", "application/json") },
		"GET with a body":     func(r *http.Request) { r.ContentLength = 3 },
		"another host":        func(r *http.Request) { r.Host = "evil.example" },
		"no host":             func(r *http.Request) { r.Host = "" },
		"host with a comment": func(r *http.Request) { r.Host = "auth.example.org@evil.example" },
	} {
		r := httptest.NewRequest(http.MethodGet, "http://auth.example.org/auth", unread{})
		r.ContentLength = 0
		r.Header.Set("Accept", "text/html")
		spoil(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "abc") {
			t.Errorf("%s: %d %s", what, w.Code, w.Header().Get("Location"))
		}
	}
}
