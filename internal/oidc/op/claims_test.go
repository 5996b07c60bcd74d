package op

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// registered adds a client like one of the test but for its registration: "web-x" beside "web".
func (w *world) registered(id string, change func(*client.Client)) {
	w.t.Helper()
	old, err := w.clients.Lookup(id)
	if err != nil {
		w.t.Fatal(err)
	}
	c := *old
	c.ID = id + "-x"
	change(&c)
	if err := w.clients.Add(&c); err != nil {
		w.t.Fatal(err)
	}
}

// What was asked by name is there after the refresh too, and nothing else.
func TestAZ15TK7TK10ClaimsThroughRefresh(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	asked := `{"id_token":{"family_name":{"essential":true}},"userinfo":{"given_name":null,"SubjectRole":null,"email":null}}`
	first := w.redeem("web", w.code("web", cookie, "scope", "openid", "claims", asked))
	w.clock.Advance(time.Minute)
	next := decode(t, w.refresh("web", first.text("refresh_token")))
	for name, got := range map[string]tokens{"first": first, "refreshed": next} {
		id := claimsOf(t, got.text("id_token"))
		if id["family_name"] != "EXEMPLE" || id["given_name"] != nil || id["SubjectRole"] != nil {
			t.Errorf("%s ID token: %v", name, id)
		}
		info := decode(t, w.userinfo(got.text("access_token")))
		if info["given_name"] != "CAMILLE" || info["SubjectRole"] == nil || info["family_name"] != nil || info["SubjectRefPro"] != nil || info["email"] != nil {
			t.Errorf("%s UserInfo: %v", name, info)
		}
		if info["sub"] != id["sub"] {
			t.Errorf("%s: sub %v and %v", name, info["sub"], id["sub"])
		}
	}
}

// PG-40: a service that registered openid and profile gets no profession by asking for it.
func TestAZ15UI3ClaimBeyondTheRegistration(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("app", w.code("app", cookie, "scope", "openid", "claims", `{"id_token":{"SubjectRole":null,"SubjectNameID":{"essential":true}},"userinfo":{"SubjectRefPro":null,"name":null}}`))
	id, info := claimsOf(t, got.text("id_token")), decode(t, w.userinfo(got.text("access_token")))
	if id["SubjectRole"] != nil || id["SubjectNameID"] != nil || info["SubjectRefPro"] != nil || info["name"] == nil {
		t.Errorf("%v %v", id, info)
	}
}

