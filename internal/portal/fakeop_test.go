package portal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
)

const tokenLife = 120 // seconds

// fakeOP is a provider small enough to misbehave on demand.
type fakeOP struct {
	*httptest.Server
	key *ecdsa.PrivateKey

	mu                   sync.Mutex
	sid, holder, infoSub string
	down, refuse         bool
	expiresIn            int
	nonces               map[string]string // by code
	nonce                string            // of the last login
	refresh              string            // the only one that is good
	renewed              int
}

func newOP(t *testing.T) *fakeOP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	op := &fakeOP{key: key, sid: "sid-1", holder: "899700990015", infoSub: "sub-1", expiresIn: tokenLife, nonces: map[string]string{}}
	mux := http.NewServeMux()
	op.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op.mu.Lock()
		defer op.mu.Unlock()
		if op.down {
			reply(w, http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"})
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(op.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{
			"issuer": op.URL, "authorization_endpoint": op.URL + "/auth", "token_endpoint": op.URL + "/token", "userinfo_endpoint": op.URL + "/userinfo",
			"jwks_uri": op.URL + "/certs", "end_session_endpoint": op.URL + "/logout",
		})
	})
	mux.HandleFunc("GET /certs", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: op.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", op.token)
	mux.HandleFunc("GET /userinfo", op.userInfo)
	return op
}

// set changes the provider between two calls.
func (op *fakeOP) set(change func()) {
	op.mu.Lock()
	defer op.mu.Unlock()
	change()
}

func (op *fakeOP) renewals() int {
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.renewed
}

// authorize plays the person at the provider.
func (op *fakeOP) authorize(t *testing.T, to string) (callback string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil || u.Path != "/auth" {
		t.Fatalf("sent to %q", to)
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	code := "code-" + rand.Text()
	op.nonces[code] = u.Query().Get("nonce")
	return Path + "/callback?" + url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {op.URL}}.Encode()
}

func (op *fakeOP) token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("grant_type") == "refresh_token" {
		op.renewed++
		// Like a provider with reuse detection: an old refresh token ends it all.
		if op.refuse = op.refuse || r.PostFormValue("refresh_token") != op.refresh; op.refuse {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
	} else {
		op.nonce = op.nonces[r.PostFormValue("code")]
	}
	now := clock.System{}.Now()
	claims := map[string]any{
		"iss": op.URL, "sub": "sub-1", "aud": ClientID, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "amr": []string{"sc"}, "sid": op.sid,
		"nonce": op.nonce, // of the login, in renewed ID tokens too, as our provider says it
	}
	op.refresh = "refresh-" + rand.Text()
	reply(w, http.StatusOK, map[string]any{
		"access_token": "access-" + rand.Text(), "token_type": "Bearer", "expires_in": op.expiresIn, "refresh_token": op.refresh, "id_token": op.sign(claims),
	})
}

func (op *fakeOP) sign(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: op.key, KeyID: "k1"}}, nil)
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

func (op *fakeOP) userInfo(w http.ResponseWriter, _ *http.Request) {
	if op.refuse {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"sub": op.infoSub, "SubjectNameID": op.holder, "given_name": "CAMILLE", "family_name": "EXEMPLE"})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
