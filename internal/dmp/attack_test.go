package dmp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestLoginCSRF: an attacker sends his own callback link to a victim, who would
// then work in the attacker's session.
func TestLoginCSRF(t *testing.T) {
	s := newStage(t)
	back := s.op.authorize(t, s.get("/login").location)
	victim := newBrowser(t, s.base)
	s.getBy(victim, back).expectFailure(t, http.StatusBadRequest, codeLoginLost)
	// A victim with a login of his own under way is not caught either.
	s.getBy(victim, "/login")
	s.getBy(victim, back).expectFailure(t, http.StatusBadRequest, codeLoginLost)
	// And the attempt did not consume the login of the browser that began it.
	if v := s.get(back); v.path != "/" {
		t.Errorf("own login lost: %d at %s", v.status, v.path)
	}
}

func TestStateReplayed(t *testing.T) {
	s := newStage(t)
	back := s.op.authorize(t, s.get("/login").location)
	s.get(back)
	s.get(back).expectFailure(t, http.StatusBadRequest, codeLoginLost)
}

func TestStateTooOld(t *testing.T) {
	s := newStage(t)
	back := s.op.authorize(t, s.get("/login").location)
	s.clock.Advance(loginLife)
	s.get(back).expectFailure(t, http.StatusBadRequest, codeLoginLost)
}

// TestTwoTabs: both logins of one browser succeed, in either order.
func TestTwoTabs(t *testing.T) {
	s := newStage(t)
	first := s.op.authorize(t, s.get("/login").location)
	second := s.op.authorize(t, s.get("/patient/fictif-1").location)
	if first == "" || second == "" {
		t.Fatal("no way back")
	}
	s.get(second).expect(t, "granted", "")
	if v := s.get(first); v.path != "/" {
		t.Errorf("first tab: %d at %s", v.status, v.path)
	}
}

func TestMixUp(t *testing.T) {
	s := newStage(t)
	back := s.op.authorize(t, s.get("/login").location)
	s.get(strings.Replace(back, url.QueryEscape(s.op.issuer), url.QueryEscape("https://evil.example"), 1)).
		expectFailure(t, http.StatusBadGateway, codeUntrusted)
	if s.op.refresh != "" {
		t.Error("the code was redeemed all the same")
	}
}

func TestProviderRefuses(t *testing.T) {
	s := newStage(t)
	u, _ := url.Parse(s.get("/login").location)
	v := s.get("/callback?error=access_denied&error_description=%3Cscript%3E&state=" + u.Query().Get("state"))
	v.expectFailure(t, http.StatusForbidden, codeLoginRefused)
	if strings.Contains(v.body, "script") {
		t.Error("the description reached the page")
	}
	u, _ = url.Parse(s.get("/login").location)
	v = s.get("/callback?error=access_denied&error_description=x+%28PF-EC-012%29&state=" + u.Query().Get("state"))
	if attr(v.body, "dmp-failure", "data-cause") != "PF-EC-012" {
		t.Error("the provider's code is lost")
	}
}

// TestForgedIDTokens: each would log in somebody else, or somebody of yesterday.
func TestForgedIDTokens(t *testing.T) {
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(name string, value any) func(*fakeOP) {
		return func(op *fakeOP) { op.idClaims = func(c map[string]any) { c[name] = value } }
	}
	tests := map[string]func(*fakeOP){
		"nonce of another login": claim("nonce", "another"),
		"no nonce":               func(op *fakeOP) { op.idClaims = func(c map[string]any) { delete(c, "nonce") } },
		"another issuer":         claim("iss", "https://evil.example"),
		"another audience":       claim("aud", "other-client"),
		"another azp":            claim("azp", "other-client"),
		"expired":                claim("exp", time.Unix(1_700_000_000, 0).Unix()),
		"no subject":             claim("sub", ""),
		"stranger's key":         func(op *fakeOP) { op.sign = func(p []byte) string { return es256(stranger, p) } },
		"alg none": func(op *fakeOP) {
			op.sign = func(p []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(p) + "."
			}
		},
		"HMAC with the client secret": func(op *fakeOP) { op.sign = hs256 },
		"UserInfo of another person":  func(op *fakeOP) { op.user["sub"] = "sub-2" },
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			forge(s.op)
			s.login("/login").expectFailure(t, http.StatusBadGateway, codeUntrusted)
			if len(s.service.sessions.all) != 0 {
				t.Error("a session began")
			}
		})
	}
}

