package oidc

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

func TestAuthorizationAnswers(t *testing.T) {
	d := harness.Start(t)
	p := newParty(t, d, "demo-oidc")
	p.login()
	t.Run("AZ18IssuerInEveryAnswer", func(t *testing.T) { issuerEverywhere(t, p) })
	t.Run("AZ14EssentialLevel", func(t *testing.T) { essentialLevel(t, p) })
	t.Run("AZ15TK7TK10ClaimsByName", func(t *testing.T) { claimsByName(t, p) })
	t.Run("AZ13HintCorpus", func(t *testing.T) { hintCorpus(t, p) })
	t.Run("AZ11SelectAccount", func(t *testing.T) { selectAccount(t, p) })
	t.Run("AZ10AZ21CancelKeepsTheSession", func(t *testing.T) { cancelKeeps(t, p) })
	t.Run("AZ9AZ11AZ21Consent", func(t *testing.T) { consent(t, p) })
	t.Run("D6AZ11WithdrawnConsent", func(t *testing.T) { withdrawnConsent(t, p) })
	t.Run("AZ22PG3ForeignFlow", func(t *testing.T) { foreignFlow(t, p) })
	t.Run("AZ23HA9ParallelAnswers", func(t *testing.T) { parallelAnswers(t, p) })
	t.Run("AZ23CookiesDoNotGrow", func(t *testing.T) { cookiesDoNotGrow(t, p) })
	t.Run("PG2PG6PagesReflectNothing", func(t *testing.T) { pagesReflectNothing(t, p) })
	t.Run("D7HeadersMoveNothing", func(t *testing.T) { headersMoveNothing(t, p) })
}

// refused asks and wants an error by redirect.
func (p *party) refused(t *testing.T, want string, change ...string) {
	t.Helper()
	p.browser.Get(p.ask(change...))
	if p.browser.Arrived == nil {
		t.Errorf("%v: no answer but a page", change)
		return
	}
	q := p.browser.Arrived.Query()
	if q.Get("error") != want || q.Has("code") || q.Get("state") != "s1" || q.Get("iss") != p.demo.Sheet.Issuer {
		t.Errorf("%v: %v, want %s", change, q, want)
	}
}

func issuerEverywhere(t *testing.T, p *party) {
	p.code()
	if got := p.browser.Arrived.Query()["iss"]; !slices.Equal(got, []string{p.demo.Sheet.Issuer}) {
		t.Errorf("success: %v", got)
	}
	p.refused(t, "unsupported_response_type", "response_type", "token")
	for _, change := range [][]string{{"response_mode", "form_post"}, {"response_mode", "form_post", "prompt", "none login"}} {
		p.browser.Get(p.ask(change...))
		if !strings.Contains(p.browser.Page.Body, `name="iss" value="`+p.demo.Sheet.Issuer+`"`) || !p.browser.Page.Has("continue") {
			t.Errorf("%v: %s", change, p.browser.Page.Body)
		}
	}
}

func essentialLevel(t *testing.T, p *party) {
	asked := func(more string) string { return `{"id_token":{"acr":{"essential":true,` + more + `}}}` }
	if acr := payload(t, p.tokens("claims", asked(`"values":["urn:gold","eidas1"]`)).text("id_token"))["acr"]; acr != "eidas1" {
		t.Errorf("acr %v is none of those asked", acr)
	}
	if acr := payload(t, p.tokens("claims", asked(`"values":["eidas2","eidas1"]`), "acr_values", "eidas1").text("id_token"))["acr"]; acr != "eidas2" {
		t.Errorf("acr %v is not the first asked", acr)
	}
	p.refused(t, "unmet_authentication_requirements", "claims", asked(`"value":"urn:gold"`))
	p.refused(t, "unmet_authentication_requirements", "claims", asked(`"value":"urn:gold"`), "prompt", "none")
	p.refused(t, "interaction_required", "claims", asked(`"value":"eidas3"`), "prompt", "none")
	p.browser.Get(p.ask("claims", asked(`"value":"eidas3"`))) // a step-up is offered, to the card alone
	if p.browser.Page == nil || p.browser.Page.Has("login-ecps") || !p.browser.Page.Has("cancel") {
		t.Errorf("%+v", p.browser.Page)
	}
	if acr := payload(t, p.tokens("acr_values", "urn:unknown").text("id_token"))["acr"]; acr != "eidas2" {
		t.Errorf("acr %v is not the one reached", acr)
	}
}

