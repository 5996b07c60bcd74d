package psc

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestPoint1WalletDiscovery(t *testing.T) {
	s := psc(t)
	for _, path := range []string{"/.well-known/wallet-openid-configuration", "/.well-known/openid-configuration"} {
		d := s.send(http.MethodGet, realm(path), "")
		if d.status != http.StatusOK || d.text(t, "issuer") != running.Sheet.Issuer {
			t.Errorf("%s: %d %s", path, d.status, d.raw)
		}
		for list, value := range map[string]string{
			"scopes_supported": "scope_all", "response_types_supported": "code", "grant_types_supported": "refresh_token",
			"id_token_signing_alg_values_supported": "RS256", "code_challenge_methods_supported": "S256",
			"token_endpoint_auth_methods_supported": "client_secret_post", "acr_values_supported": "eidas1",
		} {
			if !slices.Contains(d.strings(list), value) {
				t.Errorf("%s: %s has no %s: %v", path, list, value, d.document[list])
			}
		}
	}
}

func TestPoint2AuthorizationIsNotBelowTheIssuer(t *testing.T) {
	s := psc(t)
	d := s.send(http.MethodGet, realm("/.well-known/wallet-openid-configuration"), "")
	front := d.text(t, "authorization_endpoint")
	if strings.HasPrefix(front, running.Sheet.Issuer) || !strings.HasSuffix(front, "/auth") {
		t.Errorf("authorization_endpoint %s", front)
	}
}

func TestPoint2TrailingSlashAndQueryOfItsOwn(t *testing.T) {
	s := psc(t)
	for _, front := range []string{"/", "/?acr_values=eidas1", "?acr_values=eidas1"} {
		address := running.Sheet.AuthorizationEndpoint + front
		rest := s.query("acr_values", "").Encode()
		if strings.Contains(front, "?") {
			address += "&" + rest
		} else {
			address += "?" + rest
		}
		_, id, _ := three(t, s.redeem(s.code(address)))
		if id.text(t, "acr") != "eidas1" {
			t.Errorf("%s: acr %v", front, id.document["acr"])
		}
	}
}

func TestPoint3RealmPathsAreFixedText(t *testing.T) {
	s := psc(t)
	if !strings.HasSuffix(running.Sheet.Issuer, "/auth/realms/esante-wallet") {
		t.Errorf("issuer %s", running.Sheet.Issuer)
	}
	d := s.send(http.MethodGet, realm("/.well-known/wallet-openid-configuration"), "")
	for name, path := range map[string]string{
		"token_endpoint": "/token", "userinfo_endpoint": "/userinfo", "end_session_endpoint": "/logout", "jwks_uri": "/certs",
		"introspection_endpoint": "/token/introspect", "revocation_endpoint": "/revoke",
	} {
		if got := d.text(t, name); got != realm(protocol+path) {
			t.Errorf("%s is %s", name, got)
		}
	}
	// The realm's own authorization path stands in client code too (section 1.1).
	s.redeem(s.code(realm(protocol+"/auth") + "?" + s.query().Encode()))
}

