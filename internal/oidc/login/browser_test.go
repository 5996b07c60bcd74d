package login_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/web"
)

// browser is one browser: its cookies, and no redirect followed.
type browser struct {
	w      *world
	http   *http.Client
	secret string
	lang   string
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	b := &browser{w: w, http: &http.Client{Transport: w.server.Client().Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	b.secret, err = web.Secret(rand.Reader)
	must(w.t, err)
	b.setCookie("egide-browser", b.secret)
	return b
}

func (b *browser) url(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return b.w.server.URL + path
}

func (b *browser) setCookie(name, value string) {
	u, err := url.Parse(b.w.server.URL)
	must(b.w.t, err)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.w.server.URL)
	must(b.w.t, err)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// login starts one for the service, as the OP does.
func (b *browser) login(change ...func(*grant.Request)) string {
	b.w.t.Helper()
	r := grant.Request{ClientID: "dmp", RedirectURI: "https://service.example/cb", State: "st", Scope: []string{"openid", "scope_all"}, BrowserHash: grant.Hash(b.secret)}
	for _, f := range change {
		f(&r)
	}
	r, err := b.w.requests.Start(b.w.t.Context(), r)
	must(b.w.t, err)
	return "/login/" + r.Handle
}

func (b *browser) state(path string) grant.Request {
	b.w.t.Helper()
	r, err := b.w.requests.Get(b.w.t.Context(), strings.TrimPrefix(path, "/login/"), b.secret)
	must(b.w.t, err)
	return r
}

// page is one answer.
type page struct {
	status   int
	body     string
	location string
	header   http.Header
}

func (b *browser) get(path string) page {
	b.w.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) do(method, path string, form url.Values) page {
	b.w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.url(path), body)
	must(b.w.t, err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(r)
	must(b.w.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(b.w.t, err)
	return page{resp.StatusCode, string(text), strings.TrimPrefix(resp.Header.Get("Location"), b.w.server.URL), resp.Header}
}

// press sends a form of the login with the right token and wants a 303.
func (b *browser) press(path, action string, fields ...string) page {
	b.w.t.Helper()
	p := b.send(path, action, fields...)
	if p.status != http.StatusSeeOther {
		b.w.t.Fatalf("%s %s: status %d\n%s", path, action, p.status, p.body)
	}
	return p
}

func (b *browser) send(path, action string, fields ...string) page {
	b.w.t.Helper()
	form := url.Values{"csrf": {web.CSRF(b.secret, strings.TrimPrefix(path, "/login/"))}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, path+"/"+action, form)
}

// ask sends the identifier and gives the number on the waiting page.
func (b *browser) ask(path, id string, fields ...string) string {
	b.w.t.Helper()
	b.press(path, "ecps", append([]string{"login", id}, fields...)...)
	return b.get(path).number(b.w.t)
}

var matchNumber = regexp.MustCompile(`<output id="match-number"[^>]*>(\d\d)</output>`)

func (p page) number(t *testing.T) string {
	t.Helper()
	m := matchNumber.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no number on the page (status %d, location %q):\n%s", p.status, p.location, p.body)
	}
	return m[1]
}

func (p page) wants(t *testing.T, parts ...string) {
	t.Helper()
	for _, s := range parts {
		if !strings.Contains(p.body, s) {
			t.Errorf("page lacks %q (status %d)", s, p.status)
		}
	}
}

func (p page) lacks(t *testing.T, parts ...string) {
	t.Helper()
	for _, s := range parts {
		if strings.Contains(p.body, s) {
			t.Errorf("page holds %q (status %d)", s, p.status)
		}
	}
}

// enter makes a whole login and gives its address, at the confirmation.
func (b *browser) enter(p *device.Phone, id string, fields ...string) string {
	b.w.t.Helper()
	path := b.login()
	b.w.approve(p, b.ask(path, id, fields...))
	if got := b.get(path); got.status != http.StatusSeeOther || got.location != path {
		b.w.t.Fatalf("finishing gives %d to %q\n%s", got.status, got.location, got.body)
	}
	return path
}