func TestAZ15MalformedClaimsAreRefused(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, text := range []string{"x", "[]", `{"userinfo":{"name":null,"name":null}}`, `{"userinfo":` + strings.Repeat("[", 60), `{"id_token":{"acr":{"essential":true,"value":2}}}`} {
		if got := w.answered(w.authorize(ask("web", "claims", text), cookie)); got.Get("error") != "invalid_request" || got.Get("state") != "a state" || got.Has("code") {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// Core 5.5.1: only the person named may be answered about, by a session or by a new login.
func TestAZ13AZ15ClaimsNameAPerson(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPS)
	him, other := `{"id_token":{"sub":{"value":"`+s.Auth.Sub+`"}}}`, `{"userinfo":{"sub":{"value":"somebody"}}}`
	if got := w.answered(w.authorize(ask("web", "claims", him, "prompt", "none"), cookie)); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
	if got := w.answered(w.authorize(ask("web", "claims", other, "prompt", "none"), cookie)); got.Get("error") != "login_required" {
		t.Errorf("%v", got)
	}
	handle, browser := w.pending(ask("web", "claims", other), cookie)
	w.finish(handle, authn.ECPS)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "login_required" || got.Has("code") {
		t.Errorf("%v", got)
	}
	hint := w.redeem("web", w.code("web", cookie)).text("id_token")
	if got := w.answered(w.authorize(ask("web", "claims", other, "id_token_hint", hint), cookie)); got.Get("error") != "invalid_request" {
		t.Errorf("two persons: %v", got)
	}
}

func TestAZ14EssentialLevelOrAnError(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	essential := func(levels string) string { return `{"id_token":{"acr":{"essential":true,"values":[` + levels + `]}}}` }

	got := w.redeem("web", w.code("web", cookie, "claims", essential(`"urn:x","eidas1"`)))
	if acr := claimsOf(t, got.text("id_token"))["acr"]; acr != "eidas1" {
		t.Errorf("acr %v is none of those asked", acr)
	}
	for _, prompt := range []string{"", "none"} {
		got := w.answered(w.authorize(ask("web", "claims", essential(`"urn:gold"`), "prompt", prompt), cookie))
		if got.Get("error") != "unmet_authentication_requirements" {
			t.Errorf("a level nobody reaches, prompt %q: %v", prompt, got)
		}
	}
	if got := w.answered(w.authorize(ask("web", "claims", essential(`"eidas3"`), "prompt", "none"), cookie)); got.Get("error") != "interaction_required" {
		t.Errorf("a step-up would help: %v", got)
	}
	for _, id := range []string{"web", "psc"} {
		handle, browser := w.pending(ask(id, "claims", essential(`"eidas3"`), "acr_values", "eidas1"), cookie) // a page: step-up is offered
		w.finish(handle, authn.ECPS)
		if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "unmet_authentication_requirements" || got.Has("code") {
			t.Errorf("%s, not reached: %v", id, got)
		}
		handle, browser = w.pending(ask(id, "claims", essential(`"eidas3"`), "acr_values", "eidas1"), cookie)
		w.finish(handle, authn.Card)
		back := w.answered(w.get("/login/"+handle+"/return", browser))
		if acr := claimsOf(t, w.redeem(id, back.Get("code")).text("id_token"))["acr"]; acr != "eidas3" {
			t.Errorf("%s, reached: acr %v", id, acr)
		}
	}
}

// Registration 2: what a request that says nothing means, and that one that says
// something overrides it.
func TestAZ12AZ14DefaultsOfTheRegistration(t *testing.T) {
	w := newWorld(t)
	day := 10 * time.Minute
	w.registered("web", func(c *client.Client) {
		c.Requests = client.Requests{DefaultACRs: []string{authn.Eidas3}, DefaultMaxAge: &day, MustAuthTime: true}
	})
	_, phone := w.login(authn.ECPS)
	_, card := w.login(authn.Card)
	for name, c := range map[string]struct {
		cookie *http.Cookie
		change []string
		want   string // error of prompt=none, empty for a code
	}{
		"default level not reached":              {phone, nil, "interaction_required"},
		"acr_values override it":                 {phone, []string{"acr_values", "eidas1"}, ""},
		"a voluntary acr claim overrides it":     {phone, []string{"claims", `{"id_token":{"acr":{"value":"eidas1"}}}`}, ""},
		"default level reached":                  {card, nil, ""},
		"max_age overrides the default age":      {card, []string{"max_age", "3600"}, ""},
		"a smaller max_age overrides it as well": {card, []string{"max_age", "0"}, "login_required"},
	} {
		got := w.answered(w.authorize(ask("web", append(c.change, "client_id", "web-x", "prompt", "none")...), c.cookie))
		if got.Get("error") != c.want || got.Has("code") != (c.want == "") {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.clock.Advance(11 * time.Minute)
	for _, c := range []struct{ maxAge, want string }{{"", "login_required"}, {"3600", ""}} {
		if got := w.answered(w.authorize(ask("web", "client_id", "web-x", "max_age", c.maxAge, "prompt", "none"), card)); got.Get("error") != c.want {
			t.Errorf("eleven minutes later, max_age=%q: %v", c.maxAge, got)
		}
	}
}

// A parameter that only helps is never an error, whatever it holds (AZ13).
func TestAZ13HelpfulParametersAreNeverAnError(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, name := range []string{"login_hint", "ui_locales", "claims_locales", "display", "acr_values"} {
		for _, value := range []string{"x", "\x00\r\n", "\xff\xfe", strings.Repeat("é ", 2000), "<script>alert(1)</script>", "popup", "eidas1 \x07"} {
			if got := w.answered(w.authorize(ask("web", name, value), cookie)); got.Get("code") == "" {
				t.Errorf("%s=%q: %v", name, value[:min(len(value), 30)], got)
			}
		}
	}
}
