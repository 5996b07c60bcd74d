package dmp

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// notice signs a logout token of the provider, changed by the test.
func (s *stage) notice(typ string, change map[string]any) string {
	s.Helper()
	now := s.clock.Now()
	claims := map[string]any{
		"iss": s.op.issuer, "aud": testClient, "sub": "sub-1", "sid": "sid-1", "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"jti": "n-" + typ, "events": map[string]any{logoutEvent: map[string]any{}},
	}
	maps.Copy(claims, change)
	for name, v := range claims {
		if v == nil {
			delete(claims, name)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.op.key, KeyID: "k1"}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		s.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		s.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		s.Fatal(err)
	}
	return token
}

func (s *stage) tell(token string) int {
	s.Helper()
	res, err := http.Post(s.base+NoticePath, "application/x-www-form-urlencoded", strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (s *stage) inside() bool { return strings.Contains(s.get("/").body, "CAMILLE EXEMPLE") }

func TestNoticeEndsTheSessionItNames(t *testing.T) {
	s := newStage(t)
	s.login("/login")
	if got := s.tell(s.notice(logoutType, map[string]any{"sid": "another", "jti": "other"})); got != http.StatusOK || !s.inside() {
		t.Errorf("%d: another session's notice ended this one", got)
	}
	token := s.notice(logoutType, nil)
	if got := s.tell(token); got != http.StatusOK || s.inside() {
		t.Errorf("%d, still inside", got)
	}
	s.login("/login")
	if got := s.tell(token); got != http.StatusBadRequest || !s.inside() {
		t.Errorf("%d: a notice was believed twice (replay)", got)
	}
	if got := s.tell(s.notice(logoutType, map[string]any{"sid": nil, "jti": "all"})); got != http.StatusOK || s.inside() {
		t.Errorf("%d: a notice that names the person alone", got)
	}
}

// Whatever else the provider signed, or somebody else, ends nobody's work.
func TestForgedNoticesAreNotBelieved(t *testing.T) {
	s := newStage(t)
	s.login("/login")
	now := s.clock.Now()
	good := strings.Split(s.notice(logoutType, map[string]any{"jti": "good"}), ".")
	for name, token := range map[string]string{
		"ID token":          s.notice("JWT", nil),
		"at+jwt":            s.notice("at+jwt", nil),
		"another issuer":    s.notice(logoutType, map[string]any{"iss": "https://evil.invalid"}),
		"another audience":  s.notice(logoutType, map[string]any{"aud": "another"}),
		"expired":           s.notice(logoutType, map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}),
		"without an end":    s.notice(logoutType, map[string]any{"exp": nil}),
		"old":               s.notice(logoutType, map[string]any{"iat": now.Add(-time.Hour).Unix()}),
		"of tomorrow":       s.notice(logoutType, map[string]any{"iat": now.Add(time.Hour).Unix()}),
		"with a nonce":      s.notice(logoutType, map[string]any{"nonce": "n"}),
		"without the event": s.notice(logoutType, map[string]any{"events": map[string]any{"other": map[string]any{}}}),
		"without events":    s.notice(logoutType, map[string]any{"events": nil}),
		"without a name":    s.notice(logoutType, map[string]any{"jti": nil}),
		"naming nobody":     s.notice(logoutType, map[string]any{"sub": nil, "sid": nil}),
		"altered":           good[0] + "." + good[1][:len(good[1])-4] + "AAAA." + good[2],
		"unsigned":          good[0] + "." + good[1] + ".",
		"alg none":          "eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9." + good[1] + ".",
		"nothing":           "",
		"more than we read": strings.Repeat("a", maxForm),
	} {
		if got := s.tell(token); got != http.StatusBadRequest || !s.inside() {
			t.Errorf("%s: %d", name, got)
		}
	}
	res, err := http.Post(s.base+NoticePath, "application/json", strings.NewReader(`{"logout_token":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("JSON: %d", res.StatusCode)
	}
}