func TestPoint4DoubleSlashUserInfoByPOST(t *testing.T) {
	s := psc(t)
	a := s.send(http.MethodPost, realm(protocol+"//userinfo"), "", bearer(s.tokens().text(t, "access_token")))
	if a.status != http.StatusOK || a.text(t, "SubjectNameID") != s.login {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestPoint4DoubleSlashIntrospectionByPOST(t *testing.T) {
	s := psc(t)
	form := "token=" + s.tokens().text(t, "access_token")
	a := s.send(http.MethodPost, realm(protocol+"//token/introspect"), form, asJavaForm, s.basic)
	if a.status != http.StatusOK || a.document["active"] != true {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestPoint5UserInfoByGETAndEmptyPOST(t *testing.T) {
	s := psc(t)
	access := bearer(s.tokens().text(t, "access_token"))
	accept := func(r *http.Request) { r.Header.Set("Accept", "application/json") }
	for name, a := range map[string]reply{
		"GET":                     s.send(http.MethodGet, realm(protocol+"/userinfo"), "", access),
		"GET, Accept":             s.send(http.MethodGet, realm(protocol+"/userinfo"), "", access, accept),
		"POST":                    s.send(http.MethodPost, realm(protocol+"/userinfo"), "", access),
		"POST, form without body": s.send(http.MethodPost, realm(protocol+"/userinfo"), "", access, asForm, accept),
		"POST, JSON without body": s.send(http.MethodPost, realm(protocol+"/userinfo"), "", access, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json")
		}),
	} {
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") || a.text(t, "SubjectNameID") != s.login {
			t.Errorf("%s: %d %s %s", name, a.status, a.header.Get("Content-Type"), a.raw)
		}
	}
}

// DRIMbox reads a JSON object whatever the status, pmsi reads error_description
// wherever there is an error.
func TestPoint5RefusalsAreJSONObjects(t *testing.T) {
	s := psc(t)
	for name, a := range map[string]reply{
		"UserInfo":     s.send(http.MethodPost, realm(protocol+"//userinfo"), "", bearer("expired")),
		"token":        s.refresh("expired"),
		"a wrong code": s.post("/token", s.redeemForm("wrong")),
	} {
		if a.status/100 != 4 || a.text(t, "error") == "" || a.text(t, "error_description") == "" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

func TestPoint6ThreeTokensThatClientsDecode(t *testing.T) {
	s := psc(t)
	access, id, refresh := three(t, s.tokens())
	for typ, j := range map[string]token{"Bearer": access, "ID": id, "Refresh": refresh} {
		for _, name := range []string{"exp", "iat"} {
			j.number(t, name)
		}
		for _, name := range []string{"jti", "iss", "sub", "typ", "azp", "nonce", "session_state", "sid"} {
			if j.text(t, name) == "" {
				t.Errorf("%s: %s is empty", typ, name)
			}
		}
		if j.document["typ"] != typ || j.document["azp"] != s.ID || j.document["iss"] != running.Sheet.Issuer || j.document["nonce"] != nonce {
			t.Errorf("%s: %v", typ, j.document)
		}
		if j.document["sid"] != access.document["sid"] || j.document["session_state"] != j.document["sid"] || j.document["sub"] != access.document["sub"] {
			t.Errorf("%s belongs to another login: %v", typ, j.document)
		}
	}
	if access.number(t, "auth_time") != id.number(t, "auth_time") {
		t.Error("two times of one login")
	}
	refresh.text(t, "aud")
	refresh.text(t, "scope")
}

func TestPoint7RefreshExpiresInAndSessionState(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, _, _ := three(t, a)
	a.exactly(t, "access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type", "id_token", "not-before-policy", "session_state", "scope")
	if got := a.number(t, "refresh_expires_in"); got != 1800 {
		t.Errorf("refresh_expires_in %d", got)
	}
	if a.text(t, "session_state") == "" || a.document["session_state"] != access.document["sid"] {
		t.Errorf("session_state %v, sid %v", a.document["session_state"], access.document["sid"])
	}
	if a.text(t, "token_type") != "Bearer" || a.number(t, "not-before-policy") != 0 || a.text(t, "scope") != "openid scope_all" {
		t.Errorf("%s", a.raw)
	}
	b := s.granted(s.refresh(a.text(t, "refresh_token")))
	if b.document["session_state"] != a.document["session_state"] || b.number(t, "refresh_expires_in") != 1800 {
		t.Errorf("after a refresh: %s", b.raw)
	}
}

func TestPoint9ScopeAllWithoutOpenid(t *testing.T) {
	s := psc(t)
	a := s.tokens("scope", "scope_all")
	if _, ok := a.document["id_token"]; ok || a.text(t, "scope") != "scope_all" {
		t.Errorf("%v, scope %v", slices.Sorted(maps.Keys(a.document)), a.document["scope"])
	}
	if info := s.userInfo(a.text(t, "access_token")); info.status != http.StatusOK || info.text(t, "SubjectNameID") != s.login {
		t.Errorf("%d %s", info.status, info.raw)
	}
	if b := s.granted(s.refresh(a.text(t, "refresh_token"))); b.document["id_token"] != nil {
		t.Error("a refresh gave an ID token that was never asked for")
	}
}

// oauth2-prosanteconnect (pmsi) as it stands: the league library's own parameter,
// no nonce, no acr_values, credentials in the URL and in the body.
func TestPoint9PmsiReplayed(t *testing.T) {
	s := psc(t)
	code := s.code(s.ask("scope", "scope_all", "approval_prompt", "auto", "nonce", "", "acr_values", ""))
	a := s.granted(s.credentials()["URL and body"](s.redeemForm(code)))
	if info := s.userInfo(a.text(t, "access_token")); info.status != http.StatusOK || info.text(t, "SubjectNameID") != s.login {
		t.Errorf("%d %s", info.status, info.raw)
	}
}

func TestPoint10AcrIsExactlyEidas1(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, id, _ := three(t, a)
	again := parse(t, s.granted(s.refresh(a.text(t, "refresh_token"))).text(t, "id_token"))
	told := s.introspect(a.text(t, "access_token"))
	for name, d := range map[string]document{"access": access.document, "ID": id.document, "ID after a refresh": again.document, "introspection": told.document} {
		if d["acr"] != "eidas1" {
			t.Errorf("%s: acr %v", name, d["acr"])
		}
	}
}

func TestPoint11ClaimNamesAreCaseExact(t *testing.T) {
	s := psc(t)
	info := s.userInfo(s.tokens().text(t, "access_token"))
	for _, name := range []string{"SubjectNameID", "SubjectOrganizationID"} {
		info.text(t, name)
	}
	if ids, _ := info.document["otherIds"].([]any); len(ids) == 0 {
		t.Errorf("otherIds %v", info.document["otherIds"])
	}
	seen := map[string]string{}
	for name := range info.document {
		if other, ok := seen[strings.ToLower(name)]; ok {
			t.Errorf("%s and %s", name, other)
		}
		seen[strings.ToLower(name)] = name
	}
	for _, absent := range []string{"email", "email_verified", "name"} {
		if _, ok := info.document[absent]; ok {
			t.Errorf("%s was never there since 2023", absent)
		}
	}
}
