package psc

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSection14AnswerCarriesStateAndIssuerUnchanged(t *testing.T) {
	s := psc(t)
	q := s.arrive(s.ask())
	if q.Get("state") != oddState || q.Get("iss") != running.Sheet.Issuer || q.Get("code") == "" {
		t.Errorf("%v", q)
	}
	other := newSoftware(t, neighbour)
	if q := other.arrive(other.ask()); q.Get("outil") != "autre" || q.Get("code") == "" {
		t.Errorf("a redirect URI lost its own query: %v", q)
	}
}

func TestSection14AcrAsClientsAskForIt(t *testing.T) {
	s := psc(t)
	for asked, want := range map[string][]string{
		"eidas1":             {"acr_values", "eidas1"},
		"nothing":            {"acr_values", ""},
		"acr, as IG writes":  {"acr_values", "", "acr", "eidas1"},
		"Keycloak's own":     {"acr_values", "0"},
		"the strongest last": {"acr_values", "eidas3 eidas1"},
	} {
		_, id, _ := three(t, s.tokens(want...))
		if got := id.text(t, "acr"); got != "eidas1" {
			t.Errorf("%s: %s", asked, got)
		}
	}
	for _, old := range []string{"eidas2", "eidas2 eidas1"} { // clients of before 2023
		_, id, _ := three(t, s.tokens("acr_values", old))
		if got := id.text(t, "acr"); got != "eidas2" {
			t.Errorf("%s: %s", old, got)
		}
	}
}

func TestSection14PKCEIsFreeButHolds(t *testing.T) {
	s := psc(t)
	s.tokens() // without
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	challenge := []string{"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256"}
	form := s.redeemForm(s.code(s.ask(challenge...)))
	form.Set("code_verifier", verifier)
	s.granted(s.post("/token", form))
	if a := s.post("/token", s.redeemForm(s.code(s.ask(challenge...)))); a.status != http.StatusBadRequest || a.text(t, "error") != "invalid_grant" {
		t.Errorf("a challenge without its verifier: %d %s", a.status, a.raw)
	}
}

func TestSection14WithoutNonce(t *testing.T) {
	access, id, refresh := three(t, psc(t).tokens("nonce", ""))
	if access.text(t, "nonce") != "" || refresh.text(t, "nonce") != "" { // "" as recorded
		t.Error("a nonce was invented")
	}
	if _, ok := id.document["nonce"]; ok {
		t.Error("OpenID clients refuse a nonce that they did not send")
	}
}

func TestSection14WithoutState(t *testing.T) {
	s := psc(t)
	if q := s.arrive(s.ask("state", "")); q.Has("state") || q.Get("code") == "" {
		t.Errorf("%v", q)
	}
}

func TestSection14ScopeInEverySpelling(t *testing.T) {
	s := psc(t)
	rest := running.Sheet.AuthorizationEndpoint + "?" + s.query("scope", "").Encode() + "&scope="
	for sent, granted := range map[string]string{
		"openid+scope_all":                       "openid scope_all",
		"openid%20scope_all":                     "openid scope_all",
		"scope_all%20openid":                     "scope_all openid",
		"openid+profile+email+scope_all":         "openid profile scope_all",
		"openid%20profile%20scope_all+identity":  "openid profile scope_all identity",
		"openid+rpps+referentiel+eidas1+interop": "openid",
	} {
		a := s.redeem(s.code(rest + sent))
		if got := a.text(t, "scope"); got != granted {
			t.Errorf("%s: %s", sent, got)
		}
		if access := parse(t, a.text(t, "access_token")); access.text(t, "scope") != granted {
			t.Errorf("%s: access token has %v", sent, access.document["scope"])
		}
	}
}

func TestSection14IdpHintIsIgnored(t *testing.T) {
	s := psc(t)
	s.tokens("kc_idp_hint", "hopital-fictif")
}

func TestSection14SameRequestTwice(t *testing.T) {
	s := psc(t)
	address := s.ask()
	if first, second := s.code(address), s.code(address); first == second {
		t.Error("one code for two requests")
	}
}

