package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

func TestTokenFamily(t *testing.T) {
	d := harness.Start(t)
	p := newParty(t, d, "demo-oidc")
	p.login()
	t.Run("TK3TK5TK6TK7Answer", func(t *testing.T) { tokenAnswer(t, p) })
	t.Run("TK1TK2TK4AZ17CodeIsBound", func(t *testing.T) { codeIsBound(t, p) })
	t.Run("TK3CA1CA8TK12BadCalls", func(t *testing.T) { badCalls(t, p) })
	t.Run("TK8TK10Refresh", func(t *testing.T) { refresh(t, p) })
	t.Run("TK11ClientCredentials", func(t *testing.T) { clientCredentials(t, p) })
	t.Run("TK13RevocationAndIntrospection", func(t *testing.T) { revocation(t, p) })
	t.Run("UI1UI2UI3UserInfo", func(t *testing.T) { userInfo(t, p) })
	t.Run("ME1ME3ME4ME5ME8Metadata", func(t *testing.T) { metadata(t, p) })
	t.Run("SE1PG1PG6Pages", func(t *testing.T) { pages(t, p) })
}

func tokenAnswer(t *testing.T, p *party) {
	r := p.tokens()
	if r.header.Get("Cache-Control") != "no-store" || r.text("token_type") != "Bearer" || r.json["expires_in"] != float64(120) {
		t.Errorf("%v %s", r.header, r.body)
	}
	id := payload(t, r.text("id_token"))
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"} {
		if id[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for _, name := range []string{"given_name", "SubjectNameID", "session_state", "azp", "c_hash", "s_hash"} {
		if id[name] != nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, extra := range []string{"session_state", "refresh_expires_in", "not-before-policy"} {
		if r.json[extra] != nil {
			t.Errorf("a departure of profile psc leaked: %s", extra)
		}
	}
	if id["aud"] != p.ID || id["iss"] != p.demo.Sheet.Issuer || id["acr"] != "eidas2" {
		t.Errorf("%v", id)
	}
}

func codeIsBound(t *testing.T, p *party) {
	spoil := map[string]func(url.Values){
		"another redirect_uri": func(f url.Values) { f.Set("redirect_uri", p.RedirectURIs[0]+"x") },
		"no redirect_uri":      func(f url.Values) { f.Del("redirect_uri") },
		"another verifier":     func(f url.Values) { f.Set("code_verifier", strings.Repeat("x", 43)) },
		"no verifier":          func(f url.Values) { f.Del("code_verifier") },
		"short verifier":       func(f url.Values) { f.Set("code_verifier", "x") },
	}
	for name, change := range spoil {
		form := p.redeemForm(p.code())
		good := url.Values{}
		for k, v := range form {
			good[k] = v
		}
		change(form)
		if r := p.token(form); r.status != http.StatusBadRequest || r.text("error") != "invalid_grant" && r.text("error") != "invalid_request" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r := p.token(good); r.status == http.StatusOK && name != "no redirect_uri" {
			t.Errorf("%s: the code survived the attempt", name)
		}
	}
	unbound := p.redeemForm(p.code("code_challenge", "", "code_challenge_method", ""))
	if r := p.token(unbound); r.text("error") != "invalid_grant" {
		t.Errorf("a verifier without a challenge (downgrade): %d %s", r.status, r.body)
	}
	thief := newParty(t, p.demo, "demo-psc")
	if r := thief.token(p.redeemForm(p.code())); r.text("error") != "invalid_grant" {
		t.Errorf("another client's code: %d %s", r.status, r.body)
	}
	form := p.redeemForm(p.code())
	first := p.token(form)
	if r := p.token(form); r.text("error") != "invalid_grant" {
		t.Errorf("second use: %d %s", r.status, r.body)
	}
	if r := p.userInfo(first.text("access_token")); r.status != http.StatusUnauthorized {
		t.Errorf("the first use's token lives on after a replay: %d", r.status)
	}
}

func (p *party) userInfo(token string) reply {
	return p.do(http.MethodGet, p.endpoint("/userinfo"), "", http.Header{"Authorization": {"Bearer " + token}})
}

func badCalls(t *testing.T, p *party) {
	form, basic := "application/x-www-form-urlencoded", p.authorization()
	nobody := http.Header{"Content-Type": {form}}
	wrong := http.Header{"Content-Type": {form}, "Authorization": {"Basic ZGVtby1vaWRjOndyb25n"}}
	secret := "&client_id=" + p.ID + "&client_secret=" + url.QueryEscape(p.Secret)
	for name, c := range map[string]struct {
		method, query, body string
		header              http.Header
		status              int
		code                string
	}{
		"GET":                   {http.MethodGet, "", "", basic, 405, "invalid_request"},
		"secret in the query":   {http.MethodPost, "?grant_type=client_credentials" + secret, "", nobody, 0, "invalid_"},
		"JSON":                  {http.MethodPost, "", "{}", http.Header{"Content-Type": {"application/json"}}, 400, "invalid_request"},
		"no grant":              {http.MethodPost, "", "", basic, 400, "invalid_request"},
		"password grant":        {http.MethodPost, "", "grant_type=password&username=a&password=b", basic, 400, "unsupported_grant_type"},
		"implicit":              {http.MethodPost, "", "grant_type=implicit", basic, 400, "unsupported_grant_type"},
		"repeated":              {http.MethodPost, "", "grant_type=client_credentials&grant_type=client_credentials", basic, 400, "invalid_request"},
		"wrong secret":          {http.MethodPost, "", "grant_type=client_credentials", wrong, 401, "invalid_client"},
		"nobody":                {http.MethodPost, "", "grant_type=client_credentials", nobody, 401, "invalid_client"},
		"unregistered method":   {http.MethodPost, "", "grant_type=client_credentials" + secret, nobody, 401, "invalid_client"},
		"two methods":           {http.MethodPost, "", "grant_type=client_credentials" + secret, basic, 400, "invalid_request"},
		"another client's name": {http.MethodPost, "", "grant_type=client_credentials&client_id=demo-psc", basic, 400, "invalid_request"},
	} {
		r := p.do(c.method, p.endpoint("/token")+c.query, c.body, c.header)
		if c.status != 0 && r.status != c.status || r.status < 400 || r.status >= 500 || !strings.HasPrefix(r.text("error"), c.code) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", name)
		}
		if r.status == http.StatusUnauthorized && c.header.Get("Authorization") != "" && r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", name)
		}
	}
}

