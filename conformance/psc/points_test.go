package psc

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

func TestRealClients(t *testing.T) {
	d := harness.Start(t)
	for name, point := range map[string]func(*testing.T, *software){
		"Point1Discovery":                   discovery,
		"Point2QueryAlreadyOnTheFront":      frontWithQuery,
		"Point3RealmPath":                   realmPath,
		"Point4And5UserInfo":                userInfo,
		"Point6ThreeTokens":                 threeTokens,
		"Point7TokenResponse":               tokenResponse,
		"Point8Credentials":                 credentials,
		"Point9ScopeWithoutOpenid":          withoutOpenid,
		"Point10Acr":                        acr,
		"Point11ClaimNames":                 claimNames,
		"Point12Logout":                     logout,
		"Section19IntrospectionByAnother":   introspection,
		"Section13RefreshIsRepeatedOnce":    refresh,
		"Section14StateAndOptionalsAreFree": optionals,
	} {
		t.Run(name, func(t *testing.T) { point(t, newSoftware(t, d)) })
	}
}

func discovery(t *testing.T, s *software) {
	for _, path := range []string{"/.well-known/wallet-openid-configuration", "/.well-known/openid-configuration"} {
		status, d := s.call(http.MethodGet, s.realm(path), nil, func(*http.Request) {})
		if status != http.StatusOK || d.text(t, "issuer") != s.demo.Sheet.Issuer || d.text(t, "authorization_endpoint") != s.demo.Sheet.AuthorizationEndpoint {
			t.Errorf("%s: %d %v", path, status, d)
		}
	}
}

func frontWithQuery(t *testing.T, s *software) {
	_, query, _ := strings.Cut(s.ask("acr_values", ""), "?")
	s.redeem(s.code(s.demo.Sheet.AuthorizationEndpoint + "/?acr_values=eidas1&" + query))
}

func realmPath(t *testing.T, s *software) {
	if !strings.HasSuffix(s.demo.Sheet.Issuer, "/auth/realms/esante-wallet") {
		t.Errorf("issuer %s", s.demo.Sheet.Issuer)
	}
	_, query, _ := strings.Cut(s.ask(), "?")
	s.redeem(s.code(s.realm(protocol + "/auth?" + query)))
}

func userInfo(t *testing.T, s *software) {
	access := s.tokens().text(t, "access_token")
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, protocol + "/userinfo"}, {http.MethodPost, protocol + "/userinfo"}, {http.MethodPost, protocol + "//userinfo"},
	} {
		status, d := s.call(c.method, s.realm(c.path), http.NoBody, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
		if status != http.StatusOK || d.text(t, "SubjectNameID") != s.demo.Login(t, "approve-300ms") {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, d)
		}
	}
}

func threeTokens(t *testing.T, s *software) {
	answer := s.tokens()
	_, keys := s.call(http.MethodGet, s.realm(protocol+"/certs"), nil, func(*http.Request) {})
	published := func(kid any) bool {
		list, _ := keys["keys"].([]any)
		return slices.ContainsFunc(list, func(k any) bool { m, _ := k.(map[string]any); return m["kid"] == kid })
	}
	var nonces, sids []string
	for token, typ := range map[string]string{"access_token": "Bearer", "id_token": "ID", "refresh_token": "Refresh"} {
		header, p := parts(t, answer.text(t, token))
		if p.text(t, "typ") != typ || p.text(t, "iss") != s.demo.Sheet.Issuer || p.text(t, "azp") != s.ID {
			t.Errorf("%s: %v", token, p)
		}
		if inSet := published(header["kid"]); inSet != (token != "refresh_token") || inSet && header["alg"] != "RS256" {
			t.Errorf("%s: header %v, key published: %v", token, header, inSet)
		}
		for _, name := range []string{"jti", "sub", "scope"} {
			p.text(t, name)
		}
		life := p.number(t, "exp") - p.number(t, "iat")
		if want := map[bool]float64{true: 1800, false: 120}[token == "refresh_token"]; life != want {
			t.Errorf("%s lives %v s, want %v", token, life, want)
		}
		if token != "refresh_token" {
			p.number(t, "auth_time")
		}
		if token != "access_token" {
			p.text(t, "aud")
		}
		nonces = append(nonces, p.text(t, "nonce"))
		sids = append(sids, p.text(t, "sid"), p.text(t, "session_state"))
	}
	if len(slices.Compact(nonces)) != 1 || nonces[0] != "n-0S6" || len(slices.Compact(sids)) != 1 {
		t.Errorf("nonces %v, sids %v", nonces, sids)
	}
}

func tokenResponse(t *testing.T, s *software) {
	d := s.tokens()
	if d.number(t, "refresh_expires_in") != 1800 || d.number(t, "expires_in") != 120 || d.text(t, "token_type") != "Bearer" || d.number(t, "not-before-policy") != 0 {
		t.Errorf("%v", d)
	}
	_, access := parts(t, d.text(t, "access_token"))
	if d.text(t, "session_state") != access.text(t, "sid") || d.text(t, "scope") != "openid scope_all" {
		t.Errorf("%v", d)
	}
}