func TestSection14RedirectURICharacterByCharacter(t *testing.T) {
	s := psc(t)
	for _, wrong := range []string{s.RedirectURIs[0] + "/", strings.ToUpper(s.RedirectURIs[0]), s.RedirectURIs[0] + "?a=b"} {
		s.browser.Get(s.ask("redirect_uri", wrong))
		if s.browser.Arrived != nil || s.browser.Page.Status != http.StatusBadRequest {
			t.Errorf("%s: arrived at %v", wrong, s.browser.Arrived)
		}
	}
}

// credentials are the ways of section 1.5 and point 8, for any service.
func (s *software) credentials() map[string]func(form url.Values) reply {
	token := realm(protocol + "/token")
	encoded := func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(s.ID), url.QueryEscape(s.Secret)) }
	inBody := func(form url.Values) string {
		form.Set("client_id", s.ID)
		form.Set("client_secret", s.Secret)
		return form.Encode()
	}
	return map[string]func(url.Values) reply{
		"Basic":            func(f url.Values) reply { return s.send(http.MethodPost, token, f.Encode(), asForm, s.basic) },
		"Basic, urlencode": func(f url.Values) reply { return s.send(http.MethodPost, token, f.Encode(), asForm, encoded) },
		"body":             func(f url.Values) reply { return s.send(http.MethodPost, token, inBody(f), asForm) },
		"both":             func(f url.Values) reply { return s.send(http.MethodPost, token, inBody(f), asForm, s.basic) },
		"both, urlencode":  func(f url.Values) reply { return s.send(http.MethodPost, token, inBody(f), asForm, encoded) },
		"Basic, id in body": func(f url.Values) reply {
			f.Set("client_id", s.ID)
			return s.send(http.MethodPost, token, f.Encode(), asForm, s.basic)
		},
		"URL and body": func(f url.Values) reply {
			u, err := url.Parse(token)
			if err != nil {
				s.t.Fatal(err)
			}
			u.User = url.UserPassword(s.ID, s.Secret)
			return s.send(http.MethodPost, u.String(), inBody(f), asForm)
		},
	}
}

func TestPoint8CredentialsByBasicBodyOrBoth(t *testing.T) {
	for _, s := range []*software{psc(t), newSoftware(t, neighbour)} {
		for name, call := range s.credentials() {
			if a := call(s.redeemForm(s.code(s.ask()))); a.status != http.StatusOK {
				t.Errorf("%s, %s: %d %s", s.ID, name, a.status, a.raw)
			}
		}
	}
}

func TestPoint8CredentialsThatDisagree(t *testing.T) {
	s := psc(t)
	form := s.redeemForm(s.code(s.ask()))
	wrong := func(r *http.Request) { r.SetBasicAuth(s.ID, "wrong") }
	for name, c := range map[string]struct {
		id, secret string
		head       func(*http.Request)
	}{
		"wrong in the body":          {s.ID, "wrong", s.basic},
		"wrong in the header":        {s.ID, s.Secret, wrong},
		"another service":            {neighbour.ID, neighbour.Secret, s.basic},
		"another, header and secret": {neighbour.ID, s.Secret, s.basic},
	} {
		form.Set("client_id", c.id)
		form.Set("client_secret", c.secret)
		a := s.send(http.MethodPost, realm(protocol+"/token"), form.Encode(), asForm, c.head)
		if a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest || a.document["access_token"] != nil {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	form.Del("client_id")
	form.Del("client_secret")
	s.granted(s.post("/token", form)) // a stranger's tries have not spent the code
}

func TestSection15ScopePostedWithTheCode(t *testing.T) {
	s := psc(t)
	for _, scope := range []string{"openid scope_all", "openid", "email offline_access"} {
		form := s.redeemForm(s.code(s.ask()))
		form.Set("scope", scope)
		if a := s.granted(s.post("/token", form)); a.text(t, "scope") != "openid scope_all" {
			t.Errorf("%s: %v", scope, a.document["scope"])
		}
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.tokens().text(t, "refresh_token")}, "scope": {"openid scope_all email"}}
	if a := s.granted(s.post("/token", form)); a.text(t, "scope") != "openid scope_all" {
		t.Errorf("refresh: %v", a.document["scope"])
	}
}
