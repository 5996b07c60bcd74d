package op

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

// add registers an oidc service with some of its fields set.
func (w *world) add(id string, set func(*client.Client)) {
	w.t.Helper()
	c := &client.Client{
		ID: id, Name: "Service " + id, Owner: "Essai", Contact: "a@" + id + ".example", Purpose: "Essais", Profile: client.ProfileOIDC,
		SecretHashes: []string{client.HashSecret(testSecret)}, RedirectURIs: []string{redirectOf(id)}, Scopes: []string{"openid", "profile", "scope_all"},
	}
	set(c)
	if err := w.clients.Add(c); err != nil {
		w.t.Fatal(err)
	}
}

// introspect asks as a service, with an Accept header.
func (w *world) introspect(caller, token, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, base+"token/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(caller, testSecret)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

// verified opens a JWT with the published key its kid names, and gives its typ and claims.
func (w *world) verified(token string, alg jose.SignatureAlgorithm) (typ string, c tokens) {
	w.t.Helper()
	body, _ := w.keys.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		w.t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		w.t.Fatalf("%s: %v", token, err)
	}
	head := jws.Signatures[0].Header
	keys := set.Key(head.KeyID)
	if len(keys) != 1 || keys[0].Algorithm != string(alg) {
		w.t.Fatalf("kid %s names %v", head.KeyID, keys)
	}
	payload, err := jws.Verify(keys[0].Key)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		w.t.Fatal(err)
	}
	typ, _ = head.ExtraHeaders[jose.HeaderType].(string)
	return typ, c
}

// TK13, RFC 9701: signed for the caller, about the token of another, good or not.
func TestTK13SignedIntrospection(t *testing.T) {
	w := newWorld(t)
	w.add("signed", func(c *client.Client) { c.Answers.IntrospectionAlg = jose.PS256 })
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("web", w.code("web", cookie)).text("access_token") // psc2 is its audience
	own := w.redeem("signed", w.code("signed", cookie)).text("access_token")
	const signed = "application/token-introspection+jwt"
	for _, c := range []struct {
		name, caller, token, accept string
		alg                         jose.SignatureAlgorithm // empty: JSON
		active                      bool
	}{
		{"nothing asked", "psc2", token, "", "", true},
		{"JSON asked", "psc2", token, "application/json", "", true},
		{"anything", "psc2", token, "*/*", "", true},
		{"signed asked", "psc2", token, signed, jose.RS256, true},
		{"in a list, in capitals", "psc2", token, "application/json;q=0.5, Application/Token-Introspection+JWT;q=1", jose.RS256, true},
		{"of a token not for the caller", "psc", token, signed, jose.RS256, false},
		{"of nothing", "psc2", "nonsense", signed, jose.RS256, false},
		{"registered", "signed", own, "", jose.PS256, true},
		{"registered, anything", "signed", own, "*/*", jose.PS256, true},
		{"registered, JSON by name", "signed", own, "application/json", "", true},
		{"registered, of nothing", "signed", "nonsense", "", jose.PS256, false},
	} {
		rec := w.introspect(c.caller, c.token, c.accept)
		if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Vary") == "" {
			t.Fatalf("%s: %d %v %s", c.name, rec.Code, rec.Header(), rec.Body)
		}
		media := rec.Header().Get("Content-Type")
		if c.alg == "" {
			if d := decode(t, rec); media != "application/json" || d["active"] != c.active {
				t.Errorf("%s: %s %v", c.name, media, d)
			}
			continue
		}
		typ, d := w.verified(rec.Body.String(), c.alg)
		about, _ := d["token_introspection"].(map[string]any)
		if typ != "token-introspection+jwt" || media != signed || about["active"] != c.active {
			t.Errorf("%s: typ %q, %s, %v", c.name, typ, media, d)
		}
		if d.text("iss") != testIssuer || d.text("aud") != c.caller || d["iat"] != float64(w.clock.Now().Unix()) || len(d) != 4 {
			t.Errorf("%s: around it %v", c.name, d)
		}
		if !c.active && len(about) != 1 {
			t.Errorf("%s: more is told of a dead token: %v", c.name, about)
		}
		if c.active && about["sub"] == nil {
			t.Errorf("%s: nobody is named: %v", c.name, about)
		}
	}
}