func credentials(t *testing.T, s *software) {
	inBody := url.Values{"client_id": {s.ID}, "client_secret": {s.Secret}}
	for name, c := range map[string]struct {
		extra url.Values
		head  func(*http.Request)
		want  int
	}{
		"basic":           {nil, s.basic, http.StatusOK},
		"body":            {inBody, func(*http.Request) {}, http.StatusOK},
		"both":            {inBody, s.basic, http.StatusOK},
		"scope too":       {url.Values{"scope": {"openid"}}, s.basic, http.StatusOK},
		"both, one wrong": {url.Values{"client_id": {s.ID}, "client_secret": {"wrong"}}, s.basic, http.StatusUnauthorized},
		"two clients":     {url.Values{"client_id": {"demo-oidc"}, "client_secret": {"x"}}, s.basic, http.StatusUnauthorized},
	} {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {s.code(s.ask())}, "redirect_uri": {s.RedirectURIs[0]}}
		for k, v := range c.extra {
			form[k] = v
		}
		status, d := s.post(s.realm(protocol+"/token"), form, c.head)
		if (status == http.StatusOK) != (c.want == http.StatusOK) || status >= http.StatusInternalServerError {
			t.Errorf("%s: %d %v", name, status, d)
		}
	}
}

func withoutOpenid(t *testing.T, s *software) {
	d := s.tokens("scope", "scope_all")
	if _, ok := d["id_token"]; ok {
		t.Error("an ID token was given without openid")
	}
	status, info := s.call(http.MethodGet, s.realm(protocol+"/userinfo"), nil, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+d.text(t, "access_token"))
	})
	if status != http.StatusOK || info.text(t, "SubjectNameID") == "" {
		t.Errorf("%d %v", status, info)
	}
}

func acr(t *testing.T, s *software) {
	for asked, want := range map[string]string{
		"eidas1": "eidas1", "eidas2": "eidas2", "eidas3 eidas1": "eidas1", "eidas2 eidas1": "eidas2", "0": "eidas1", "": "eidas1",
	} {
		_, p := parts(t, s.tokens("acr_values", asked).text(t, "id_token"))
		if got := p.text(t, "acr"); got != want {
			t.Errorf("asked %q, got %q, want %q", asked, got, want)
		}
	}
}

func introspection(t *testing.T, s *software) {
	d := s.tokens()
	for token, named := range map[string]bool{"access_token": true, "refresh_token": false} {
		status, got := s.post(s.realm(protocol+"//token/introspect"), url.Values{"token": {d.text(t, token)}}, s.basic)
		_, has := got["SubjectNameID"]
		if status != http.StatusOK || got["active"] != true || has != named || got.text(t, "client_id") != s.ID {
			t.Errorf("%s: %d %v", token, status, got)
		}
	}
	status, got := s.post(s.realm(protocol+"/token/introspect"), url.Values{"token": {"unknown"}}, s.basic)
	if status != http.StatusOK || len(got) != 1 || got["active"] != false {
		t.Errorf("unknown: %d %v", status, got)
	}
}

func refresh(t *testing.T, s *software) {
	d := s.tokens()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {d.text(t, "refresh_token")}}
	_, one := s.post(s.realm(protocol+"/token"), form, s.basic)
	_, two := s.post(s.realm(protocol+"/token"), form, s.basic) // the first answer was lost on the way
	if one.text(t, "refresh_token") != two.text(t, "refresh_token") {
		t.Error("a lost answer logs the person out")
	}
	_, before := parts(t, d.text(t, "id_token"))
	_, after := parts(t, one.text(t, "id_token"))
	for _, same := range []string{"sub", "acr", "auth_time", "sid"} {
		if before[same] != after[same] {
			t.Errorf("%s moved from %v to %v", same, before[same], after[same])
		}
	}
}

func optionals(t *testing.T, s *software) {
	arrived := s.browser.SignIn(s.ask("nonce", "", "kc_idp_hint", "hospital"), s.demo.Login(t, "approve-300ms"))
	if got := arrived.Query().Get("state"); got != "état&=+/\"'" {
		t.Errorf("state came back as %q", got)
	}
	_, p := parts(t, s.redeem(arrived.Query().Get("code")).text(t, "access_token"))
	if p.text(t, "nonce") != "" {
		t.Error("a nonce was invented")
	}
	s.browser.Get(s.ask("state", "", "prompt", "none"))
	if s.browser.Arrived == nil || s.browser.Arrived.Query().Has("state") || s.browser.Arrived.Query().Get("iss") == "" {
		t.Errorf("arrived at %v", s.browser.Arrived)
	}
}
