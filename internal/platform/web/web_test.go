package web_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/templates"
)

type site struct {
	*echo.Echo
	log *bytes.Buffer
}

func newSite(t *testing.T, environment string, proxies ...string) site {
	t.Helper()
	tpl, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	logger := slog.New(slog.NewTextHandler(log, nil))
	o := web.Options{
		Log: logger, Rand: rand.Reader, Environment: environment, BodyLimit: 1024,
		Pages: web.NewPages(web.PagesOptions{Templates: tpl, Log: logger, Environment: environment}),
	}
	for _, p := range proxies {
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(p))
	}
	return site{web.New(o), log}
}

func (s site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func get(path string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

const html = "text/html,application/xhtml+xml"

func TestSecurityHeadersAreThoseOfPG1(t *testing.T) {
	s := newSite(t, "production")
	s.GET("/x", func(c echo.Context) error { return c.NoContent(204) })
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; " +
			"connect-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https:",
		"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin",
		"Strict-Transport-Security": "max-age=63072000",
	}
	for _, path := range []string{"/x", "/no-such-page"} {
		got := s.do(get(path, "Accept", html)).Header()
		for name, value := range want {
			if got.Get(name) != value {
				t.Errorf("%s: %s = %q, want %q", path, name, got.Get(name), value)
			}
		}
	}
}

func TestFormActionIsWidenedByNameOnly(t *testing.T) {
	for _, tc := range []struct{ name, env, redirect, want string }{
		{"production", "production", "https://service.example/cb", "'self' https:"},
		{"sandbox opens loopback", "sandbox", "https://service.example/cb", "'self' https: http://127.0.0.1:* http://localhost:*"},
		{"custom scheme of an app", "production", "com.example.app:/cb", "'self' https: com.example.app:"},
		{"loopback of an app", "production", "http://127.0.0.1:53111/cb", "'self' https: http://127.0.0.1:*"},
		{"attack: plain http elsewhere", "production", "http://evil.example/cb", "'self' https:"},
		{"attack: script as a scheme", "production", "javascript:alert(1)", "'self' https:"},
		{"attack: second directive in the URI", "production", "http://127.0.0.1;script-src *:1/", "'self' https:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, tc.env)
			s.GET("/x", func(c echo.Context) error {
				web.AllowFormTo(c, tc.redirect)
				return c.NoContent(204)
			})
			csp := s.do(get("/x")).Header().Get("Content-Security-Policy")
			_, got, _ := strings.Cut(csp, "form-action ")
			if got != tc.want {
				t.Errorf("form-action %q, want %q", got, tc.want)
			}
			// The next answer starts from the base again.
			s.GET("/y", func(c echo.Context) error { return c.NoContent(204) })
			if again := s.do(get("/y")).Header().Get("Content-Security-Policy"); strings.Contains(again, "com.example") {
				t.Error("one page's policy leaked into another's")
			}
		})
	}
}

// Only the page of the card reaches the bridge, and only where it was told to.
func TestConnectSourcesAreNamedForOneAnswerOnly(t *testing.T) {
	s := newSite(t, "production")
	s.GET("/card", func(c echo.Context) error {
		web.AllowConnectTo(c, "http://127.0.0.1:17651", "http://127.0.0.1:17652")
		return c.NoContent(204)
	})
	s.GET("/other", func(c echo.Context) error { return c.NoContent(204) })
	for _, visit := range []struct{ path, want string }{
		{"/other", "'self'"}, {"/card", "'self' http://127.0.0.1:17651 http://127.0.0.1:17652"}, {"/other", "'self'"}, {"/no-such-page", "'self'"},
	} {
		_, csp, _ := strings.Cut(s.do(get(visit.path)).Header().Get("Content-Security-Policy"), "connect-src ")
		if got, _, _ := strings.Cut(csp, ";"); got != visit.want {
			t.Errorf("%s: connect-src %q, want %q", visit.path, got, visit.want)
		}
	}
}

func TestNonceIsFreshAndInThePolicy(t *testing.T) {
	s := newSite(t, "production")
	s.GET("/x", func(c echo.Context) error {
		n, err := web.Nonce(c, rand.Reader)
		if err != nil {
			return err
		}
		return c.String(200, n)
	})
	a, b := s.do(get("/x")), s.do(get("/x"))
	if a.Body.String() == b.Body.String() || a.Body.Len() < 20 {
		t.Errorf("nonces %q and %q", a.Body, b.Body)
	}
	if csp := a.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self' 'nonce-"+a.Body.String()+"'") {
		t.Errorf("policy %q does not carry the nonce", csp)
	}
}

// A stranger who forges forwarding headers must not choose his address, scheme or certificate (D7).
func TestD7ForwardingHeadersAreBelievedFromConfiguredProxiesOnly(t *testing.T) {
	for _, tc := range []struct{ name, peer, wantIP, wantCert string }{
		{"attack: direct caller forges", "203.0.113.9:4000", "203.0.113.9", ""},
		{"attack: private peer that is no proxy", "10.9.9.9:4000", "10.9.9.9", ""},
		{"proxy", "10.0.0.7:4000", "198.51.100.4", "cert"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, "production", "10.0.0.0/29")
			var ip, cert, scheme string
			s.GET("/x", func(c echo.Context) error {
				ip, cert, scheme = c.RealIP(), c.Request().Header.Get("X-Client-Cert"), c.Scheme()
				return c.NoContent(204)
			})
			r := get("/x", "X-Forwarded-For", "6.6.6.6, 198.51.100.4", "X-Real-IP", "6.6.6.6", "X-Client-Cert", "cert", "X-Forwarded-Proto", "https")
			r.RemoteAddr = tc.peer
			s.do(r)
			if ip != tc.wantIP || cert != tc.wantCert || scheme != "http" {
				t.Errorf("address %q certificate %q scheme %q", ip, cert, scheme)
			}
		})
	}
}

