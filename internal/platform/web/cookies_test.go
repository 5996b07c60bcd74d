package web_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/web"
)

func contextWith(cookies ...*http.Cookie) (echo.Context, *httptest.ResponseRecorder) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, k := range cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	return echo.New().NewContext(r, w), w
}

func TestCookiesOverHTTPSAreHostBound(t *testing.T) {
	c, w := contextWith()
	web.Cookies{Secure: true}.SetSession(c, "sid.secret")
	k := w.Result().Cookies()[0]
	if k.Name != "__Host-egide-session" || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" {
		t.Errorf("cookie %+v", k)
	}
}

func TestCookiesOverLoopbackHTTPHaveOtherNames(t *testing.T) {
	c, w := contextWith()
	web.Cookies{}.SetSession(c, "sid.secret")
	if k := w.Result().Cookies()[0]; k.Name != "egide-session" || k.Secure {
		t.Errorf("cookie %+v", k)
	}
	// A cookie set over plain http is never read over https.
	c, _ = contextWith(w.Result().Cookies()...)
	if got := (web.Cookies{Secure: true}).Session(c); got != "" {
		t.Errorf("an insecure cookie was read: %q", got)
	}
}

func TestBrowserSecretIsPlantedOnceAndKept(t *testing.T) {
	k := web.Cookies{Secure: true}
	c, w := contextWith()
	first, err := k.EnsureBrowser(c, rand.Reader)
	if err != nil || len(first) != 43 {
		t.Fatalf("secret %q, %v", first, err)
	}
	c, again := contextWith(w.Result().Cookies()...)
	second, err := k.EnsureBrowser(c, rand.Reader)
	if err != nil || second != first || len(again.Result().Cookies()) != 0 {
		t.Errorf("secret changed from %q to %q", first, second)
	}
}

// Somebody who can plant a cookie beside ours must not have his taken for it.
func TestAttackTwoCookiesOfOneName(t *testing.T) {
	name := "__Host-egide-browser"
	c, _ := contextWith(&http.Cookie{Name: name, Value: strings.Repeat("a", 43)}, &http.Cookie{Name: name, Value: strings.Repeat("b", 43)})
	if got := (web.Cookies{Secure: true}).Browser(c); got != "" {
		t.Errorf("believed %q", got)
	}
}

func TestAttackCookieOfAnotherShape(t *testing.T) {
	for _, v := range []string{"", "short", strings.Repeat("a", 42), strings.Repeat("a", 44), strings.Repeat("a", 42) + "/", strings.Repeat("a", 5000)} {
		c, _ := contextWith(&http.Cookie{Name: "__Host-egide-browser", Value: v})
		if got := (web.Cookies{Secure: true}).Browser(c); got != "" {
			t.Errorf("%.50q was taken as %q", v, got)
		}
	}
}

func TestPG3CSRFTokenServesOneBrowserAndOneLogin(t *testing.T) {
	token := web.CSRF("browser-a", "login-1")
	if !web.CheckCSRF("browser-a", "login-1", token) {
		t.Fatal("the right token is refused")
	}
	for name, ok := range map[string]bool{
		"another browser": web.CheckCSRF("browser-b", "login-1", token),
		"another login":   web.CheckCSRF("browser-a", "login-2", token),
		"no token":        web.CheckCSRF("browser-a", "login-1", ""),
		"no browser":      web.CheckCSRF("", "login-1", web.CSRF("", "login-1")),
		"a longer token":  web.CheckCSRF("browser-a", "login-1", token+"A"),
	} {
		if ok {
			t.Errorf("%s passes", name)
		}
	}
}

func FuzzCookies(f *testing.F) {
	f.Add("__Host-egide-browser=" + strings.Repeat("a", 43))
	f.Add("__Host-egide-session=a.b; __Host-egide-session=c.d")
	f.Add("=;;,\x00 __Host-egide-known=\"é\"")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = []string{header}
		c := echo.New().NewContext(r, httptest.NewRecorder())
		k := web.Cookies{Secure: true}
		if b := k.Browser(c); b != "" && len(b) != 43 {
			t.Errorf("browser %q", b)
		}
		for _, v := range []string{k.Browser(c), k.Session(c), k.Known(c)} {
			if len(v) > 256 || strings.ContainsAny(v, "; ,\"\\\x00\r\n<>:/") {
				t.Errorf("value %q", v)
			}
		}
	})
}