// A signed description of an access token is no access token, no ID token and
// no hint, though a key of the same set signs it (RFC 9701 8.1, RFC 8725 3.11).
func TestTK13SignedAnswerPassedOffAsAToken(t *testing.T) {
	w := newWorld(t)
	w.add("signed", func(c *client.Client) { c.Answers.UserInfoAlg = jose.RS256 })
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("signed", w.code("signed", cookie)).text("access_token")
	answer := w.introspect("signed", token, "application/token-introspection+jwt").Body.String()
	info := w.userinfo(token).Body.String()
	for name, jwt := range map[string]string{"introspection": answer, "UserInfo": info} {
		if rec := w.userinfo(jwt); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s opens UserInfo: %d", name, rec.Code)
		}
		if d := decode(t, w.introspect("signed", jwt, "")); d["active"] != false {
			t.Errorf("%s is an active token: %v", name, d)
		}
		q := w.answered(w.authorize(ask("web", "prompt", "none", "id_token_hint", jwt), cookie))
		if q.Get("error") != "invalid_request" {
			t.Errorf("%s is a hint: %v", name, q)
		}
	}
}

// UI2: signed for the service, the same sub as in the ID token.
func TestUI2SignedUserInfo(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, alg := range w.keys.Algorithms() {
		id := "signed-" + string(alg)
		w.add(id, func(c *client.Client) { c.Answers.UserInfoAlg, c.IDTokenAlg = alg, alg })
		answer := w.redeem(id, w.code(id, cookie))
		typ, identity := w.verified(answer.text("id_token"), alg)
		if typ != "JWT" {
			t.Errorf("%s: typ %q", alg, typ)
		}
		rec := w.userinfo(answer.text("access_token"))
		if rec.Header().Get("Content-Type") != "application/jwt" {
			t.Fatalf("%s: %v %s", alg, rec.Header(), rec.Body)
		}
		_, info := w.verified(rec.Body.String(), alg)
		if info.text("sub") == "" || info.text("sub") != identity.text("sub") || info.text("iss") != testIssuer || info.text("aud") != id ||
			info.text("SubjectNameID") != doctor.ID.String() || info["SubjectRefPro"] == nil {
			t.Errorf("%s: %v", alg, info)
		}
	}
}

// UI2: signed, then closed to the service's key of use enc.
func TestUI2EncryptedUserInfo(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curves := map[string]any{}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		curves[name] = key
	}
	signing := jwttest.New(t, jose.ES256, "signs").Public
	for i, c := range []struct {
		alg jose.KeyAlgorithm
		enc jose.ContentEncryption
		key any
	}{
		{jose.RSA_OAEP_256, jose.A256GCM, rsaKey}, {jose.ECDH_ES, jose.A128GCM, curves["p256"]}, {jose.ECDH_ES_A256KW, jose.A256CBC_HS512, curves["p384"]},
		{jose.ECDH_ES_A128KW, "", curves["p256"]},
	} {
		id := "closed-" + string(rune('a'+i))
		private := jose.JSONWebKey{Key: c.key, KeyID: "enc-" + id, Use: "enc", Algorithm: string(c.alg)}
		pub := private.Public()
		w.add(id, func(r *client.Client) {
			r.Keys.Set = &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signing, pub}}
			r.Answers = client.Answers{UserInfoAlg: jose.ES256, UserInfoKeyAlg: c.alg, UserInfoEnc: c.enc}
		})
		answer := w.redeem(id, w.code(id, cookie))
		rec := w.userinfo(answer.text("access_token"))
		if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/jwt" || strings.Contains(rec.Body.String(), "EXEMPLE") {
			t.Fatalf("%s: %d %v %s", c.alg, rec.Code, rec.Header(), rec.Body)
		}
		enc := c.enc
		if enc == "" {
			enc = jose.A128CBC_HS256
		}
		jwe, err := jose.ParseEncryptedCompact(rec.Body.String(), []jose.KeyAlgorithm{c.alg}, []jose.ContentEncryption{enc})
		if err != nil {
			t.Fatalf("%s: %v", c.alg, err)
		}
		if jwe.Header.KeyID != "enc-"+id || jwe.Header.ExtraHeaders["cty"] != "JWT" || jwe.Header.ExtraHeaders["zip"] != nil {
			t.Errorf("%s: header %+v", c.alg, jwe.Header)
		}
		inner, err := jwe.Decrypt(c.key)
		if err != nil {
			t.Fatalf("%s: %v", c.alg, err)
		}
		_, info := w.verified(string(inner), jose.ES256)
		if info.text("sub") != claimsOf(t, answer.text("id_token")).text("sub") || info.text("aud") != id {
			t.Errorf("%s: %v", c.alg, info)
		}
	}
}

