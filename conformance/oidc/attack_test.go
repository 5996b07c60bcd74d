package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// A link to somebody's flow gives a flow of one's own, and never moves his.
func foreignFlow(t *testing.T, p *party) {
	victim, thief := newParty(t, p.demo, p.ID), newParty(t, p.demo, p.ID)
	victim.browser.Get(victim.ask())
	link := victim.browser.Page.URL.String()
	csrf := victim.browser.Page.Body
	thief.browser.Get(link)
	if thief.browser.Page.URL.String() == link || !thief.browser.Page.Has("login-ecps") {
		t.Errorf("the thief stands in %s", thief.browser.Page.URL)
	}
	token := between(csrf, `name="csrf" value="`, `"`)
	for _, action := range []string{"ecps", "cancel", "accept", "decline", "same", "another", "continue"} {
		thief.browser.Post(link+"/"+action, url.Values{"csrf": {token}, "login": {p.demo.Login(t, "approve-300ms")}})
		if thief.browser.Arrived != nil {
			t.Fatalf("%s led a stranger to %v", action, thief.browser.Arrived)
		}
	}
	thief.browser.Get(link + "/return")
	if thief.browser.Arrived != nil || thief.browser.Page.Status != http.StatusForbidden {
		t.Errorf("%v %+v", thief.browser.Arrived, thief.browser.Page)
	}
	victim.browser.Get(link)
	if arrived := victim.browser.Finish(p.demo.Login(t, "approve-300ms")); arrived == nil || arrived.Query().Get("code") == "" {
		t.Errorf("the victim's login is lost: %v", arrived)
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// A hundred clicks on one button at once: no harm, and never two persons' worth.
func parallelAnswers(t *testing.T, p *party) {
	one := newParty(t, p.demo, p.ID)
	one.login()
	one.browser.Get(one.ask("prompt", "select_account"))
	link, token := one.browser.Page.URL, between(one.browser.Page.Body, `name="csrf" value="`, `"`)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	press := func(method, action string) (int, string) {
		req, err := http.NewRequest(method, link.String()+"/"+action, strings.NewReader(url.Values{"csrf": {token}}.Encode()))
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range one.browser.Cookies(link) {
			req.AddCookie(c)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Header.Get("Location")
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if status, _ := press(http.MethodPost, "same"); status != http.StatusSeeOther {
				t.Errorf("submit: %d", status)
			}
		})
	}
	all.Wait()
	var mu sync.Mutex
	codes := map[string]bool{}
	for range 100 {
		all.Go(func() {
			status, location := press(http.MethodGet, "return")
			u, err := url.Parse(location)
			if status != http.StatusSeeOther || err != nil || u.Query().Get("error") != "" {
				t.Errorf("resume: %d %s", status, location)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			codes[u.Query().Get("code")] = true
		})
	}
	all.Wait()
	if len(codes) == 0 || codes[""] {
		t.Errorf("%d codes", len(codes))
	}
}

// However many requests a browser begins, it carries the same few cookies.
func cookiesDoNotGrow(t *testing.T, p *party) {
	one := newParty(t, p.demo, p.ID)
	for range 30 {
		one.browser.Get(one.ask())
	}
	cookies := one.browser.Cookies(one.browser.Page.URL)
	size := 0
	for _, c := range cookies {
		size += len(c.Name) + len(c.Value)
	}
	if len(cookies) > 3 || size > 300 {
		t.Errorf("%d cookies of %d bytes after 30 requests", len(cookies), size)
	}
}

// D7: who asks cannot choose where links, cookies and the issuer lead.
func headersMoveNothing(t *testing.T, p *party) {
	for name, h := range map[string]http.Header{
		"X-Forwarded-Host":  {"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Prefix": {"/evil"}},
		"Forwarded":         {"Forwarded": {`host="evil.example";proto=https`}},
		"X-Original-URL":    {"X-Original-Url": {"/login/evil"}, "X-Rewrite-Url": {"/login/evil"}},
		"X-Method-Override": {"X-Http-Method-Override": {"DELETE"}, "X-Method-Override": {"DELETE"}},
		"Origin":            {"Origin": {"https://evil.example"}, "Referer": {"https://evil.example/"}},
	} {
		r := p.do(http.MethodGet, p.ask(), "", h)
		if at := r.header.Get("Location"); r.status != http.StatusSeeOther || !strings.HasPrefix(at, "http://127.0.0.1") && !strings.HasPrefix(at, "/") || strings.Contains(at, "evil") {
			t.Errorf("%s: %d %s", name, r.status, at)
		}
		for _, c := range r.header.Values("Set-Cookie") {
			if strings.Contains(strings.ToLower(c), "domain=") || strings.Contains(c, "evil") {
				t.Errorf("%s: %s", name, c)
			}
		}
		if r := p.do(http.MethodGet, p.demo.Sheet.Issuer+"/.well-known/openid-configuration", "", h); strings.Contains(r.body, "evil") || r.text("issuer") != p.demo.Sheet.Issuer {
			t.Errorf("%s: discovery %s", name, r.body)
		}
	}
}

// What a stranger writes into a request is never a part of a page, and a page
// says nothing of the inside but a reference.
func pagesReflectNothing(t *testing.T, p *party) {
	const evil = `"'><script>alert(1)</script><!--`
	for name, change := range map[string][]string{
		"client_id": {"client_id", evil}, "redirect_uri": {"redirect_uri", "javascript:alert(1)//" + evil},
		"login_hint": {"login_hint", evil, "prompt", "login"}, "ui_locales": {"ui_locales", evil, "prompt", "login"}, "display": {"display", evil, "prompt", "login"},
		"state": {"state", evil, "response_mode", "form_post"}, "scope": {"scope", "openid " + evil, "prompt", "consent"},
		"claims": {"claims", `{"userinfo":{"<script>alert(1)</script>":null}}`, "prompt", "consent"},
	} {
		p.browser.Get(p.ask(change...))
		page := p.browser.Page
		if page == nil {
			t.Errorf("%s: no page", name)
			continue
		}
		if strings.Contains(page.Body, "<script>alert") || strings.Contains(page.Body, "javascript:alert") {
			t.Errorf("%s is in the page:\n%s", name, page.Body)
		}
		for _, word := range []string{".go:", "goroutine", "panic", "echo/", "sqlite", "egide/internal", "go1."} {
			if strings.Contains(page.Body, word) {
				t.Errorf("%s: the page tells %q", name, word)
			}
		}
		if page.Status >= 400 && (page.Code() == "" || !strings.Contains(page.Body, "Référence")) {
			t.Errorf("%s: an error page without code or reference", name)
		}
	}
}
