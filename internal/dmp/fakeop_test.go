package dmp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
)

const (
	testClient   = "dmp-demo"
	testSecret   = "s%cret +"
	testAuthHost = "http://wallet.invalid"
)

// fakeOP is a provider small enough to misbehave on demand. Its state may be
// changed by the test between two calls, under mu.
type fakeOP struct {
	*httptest.Server
	issuer string
	key    *ecdsa.PrivateKey
	mu     sync.Mutex

	acr, userSub string
	amr          []string
	user         map[string]any
	idClaims     func(map[string]any)        // changes the claims of the next ID tokens
	sign         func(payload []byte) string // replaces the signature
	down         bool                        // every endpoint answers 503
	refuse       bool                        // refresh and UserInfo answer invalid_grant, invalid_token
	expiresIn    int
	introspected map[string]map[string]any

	authTime  int64      // of the person's login, a minute ago
	asked     url.Values // last authorization request
	codes     map[string]url.Values
	refresh   string // the only refresh token that is good
	refreshes int
	renewing  func()   // called at each refresh, when set
	faults    []string // what the client did wrong
}

func newOP(t *testing.T) *fakeOP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	op := &fakeOP{
		authTime: clock.System{}.Now().Add(-time.Minute).Unix(),
		key:      key, acr: "eidas1", amr: []string{"swk", "pin", "mfa"}, userSub: "sub-1", user: person("899700990015", doctor),
		expiresIn: 120, codes: map[string]url.Values{}, introspected: map[string]map[string]any{},
	}
	mux := http.NewServeMux()
	op.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op.mu.Lock()
		defer op.mu.Unlock()
		if op.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(op.Close)
	op.issuer = op.URL + "/auth/realms/esante-wallet"
	base := "/auth/realms/esante-wallet"
	mux.HandleFunc("GET "+base+"/.well-known/openid-configuration", op.discovery)
	mux.HandleFunc("GET "+base+"/certs", op.jwks)
	mux.HandleFunc("POST "+base+"/token", op.token)
	mux.HandleFunc("GET "+base+"/userinfo", op.userInfo)
	mux.HandleFunc("POST "+base+"/introspect", op.introspect)
	return op
}

// set changes the provider between two calls.
func (op *fakeOP) set(change func()) {
	op.mu.Lock()
	defer op.mu.Unlock()
	change()
}

func (op *fakeOP) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"issuer": op.issuer, "authorization_endpoint": testAuthHost + "/auth",
		"token_endpoint": op.issuer + "/token", "userinfo_endpoint": op.issuer + "/userinfo",
		"jwks_uri": op.issuer + "/certs", "introspection_endpoint": op.issuer + "/introspect",
		"end_session_endpoint": op.issuer + "/logout",
	})
}

func (op *fakeOP) jwks(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: op.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
}

// authorize plays the person at the provider: it answers an authorization URL
// with the callback the browser is sent to.
func (op *fakeOP) authorize(t *testing.T, authURL string) string {
	t.Helper()
	u, err := url.Parse(authURL)
	if err != nil || u.Scheme+"://"+u.Host != testAuthHost {
		t.Fatalf("sent to %q", authURL)
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.asked = u.Query()
	code := "code-" + rand.Text()
	op.codes[code] = op.asked
	back := url.Values{"code": {code}, "state": {op.asked.Get("state")}, "iss": {op.issuer}}
	return op.asked.Get("redirect_uri") + "?" + back.Encode()
}

func (op *fakeOP) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != testClient || secret != url.QueryEscape(testSecret) || r.PostFormValue("client_secret") != "" {
		op.faults = append(op.faults, "client authentication")
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if r.PostFormValue("grant_type") == "refresh_token" {
		op.renew(w, r)
		return
	}
	asked, ok := op.codes[r.PostFormValue("code")]
	delete(op.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	op.issue(w, asked.Get("nonce"))
}

func (op *fakeOP) renew(w http.ResponseWriter, r *http.Request) {
	op.refreshes++
	if op.renewing != nil {
		op.renewing()
	}
	// Like a provider with reuse detection: an old refresh token ends it all.
	if op.refuse || r.PostFormValue("refresh_token") != op.refresh {
		op.refuse = true
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	op.issue(w, "")
}

func (op *fakeOP) issue(w http.ResponseWriter, nonce string) {
	now := clock.System{}.Now()
	claims := map[string]any{
		"iss": op.issuer, "sub": op.userSub, "aud": testClient, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
		"auth_time": op.authTime, "acr": op.acr, "amr": op.amr, "sid": "sid-1",
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if op.idClaims != nil {
		op.idClaims(claims)
	}
	payload, _ := json.Marshal(claims)
	sign := op.sign
	if sign == nil {
		sign = func(p []byte) string { return es256(op.key, p) }
	}
	op.refresh = "refresh-" + rand.Text()
	reply(w, http.StatusOK, map[string]any{
		"access_token": "access-" + rand.Text(), "token_type": "Bearer", "expires_in": op.expiresIn,
		"refresh_token": op.refresh, "id_token": sign(payload), "scope": "openid scope_all",
	})
}

func (op *fakeOP) userInfo(w http.ResponseWriter, r *http.Request) {
	if op.refuse || r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	body := maps.Clone(op.user)
	if body["sub"] == nil {
		body["sub"] = op.userSub
	}
	reply(w, http.StatusOK, body)
}

func (op *fakeOP) introspect(w http.ResponseWriter, r *http.Request) {
	if id, _, ok := r.BasicAuth(); !ok || id != testClient {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	answer := op.introspected[r.PostFormValue("token")]
	if answer == nil {
		answer = map[string]any{"active": false}
	}
	if _, told := answer["auth_time"]; !told && answer["active"] == true {
		answer = maps.Clone(answer)
		answer["auth_time"] = op.authTime
	}
	reply(w, http.StatusOK, answer)
}

func es256(key *ecdsa.PrivateKey, payload []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return s
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// job is one situation d'exercice of an invented person.
type job struct{ profession, category, role, genre, structure string }

var (
	doctor      = job{"10", "C", "", "GENR01", "R990001"}
	coordinator = job{"99", "C", "330", "GENR08", "F990000127"}
	educator    = job{"99", "C", "326", "GENR10", "F990000101"}
	carer       = job{"99", "C", "328", "GENR11", "F990000119"} // in the care team of fictif-1 only
)

func person(id string, jobs ...job) map[string]any {
	var exercices []any
	for _, j := range jobs {
		exercices = append(exercices, map[string]any{
			"codeProfession": j.profession, "codeCategorieProfessionnelle": j.category,
			"activities": []any{map[string]any{
				"codeRole": j.role, "codeGenreActivite": j.genre,
				"identifiantTechniqueDeLaStructure": j.structure, "raisonSocialeSite": "STRUCTURE " + j.structure,
			}},
		})
	}
	return map[string]any{
		"SubjectNameID": id, "given_name": "CAMILLE", "family_name": "EXEMPLE",
		"SubjectRefPro": map[string]any{"codeCivilite": "MME", "exercices": exercices},
	}
}
