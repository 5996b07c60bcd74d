package psc

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// accessClaims are those of 2026, and session_state that older clients read (section 2.7).
var accessClaims = []string{
	"exp", "iat", "auth_time", "jti", "iss", "sub", "typ", "azp", "nonce", "session_state", "sid", "acr", "auth_level", "authMode",
	"scope", "SubjectNameID", "PSISubjectNameID", "preferred_username", "otherIds",
}

func TestSection17LevelAndMeans(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, id, _ := three(t, a)
	info := s.userInfo(a.text(t, "access_token"))
	for name, d := range map[string]document{"access": access.document, "ID": id.document} {
		if d["auth_level"] != "1" || d["authMode"] != "MOBILE" || d["acr"] != "eidas1" {
			t.Errorf("%s: %v %v %v", name, d["auth_level"], d["authMode"], d["acr"])
		}
		if _, ok := d["amr"]; ok {
			t.Errorf("%s: amr was never seen in a token of the real service", name)
		}
	}
	if info.text(t, "authMode") != "MOBILE" || info.text(t, "Palier_Authentification") != "APPPRIP3^1.2.250.1.213.1.5.1.1.1" {
		t.Errorf("%s", info.raw)
	}
}

func TestSection18RS256UnderAPublishedKey(t *testing.T) {
	s := psc(t)
	access, id, refresh := three(t, s.tokens())
	s.verify("access", access)
	s.verify("ID", id)
	if s.key(refresh.header["kid"]) != nil {
		t.Error("whoever has the key set could take a refresh token for an ID token")
	}
}

// Calls from a page of a browser are not for it, on the real service neither.
func TestSection18NoCrossOriginCalls(t *testing.T) {
	s := psc(t)
	access := bearer(s.tokens().text(t, "access_token"))
	page := func(r *http.Request) { r.Header.Set("Origin", "https://page.invalid") }
	for name, a := range map[string]reply{
		"userinfo": s.send(http.MethodGet, realm(protocol+"/userinfo"), "", access, page),
		"token":    s.send(http.MethodPost, realm(protocol+"/token"), "grant_type=refresh_token", asForm, s.basic, page),
		"asking":   s.send(http.MethodOptions, realm(protocol+"/token"), "", page),
	} {
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSection23AccessToken(t *testing.T) {
	s := psc(t)
	access, _, _ := three(t, s.tokens())
	access.exactly(t, accessClaims...)
	for _, name := range []string{"exp", "iat", "auth_time"} {
		access.number(t, name)
	}
	for name, want := range map[string]string{
		"SubjectNameID": s.login, "preferred_username": s.login, "PSISubjectNameID": "", "scope": "openid scope_all", "azp": s.ID, "nonce": nonce,
	} {
		if got := access.text(t, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !uuidForm.MatchString(access.text(t, "sub")) || !strings.HasPrefix(access.text(t, "jti"), "onrtac:") {
		t.Errorf("sub %v, jti %v", access.document["sub"], access.document["jti"])
	}
	want := []any{map[string]any{"identifiant": s.login, "origine": "RPPS", "qualite": float64(1)}}
	if !reflect.DeepEqual(access.document["otherIds"], want) {
		t.Errorf("otherIds %v", access.document["otherIds"])
	}
}

func TestSection24IDToken(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, id, _ := three(t, a)
	id.exactly(t, append([]string{"aud", "at_hash", "given_name", "family_name"}, accessClaims...)...)
	if id.text(t, "aud") != s.ID || id.text(t, "iss") != running.Sheet.Issuer || id.text(t, "nonce") != access.text(t, "nonce") {
		t.Errorf("%v", id.document)
	}
	sum := sha256.Sum256([]byte(a.text(t, "access_token")))
	if id.text(t, "at_hash") != base64.RawURLEncoding.EncodeToString(sum[:16]) {
		t.Error("at_hash is not that of the access token")
	}
	info := s.userInfo(a.text(t, "access_token"))
	for _, name := range []string{"sub", "SubjectNameID", "PSISubjectNameID", "preferred_username", "given_name", "family_name", "authMode", "otherIds"} {
		if !reflect.DeepEqual(id.document[name], info.document[name]) {
			t.Errorf("%s: %v, UserInfo has %v", name, id.document[name], info.document[name])
		}
	}
	if id.document["jti"] == access.document["jti"] {
		t.Error("two tokens of one name")
	}
}

func TestSection25RefreshToken(t *testing.T) {
	s := psc(t)
	_, _, refresh := three(t, s.tokens())
	refresh.exactly(t, "exp", "iat", "jti", "iss", "aud", "sub", "typ", "azp", "nonce", "session_state", "scope", "sid")
	for _, name := range []string{"exp", "iat"} {
		refresh.number(t, name)
	}
	for _, name := range []string{"jti", "iss", "aud", "sub", "typ", "azp", "nonce", "session_state", "scope", "sid"} {
		if refresh.text(t, name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestSection26IntrospectionRepeatsTheAccessToken(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, _, _ := three(t, a)
	told := s.introspect(a.text(t, "access_token"))
	told.exactly(t, append([]string{"client_id", "username", "active"}, accessClaims...)...)
	for name, want := range access.document {
		if !reflect.DeepEqual(told.document[name], want) {
			t.Errorf("%s: %v, the token has %v", name, told.document[name], want)
		}
	}
	if told.text(t, "client_id") != s.ID || told.document["username"] != told.document["preferred_username"] || told.document["active"] != true {
		t.Errorf("%s", told.raw)
	}
}

func TestSection19IntrospectionByAnotherService(t *testing.T) {
	owner, api := psc(t), newSoftware(t, neighbour)
	a := owner.tokens()
	for name, hint := range map[string]string{"access_token": "", "refresh_token": "refresh_token"} {
		form := url.Values{"token": {a.text(t, name)}}
		if hint != "" {
			form.Set("token_type_hint", hint)
		}
		told := api.send(http.MethodPost, realm(protocol+"/token/introspect"), form.Encode(), asForm, api.basic,
			func(r *http.Request) { r.Header.Set("Accept", "application/json") })
		if told.status != http.StatusOK || told.document["active"] != true || told.text(t, "azp") != owner.ID || told.text(t, "client_id") != owner.ID {
			t.Errorf("%s: %d %s", name, told.status, told.raw)
		}
		if _, named := told.document["SubjectNameID"]; named != (name == "access_token") {
			t.Errorf("%s: SubjectNameID there: %v", name, named)
		}
	}
}

func TestSection19IntrospectionOfNothingGood(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	for name, token := range map[string]string{"unknown": "unknown", "forged": a.text(t, "access_token") + "x", "ID token": a.text(t, "id_token")} {
		if told := s.introspect(token); told.status != http.StatusOK || string(told.raw) != `{"active":false}` {
			t.Errorf("%s: %d %s", name, told.status, told.raw)
		}
	}
	stranger := func(r *http.Request) { r.SetBasicAuth("personne", "rien") }
	told := s.send(http.MethodPost, realm(protocol+"/token/introspect"), "token="+a.text(t, "access_token"), asForm, stranger)
	if told.status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d %s", told.status, told.raw)
	}
}