func TestPG6PanicShowsNoStack(t *testing.T) {
	s := newSite(t, "production")
	s.GET("/x", func(echo.Context) error { panic("secret cause") })
	w := s.do(get("/x", "Accept", html))
	body := w.Body.String()
	if w.Code != 500 || !strings.Contains(body, `data-code="PF-SV-049"`) {
		t.Errorf("status %d, body %s", w.Code, body)
	}
	for _, leak := range []string{"secret cause", "goroutine", ".go:"} {
		if strings.Contains(body, leak) {
			t.Errorf("page shows %q", leak)
		}
	}
	id := w.Header().Get("X-Request-Id")
	if len(id) != 16 || !strings.Contains(body, id) {
		t.Errorf("correlation id %q is not on the page", id)
	}
	if !strings.Contains(s.log.String(), "secret cause") {
		t.Error("the log does not know the cause")
	}
}

func TestCallerCannotChooseTheRequestID(t *testing.T) {
	s := newSite(t, "production", "192.0.2.0/24")
	s.GET("/x", func(c echo.Context) error { return c.String(200, web.RequestID(c)) })
	w := s.do(get("/x", "X-Request-Id", "victim"))
	if w.Body.String() == "victim" || w.Header().Get("X-Request-Id") != w.Body.String() {
		t.Errorf("id %q, header %q", w.Body, w.Header().Get("X-Request-Id"))
	}
}

func TestBodyLimit(t *testing.T) {
	s := newSite(t, "production")
	s.POST("/x", func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return err
	})
	announced := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(strings.Repeat("a", 2000)))
	hidden := httptest.NewRequest(http.MethodPost, "/x", io.MultiReader(strings.NewReader(strings.Repeat("a", 2000))))
	hidden.ContentLength = -1
	for name, r := range map[string]*http.Request{"announced": announced, "attack: length not announced": hidden} {
		r.Header.Set("Accept", html)
		w := s.do(r)
		if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), `data-code="PF-SV-046"`) {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestOneTableFromFailureToPage(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		code   string
	}{
		{fault.New(fault.NotFound, "", "x"), 404, "PF-SV-044"},
		{fault.New(fault.Expired, "PF-EC-010", "x"), 410, "PF-EC-010"},
		{fault.New(fault.Expired, "", "x"), 410, "PF-SV-042"},
		{fault.New(fault.Used, "", "x"), 409, "PF-SV-042"},
		{fault.New(fault.Conflict, "", "x"), 409, "PF-SV-042"},
		{fault.New(fault.Denied, "", "x"), 403, "PF-SV-048"},
		{fault.New(fault.Denied, "PF-SV-043", "x"), 403, "PF-SV-043"},
		{fault.New(fault.Invalid, "", "x"), 400, "PF-SV-045"},
		{fault.New(fault.Invalid, "PF-SV-040", "x"), 400, "PF-SV-040"},
		{fault.New(fault.Unavailable, "", "x"), 503, "PF-SV-041"},
		{fault.New(fault.Internal, "", "x"), 500, "PF-SV-049"},
		{errors.New("plain"), 500, "PF-SV-049"},
		{echo.ErrNotFound, 404, "PF-SV-044"},
		{echo.ErrMethodNotAllowed, 405, "PF-SV-044"},
		{echo.ErrTooManyRequests, 429, "PF-SV-047"},
		{&http.MaxBytesError{Limit: 1}, 413, "PF-SV-046"},
	} {
		s := newSite(t, "production")
		s.GET("/x", func(echo.Context) error { return tc.err })
		w := s.do(get("/x", "Accept", html))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), `data-code="`+tc.code+`"`) {
			t.Errorf("%v: status %d, want %d %s", tc.err, w.Code, tc.status, tc.code)
		}
		if tc.status == 503 && w.Header().Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		program := s.do(get("/x", "Accept", "application/json"))
		var body map[string]string
		if err := json.Unmarshal(program.Body.Bytes(), &body); err != nil || body["code"] != tc.code || program.Code != tc.status {
			t.Errorf("%v for a program: %d %s", tc.err, program.Code, program.Body)
		}
	}
}

func TestErrorPageSpeaksBothLanguages(t *testing.T) {
	s := newSite(t, "production")
	fr := s.do(get("/none", "Accept", html)).Body.String()
	en := s.do(get("/none", "Accept", html, "Accept-Language", "en-GB")).Body.String()
	if !strings.Contains(fr, `<html lang="fr">`) || !strings.Contains(fr, "Page introuvable") {
		t.Error("French page expected")
	}
	if !strings.Contains(en, `<html lang="en">`) || !strings.Contains(en, "No such page") {
		t.Error("English page expected")
	}
}

func TestEveryPageSaysWhoWeAreNot(t *testing.T) {
	s := newSite(t, "production")
	body := s.do(get("/none", "Accept", html)).Body.String()
	if !strings.Contains(body, "Système indépendant, sans lien avec l&#39;État, l&#39;ANS ni Pro Santé Connect") {
		t.Error("the line of independence is missing")
	}
}