// A service whose site is down, or holds no key to encrypt to, gets nothing:
// never the open answer instead.
func TestUI2MissingKeyIsNoReasonToAnswerOpenly(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	w.add("closed", func(r *client.Client) {
		r.Keys.URI = "https://closed.example/jwks.json"
		r.Answers = client.Answers{UserInfoAlg: jose.ES256, UserInfoKeyAlg: jose.ECDH_ES, UserInfoEnc: jose.A256GCM}
	})
	token := w.redeem("closed", w.code("closed", cookie)).text("access_token")
	rec := w.userinfo(token)
	if rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "EXEMPLE") || strings.Count(rec.Body.String(), ".") > 3 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TK6: PS256 is signed by a key of its own, whose name says so.
func TestTK6TK5AlgorithmsPerClient(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, alg := range w.keys.Algorithms() {
		id := "alg-" + string(alg)
		w.add(id, func(c *client.Client) {
			c.IDTokenAlg, c.AccessTokenAlg, c.AccessTokenFormat = alg, alg, client.FormatJWT
		})
		answer := w.redeem(id, w.code(id, cookie))
		if typ, c := w.verified(answer.text("id_token"), alg); typ != "JWT" || c.text("at_hash") == "" {
			t.Errorf("%s: ID token %q %v", alg, typ, c)
		}
		typ, c := w.verified(answer.text("access_token"), alg)
		if typ != "at+jwt" {
			t.Errorf("%s: access token of typ %q", alg, typ)
		}
		for _, claim := range []string{"iss", "aud", "exp", "iat", "jti", "client_id", "sub", "scope", "auth_time", "acr"} {
			if c[claim] == nil {
				t.Errorf("%s: at+jwt without %s", alg, claim)
			}
		}
	}
}

func TestME3ME7SignedAnswersInDiscovery(t *testing.T) {
	w := newWorld(t)
	d := decode(t, w.get("/auth/realms/esante-wallet/.well-known/openid-configuration"))
	for name, want := range map[string]string{
		"subject_types_supported":                    `["public","pairwise"]`,
		"id_token_signing_alg_values_supported":      `["RS256","ES256","EdDSA","PS256"]`,
		"userinfo_signing_alg_values_supported":      `["RS256","ES256","EdDSA","PS256"]`,
		"userinfo_encryption_alg_values_supported":   `["RSA-OAEP-256","ECDH-ES","ECDH-ES+A128KW","ECDH-ES+A256KW"]`,
		"userinfo_encryption_enc_values_supported":   `["A128GCM","A256GCM","A128CBC-HS256","A256CBC-HS512"]`,
		"introspection_signing_alg_values_supported": `["RS256","ES256","EdDSA","PS256"]`,
	} {
		if got, _ := json.Marshal(d[name]); string(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