func claimsByName(t *testing.T, p *party) {
	first := p.tokens("scope", "openid", "claims",
		`{"userinfo":{"given_name":{"essential":true},"email":{"essential":true},"http://example.info/x":null},"id_token":{"family_name":null,"auth_time":{"essential":true}}}`)
	next := p.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.text("refresh_token")}})
	for name, r := range map[string]reply{"first": first, "refreshed": next} {
		id, info := payload(t, r.text("id_token")), p.userInfo(r.text("access_token"))
		if id["family_name"] == nil || id["given_name"] != nil || id["auth_time"] == nil {
			t.Errorf("%s ID token: %v", name, id)
		}
		if info.json["given_name"] == nil || info.json["family_name"] != nil || info.json["email"] != nil || len(info.json) != 2 {
			t.Errorf("%s UserInfo: %s", name, info.body)
		}
	}
	for _, bad := range []string{"{", `{"userinfo":[]}`, `{"userinfo":{"name":null,"name":null}}`, `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}"} {
		p.refused(t, "invalid_request", "claims", bad)
	}
	somebody := `{"id_token":{"sub":{"value":"24400320"}}}`
	p.refused(t, "login_required", "claims", somebody, "prompt", "none")
}

func selectAccount(t *testing.T, p *party) {
	before := payload(t, p.tokens().text("id_token"))
	p.browser.Get(p.ask("prompt", "select_account"))
	if !p.browser.Page.Has("same") || !p.browser.Page.Has("another") || !p.browser.Page.Has("cancel") {
		t.Fatalf("%+v", p.browser.Page)
	}
	p.browser.Submit("same", nil)
	same := payload(t, p.token(p.redeemForm(p.browser.Arrived.Query().Get("code"))).text("id_token"))
	if same["sub"] != before["sub"] || same["auth_time"] != before["auth_time"] {
		t.Errorf("%v after %v", same, before)
	}
	p.browser.Get(p.ask("prompt", "select_account"))
	p.browser.Submit("another", nil)
	if !p.browser.Page.Has("login-ecps") {
		t.Fatalf("%+v", p.browser.Page)
	}
	arrived := p.browser.Finish(colleague(t, p))
	other := payload(t, p.token(p.redeemForm(arrived.Query().Get("code"))).text("id_token"))
	if other["sub"] == before["sub"] {
		t.Error("somebody else logged in and the same person answered")
	}
	p.browser.Get(p.ask("prompt", "login"))
	p.browser.Finish(p.demo.Login(t, "approve-300ms")) // back to the first
}

func cancelKeeps(t *testing.T, p *party) {
	before := payload(t, p.tokens().text("id_token"))
	for _, prompt := range []string{"login", "select_account"} {
		p.browser.Get(p.ask("prompt", prompt))
		p.browser.Submit("cancel", nil)
		if q := p.browser.Arrived.Query(); q.Get("error") != "access_denied" || q.Get("state") != "s1" || q.Has("code") {
			t.Errorf("%s: %v", prompt, q)
		}
	}
	p.browser.Get(p.ask("prompt", "consent"))
	p.browser.Submit("decline", nil)
	if q := p.browser.Arrived.Query(); q.Get("error") != "access_denied" || !strings.Contains(q.Get("error_description"), "PF-ID-005") {
		t.Errorf("consent: %v", q)
	}
	after := payload(t, p.tokens("prompt", "none").text("id_token"))
	if after["sid"] != before["sid"] || after["auth_time"] != before["auth_time"] {
		t.Errorf("%v after %v", after, before)
	}
}

func consent(t *testing.T, p *party) {
	agenda := newParty(t, p.demo, "demo-agenda")
	agenda.browser.ShareCookies(p.browser)
	agenda.refused(t, "consent_required", "prompt", "none")
	agenda.browser.Get(agenda.ask())
	page := agenda.browser.Page
	if page == nil || !page.Has("accept") || !page.Has("decline") || page.Has("login-ecps") || page.Text("told") == "" {
		t.Fatalf("%+v", page)
	}
	if strings.Contains(page.Text("told"), "situations") {
		t.Errorf("the page names what scope profile does not give: %s", page.Text("told"))
	}
	way := page.URL.String() // of the page; the way back must not lead around it
	agenda.browser.Get(way + "/return")
	if agenda.browser.Arrived != nil || !agenda.browser.Page.Has("accept") {
		t.Fatalf("the page was passed: %v", agenda.browser.Arrived)
	}
	agenda.browser.Submit("decline", nil)
	if agenda.browser.Arrived.Query().Get("error") != "access_denied" {
		t.Errorf("%v", agenda.browser.Arrived)
	}
	agenda.refused(t, "consent_required", "prompt", "none")
	agenda.browser.Get(agenda.ask())
	agenda.browser.Submit("accept", nil)
	if agenda.browser.Arrived.Query().Get("code") == "" {
		t.Fatalf("%v", agenda.browser.Arrived)
	}
	agenda.code("prompt", "none")
	agenda.code()
	agenda.refused(t, "consent_required", "prompt", "none", "scope", "openid profile scope_all")
	agenda.refused(t, "consent_required", "prompt", "none", "claims", `{"userinfo":{"SubjectRole":null}}`)
	agenda.browser.Get(agenda.ask("prompt", "consent"))
	if !agenda.browser.Page.Has("accept") {
		t.Error("prompt=consent was answered by the old yes")
	}
}

// The person takes his yes back on his own page, and what it opened ends (D6).
func withdrawnConsent(t *testing.T, p *party) {
	agenda := newParty(t, p.demo, "demo-agenda")
	agenda.browser.ShareCookies(p.browser)
	tokens := agenda.tokens() // the yes of the test before
	own := harness.NewBrowser(t, func(*url.URL) bool { return false })
	own.ShareCookies(p.browser)
	own.Get(p.demo.Sheet.PortalURL + "/login")
	own.Get(p.demo.Sheet.PortalURL + "/sessions")
	if !strings.Contains(own.Page.Text("agreements"), "Agenda de démonstration") {
		t.Fatalf("%s", own.Page.Body)
	}
	own.Submit("withdraw-0", map[string]string{"client": "demo-oidc"}) // another one: nothing happens
	if !own.Page.Has("withdraw-0") || agenda.userInfo(tokens.text("access_token")).status != http.StatusOK {
		t.Fatal("withdrew what was never given")
	}
	own.Submit("withdraw-0", nil)
	if own.Page.Has("agreements") {
		t.Errorf("%s", own.Page.Body)
	}
	if r := agenda.userInfo(tokens.text("access_token")); r.status != http.StatusUnauthorized {
		t.Errorf("UserInfo goes on telling: %d %s", r.status, r.body)
	}
	if r := agenda.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text("refresh_token")}}); r.text("error") != "invalid_grant" {
		t.Errorf("refresh: %d %s", r.status, r.body)
	}
	agenda.refused(t, "consent_required", "prompt", "none")
	p.code() // his other services go on
}
