package oidc

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

func TestAuthorizationEndpoint(t *testing.T) {
	d := harness.Start(t)
	p := newParty(t, d, "demo-oidc")
	p.login()
	t.Run("AZ2AZ3AZ5NoRedirectBeforeTrust", func(t *testing.T) { noRedirectBeforeTrust(t, p) })
	t.Run("AZ6AZ7AZ9AZ16AZ17ErrorsByRedirect", func(t *testing.T) { errorsByRedirect(t, p) })
	t.Run("AZ1AZ13NeverAnError", func(t *testing.T) { neverAnError(t, p) })
	t.Run("AZ8StateAndNonceUnchanged", func(t *testing.T) { stateUnchanged(t, p) })
	t.Run("AZ1AZ19PostIsGet", func(t *testing.T) { postIsGet(t, p) })
	t.Run("AZ20FormPost", func(t *testing.T) { formPost(t, p) })
	t.Run("AZ10AZ12PromptAndMaxAge", func(t *testing.T) { promptAndMaxAge(t, p) })
	t.Run("AZ17CA9PublicClient", func(t *testing.T) { publicClient(t, d) })
}

// Whoever is not known good is never redirected to, on any error branch.
func noRedirectBeforeTrust(t *testing.T, p *party) {
	good := p.RedirectURIs[0]
	for _, uri := range []string{
		"", "https://evil.example/callback", good + "/x", good + "?a=1", good + "#f", strings.Replace(good, "callback", "Callback", 1),
		strings.Replace(good, "9402", "9409", 1), strings.Replace(good, "http", "https", 1), strings.Replace(good, "127.0.0.1", "127.0.0.1.evil.example", 1),
		strings.Replace(good, "//", "//user@", 1), good + "%2e%2e", strings.Replace(good, "/callback", "/x/../callback", 1), good + "\\", " " + good, "javascript:alert(1)",
	} {
		for _, also := range [][2]string{{"x", ""}, {"response_type", "token"}, {"scope", ""}, {"request", "e30"}} {
			r := p.do(http.MethodGet, p.ask("redirect_uri", uri, also[0], also[1]), "", nil)
			if r.status != http.StatusBadRequest || r.header.Get("Location") != "" || !strings.Contains(r.body, "data-code=") {
				t.Errorf("redirect_uri %q with %v: %d %s", uri, also, r.status, r.header.Get("Location"))
			}
		}
	}
	for _, id := range []string{"", "nobody", "demo-oidc ", "DEMO-OIDC"} {
		if r := p.do(http.MethodGet, p.ask("client_id", id), "", nil); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("client_id %q: %d %s", id, r.status, r.header.Get("Location"))
		}
	}
}

func errorsByRedirect(t *testing.T, p *party) {
	for _, c := range []struct {
		name, value, want string
	}{
		{"response_type", "", "invalid_request"},
		{"response_type", "token", "unsupported_response_type"},
		{"response_type", "code id_token", "unsupported_response_type"},
		{"response_mode", "jwt", "invalid_request"},
		{"scope", "", "invalid_scope"},
		{"prompt", "none login", "invalid_request"},
		{"prompt", "sing", "invalid_request"},
		{"max_age", "-1", "invalid_request"},
		{"max_age", "x", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"code_challenge_method", "", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"nonce", strings.Repeat("n", 5000), "invalid_request"},
		{"request", "e30.e30.", "request_not_supported"},
		{"request_uri", "https://client.example/r", "request_uri_not_supported"},
		{"id_token_hint", "not.a.token", "invalid_request"},
	} {
		p.browser.Get(p.ask(c.name, c.value))
		if p.browser.Arrived == nil {
			t.Errorf("%s=%q: no redirect", c.name, c.value)
			continue
		}
		q := p.browser.Arrived.Query()
		if q.Get("error") != c.want || q.Get("state") != "s1" || q.Get("iss") != p.demo.Sheet.Issuer || q.Has("code") {
			t.Errorf("%s=%q: %v, want %s", c.name, c.value, q, c.want)
		}
		if strings.ContainsAny(q.Get("error_description"), "\"\\\r\n\t") {
			t.Errorf("%s: description %q (AZ7)", c.name, q.Get("error_description"))
		}
	}
	for _, repeated := range []string{"&state=2", "&scope=openid", "&unknown=1&unknown=2"} {
		p.browser.Get(p.ask() + repeated)
		if p.browser.Arrived == nil || p.browser.Arrived.Query().Get("error") != "invalid_request" {
			t.Errorf("%s: %v", repeated, p.browser.Arrived)
		}
	}
}