func hs256(p []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat(testSecret, 8))}, nil)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(p)
	if err != nil {
		panic(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return s
}

func TestOpenRedirect(t *testing.T) {
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/patient/../..//evil", "javascript:alert(1)", "/callback", "/%2Fevil", "/patient/a\r\nLocation: x"} {
		t.Run(next, func(t *testing.T) {
			s := newStage(t)
			if v := s.login("/login?next=" + url.QueryEscape(next)); v.path != "/" || v.location != "" {
				t.Errorf("sent to %s %s", v.path, v.location)
			}
			if got := backTo(next); got != "/" {
				t.Errorf("the chooser would send to %s", got)
			}
		})
	}
}

// TestSessionFixation: a session cookie from before the login is worth nothing
// after it, be it planted or one's own.
func TestSessionFixation(t *testing.T) {
	s := newStage(t)
	s.login("/login")
	base, _ := url.Parse(s.base)
	var before string
	for _, c := range s.browser.Jar.Cookies(base) {
		if c.Name == sessionCookie {
			before = c.Value
		}
	}
	s.login("/login")
	if s.service.sessions.get(before) != nil || before == "" {
		t.Error("the old cookie still opens a session")
	}
}

// TestForgedForms: another site cannot log the person out nor change the
// situation, even where SameSite is not obeyed.
func TestForgedForms(t *testing.T) {
	s := newStage(t)
	s.op.user = person("899700991021", educator, coordinator)
	v := s.login("/situation")
	key := attr(v.body, "situation-1", "value")
	for _, csrf := range []string{"", "wrong"} {
		s.post("/situation", url.Values{"csrf": {csrf}, "situation": {key}}).expectFailure(t, http.StatusForbidden, codeForged)
		s.post("/logout", url.Values{"csrf": {csrf}}).expectFailure(t, http.StatusForbidden, codeForged)
	}
	if s.service.sessions.only(t).chosen != "" {
		t.Error("the situation was chosen")
	}
	if v := s.get("/logout"); v.status == http.StatusSeeOther {
		t.Error("a mere link logs out")
	}
}

func TestCookieAttributes(t *testing.T) {
	for _, secure := range []bool{true, false} {
		c := cookies{secure: secure}
		made := c.make(sessionCookie, "v", 0)
		if !made.HttpOnly || made.SameSite != http.SameSiteLaxMode || made.Secure != secure || made.Domain != "" || made.Path != "/" {
			t.Errorf("%+v", made)
		}
		if strings.HasPrefix(made.Name, "__Host-") != secure {
			t.Errorf("name %s", made.Name)
		}
	}
}

// TestFloods: whoever only knocks cannot grow our memory, nor push out others
// by opening tabs.
func TestFloods(t *testing.T) {
	s := newStage(t)
	other := s.op.authorize(t, s.get("/login").location)
	l := s.service.logins
	for i := range 3 * maxPerBrowser {
		l.begin(strings.Repeat("x", i+1), pending{browser: [32]byte{1}})
	}
	if len(l.all) > maxPerBrowser+1 {
		t.Errorf("%d logins kept for one browser", len(l.all)-1)
	}
	if v := s.get(other); v.path != "/" {
		t.Error("another browser's login was pushed out")
	}
	for range maxSessions + 100 {
		s.service.sessions.begin(rand.Text(), &session{})
	}
	if n := len(s.service.sessions.all); n > maxSessions {
		t.Errorf("%d sessions kept", n)
	}
}