func refresh(t *testing.T, p *party) {
	first := p.tokens()
	form := func(token, scope string) url.Values {
		f := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
		if scope != "" {
			f.Set("scope", scope)
		}
		return f
	}
	if r := p.token(form(first.text("refresh_token"), "openid profile scope_all")); r.text("error") != "invalid_scope" {
		t.Errorf("a wider scope: %d %s", r.status, r.body)
	}
	next := p.token(form(first.text("refresh_token"), "openid"))
	if next.status != http.StatusOK || next.text("refresh_token") == first.text("refresh_token") {
		t.Fatalf("%d %s", next.status, next.body)
	}
	was, is := payload(t, first.text("id_token")), payload(t, next.text("id_token"))
	for _, same := range []string{"iss", "sub", "aud", "auth_time", "acr", "sid"} {
		if was[same] != is[same] {
			t.Errorf("%s moved from %v to %v", same, was[same], is[same])
		}
	}
	thief := newParty(t, p.demo, "demo-psc")
	if r := thief.token(form(next.text("refresh_token"), "")); r.text("error") != "invalid_grant" {
		t.Errorf("another client's refresh token: %d %s", r.status, r.body)
	}
	if r := p.userInfo(next.text("refresh_token")); r.status != http.StatusUnauthorized {
		t.Errorf("a refresh token opened UserInfo: %d", r.status)
	}
	if r := p.userInfo(next.text("id_token")); r.status != http.StatusUnauthorized {
		t.Errorf("an ID token opened UserInfo: %d", r.status)
	}
}

func clientCredentials(t *testing.T, p *party) {
	r := p.token(url.Values{"grant_type": {"client_credentials"}})
	if r.status != http.StatusOK || r.json["refresh_token"] != nil || r.json["id_token"] != nil {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if info := p.userInfo(r.text("access_token")); info.status == http.StatusOK {
		t.Errorf("a token without a person opened UserInfo: %s", info.body)
	}
	about := p.do(http.MethodPost, p.endpoint("/token/introspect"), url.Values{"token": {r.text("access_token")}}.Encode(), p.authorization())
	if about.json["active"] != true || about.json["SubjectNameID"] != nil || about.text("sub") != "client:"+p.ID {
		t.Errorf("%s", about.body)
	}
}

func revocation(t *testing.T, p *party) {
	r := p.tokens()
	post := func(path, token string, header http.Header) reply {
		return p.do(http.MethodPost, p.endpoint(path), url.Values{"token": {token}}.Encode(), header)
	}
	stranger := newParty(t, p.demo, "demo-structure")
	if got := post("/token/introspect", r.text("access_token"), stranger.authorization()); got.json["active"] != false || len(got.json) != 1 {
		t.Errorf("a stranger was told of a token: %s", got.body)
	}
	if got := post("/revoke", "never.seen.this", p.authorization()); got.status != http.StatusOK {
		t.Errorf("unknown token: %d", got.status)
	}
	post("/revoke", r.text("refresh_token"), stranger.authorization())
	if got := p.userInfo(r.text("access_token")); got.status != http.StatusOK {
		t.Error("a stranger revoked a token")
	}
	if got := post("/revoke", r.text("refresh_token"), p.authorization()); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := p.userInfo(r.text("access_token")); got.status != http.StatusUnauthorized {
		t.Errorf("the access token outlived its refresh token: %d", got.status)
	}
	if got := post("/token/introspect", "x", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}); got.status != http.StatusUnauthorized {
		t.Errorf("introspection without a client: %d", got.status)
	}
}

func userInfo(t *testing.T, p *party) {
	token := p.tokens().text("access_token")
	id := payload(t, p.tokens().text("id_token"))
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, r := range map[string]reply{
		"GET":       p.userInfo(token),
		"POST":      p.do(http.MethodPost, p.endpoint("/userinfo"), "", http.Header{"Authorization": {"Bearer " + token}}),
		"body":      p.do(http.MethodPost, p.endpoint("/userinfo"), "access_token="+token, form),
		"lowercase": p.do(http.MethodGet, p.endpoint("/userinfo"), "", http.Header{"Authorization": {"bearer " + token}}),
	} {
		if r.status != http.StatusOK || r.text("sub") != id["sub"] || r.json["SubjectRefPro"] != nil || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for name, r := range map[string]reply{
		"query":   p.do(http.MethodGet, p.endpoint("/userinfo")+"?access_token="+token, "", nil),
		"nothing": p.do(http.MethodGet, p.endpoint("/userinfo"), "", nil),
		"unknown": p.userInfo("unknown"),
		"altered": p.userInfo(token + "x"),
	} {
		if r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d %s", name, r.status, r.header.Get("WWW-Authenticate"))
		}
	}
}