func neverAnError(t *testing.T, p *party) {
	for _, c := range [][2]string{
		{"acr_values", "urn:unknown 0"}, {"ui_locales", "xx-YY fr"}, {"claims_locales", "de"}, {"display", "popup"}, {"login_hint", "<b>x</b>"},
		{"claims", `{"userinfo":{"name":null}}`}, {"unknown", "1"}, {"scope", "profile unknown openid"}, {"max_age", "3600"}, {"state", ""}, {"nonce", ""},
	} {
		p.code(c[0], c[1])
	}
}

func stateUnchanged(t *testing.T, p *party) {
	for _, state := range []string{"é\"<>&'+/=%20 ", strings.Repeat("s", 2000), "\u2028", "a+b c"} {
		p.browser.Get(p.ask("state", state))
		if got := p.browser.Arrived.Query().Get("state"); got != state {
			t.Errorf("state %q came back as %q", state, got)
		}
	}
	nonce := strings.Repeat("n", 384)
	if got := payload(t, p.tokens("nonce", nonce).text("id_token"))["nonce"]; got != nonce {
		t.Errorf("nonce came back as %v", got)
	}
}

func postIsGet(t *testing.T, p *party) {
	address, query, _ := strings.Cut(p.ask(), "?")
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	p.browser.Post(address, form) // fails on 307 and 308
	if p.browser.Arrived == nil || p.browser.Arrived.Query().Get("code") == "" {
		t.Errorf("arrived at %v", p.browser.Arrived)
	}
}

func formPost(t *testing.T, p *party) {
	state := `"><script>alert(1)</script>`
	for name, change := range map[string][]string{
		"success": {"response_mode", "form_post", "state", state},
		"error":   {"response_mode", "form_post", "state", state, "response_type", "token"},
	} {
		p.browser.Get(p.ask(change...))
		page := p.browser.Page
		if page == nil || page.Status != http.StatusOK || !strings.Contains(page.Body, html.EscapeString(state)) || strings.Contains(page.Body, state) {
			t.Fatalf("%s: %+v", name, page)
		}
		if page.Header.Get("Cache-Control") != "no-store" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "'nonce-") || !strings.Contains(page.Body, "<button") {
			t.Errorf("%s: %v", name, page.Header)
		}
	}
}

// prompt=login and max_age=0 ask anew; prompt=none never shows a page.
func promptAndMaxAge(t *testing.T, p *party) {
	before := payload(t, p.tokens("max_age", "3600").text("id_token"))
	if before["auth_time"] == nil {
		t.Error("no auth_time although max_age was asked")
	}
	for _, change := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		p.browser.Get(p.ask(change...))
		if !p.browser.Page.Has("login-ecps") {
			t.Fatalf("%v: no login page", change)
		}
		arrived := p.browser.Finish(p.demo.Login(t, "approve-300ms"))
		r := p.token(p.redeemForm(arrived.Query().Get("code")))
		after := payload(t, r.text("id_token"))
		if after["auth_time"].(float64) < before["auth_time"].(float64) || after["sub"] != before["sub"] {
			t.Errorf("%v: auth_time %v after %v", change, after["auth_time"], before["auth_time"])
		}
	}
	p.browser.Get(p.ask("max_age", "0", "prompt", "none"))
	if p.browser.Arrived.Query().Get("error") != "login_required" {
		t.Errorf("%v", p.browser.Arrived)
	}
	stranger := newParty(t, p.demo, p.ID)
	stranger.browser.Get(stranger.ask("prompt", "none"))
	if stranger.browser.Arrived.Query().Get("error") != "login_required" {
		t.Errorf("%v", stranger.browser.Arrived)
	}
}

func publicClient(t *testing.T, d *harness.Demo) {
	p := newParty(t, d, "demo-public")
	p.login()
	p.browser.Get(p.ask("code_challenge", "", "code_challenge_method", ""))
	if p.browser.Arrived.Query().Get("error") != "invalid_request" {
		t.Errorf("without PKCE: %v", p.browser.Arrived)
	}
	form := p.redeemForm(p.code())
	form.Set("client_id", p.ID)
	if r := p.token(form); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
}
