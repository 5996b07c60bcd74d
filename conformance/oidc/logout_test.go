package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
)

// listeners are services that hear of logouts, by the path they registered.
type listeners struct {
	*httptest.Server
	mu    sync.Mutex
	heard map[string][]string // logout tokens
	slow  chan struct{}       // while open, /slow does not answer
}

func listen(t *testing.T) *listeners {
	l := &listeners{heard: map[string][]string{}, slow: make(chan struct{})}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.mu.Lock()
		l.heard[r.URL.Path] = append(l.heard[r.URL.Path], r.PostForm.Get("logout_token"))
		l.mu.Unlock()
		if r.URL.Path == "/slow" {
			select {
			case <-l.slow:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listeners) tokens(path string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard[path])
}

// enlist registers a service of the strict profile whose browser part listens at l.
func enlist(t *testing.T, d *harness.Demo, l *listeners, id string, change func(*client.Client)) *party {
	t.Helper()
	c := client.Client{
		ID: id, Name: "Service " + id, Owner: "Essai", Contact: "essai@exemple.invalid", Purpose: "essai", Profile: client.ProfileOIDC,
		AuthMethod: client.AuthBasic, SecretHashes: []string{client.HashSecret("secret")}, RedirectURIs: []string{l.URL + "/cb/" + id},
		PostLogoutRedirectURIs: []string{l.URL + "/bye/" + id}, Scopes: []string{client.ScopeOpenID, client.ScopeProfile},
	}
	change(&c)
	if err := d.Provider.Clients().Add(&c); err != nil {
		t.Fatal(err)
	}
	p := &party{t: t, demo: d, browser: harness.NewBrowser(t, harness.At(c.RedirectURIs[0]))}
	p.ID, p.Secret, p.RedirectURIs, p.PostLogoutRedirectURIs = c.ID, "secret", c.RedirectURIs, c.PostLogoutRedirectURIs
	return p
}

func (p *party) logout(q url.Values) *url.URL {
	p.t.Helper()
	p.browser.StopAt(func(u *url.URL) bool { return strings.HasPrefix(u.String(), p.PostLogoutRedirectURIs[0]) })
	defer p.browser.StopAt(harness.At(p.RedirectURIs[0]))
	p.browser.Get(p.endpoint("/logout") + "?" + q.Encode())
	return p.browser.Arrived
}

// silent asks for a code without a page: whether a session is there.
func (p *party) silent() string {
	p.t.Helper()
	p.browser.Get(p.ask("prompt", "none"))
	if p.browser.Arrived == nil {
		p.t.Fatal("prompt=none showed a page")
	}
	return p.browser.Arrived.Query().Get("error")
}

func TestLogout(t *testing.T) {
	d := harness.Start(t)
	l := listen(t)
	p := enlist(t, d, l, "rp", func(*client.Client) {})
	other := enlist(t, d, l, "rp-other", func(*client.Client) {})
	t.Run("LO1ByGETAndPOST", func(t *testing.T) { byGETAndPOST(t, p) })
	t.Run("LO1LO2LO3Corpus", func(t *testing.T) { logoutCorpus(t, p, other) })
	t.Run("LO2NoParameters", func(t *testing.T) { noParameters(t, p) })
	t.Run("LO2ForgedConfirmation", func(t *testing.T) { forgedConfirmation(t, p) })
	t.Run("LO4NothingIsLeft", func(t *testing.T) { nothingIsLeft(t, p) })
	t.Run("SE1SE2LogoutCookie", func(t *testing.T) { logoutCookie(t, p) })
}

func byGETAndPOST(t *testing.T, p *party) {
	for _, post := range []bool{false, true} {
		for _, state := range []string{"", "état & co"} {
			p.login()
			hint := p.tokens().text("id_token")
			q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {p.PostLogoutRedirectURIs[0]}}
			if state != "" {
				q.Set("state", state)
			}
			var arrived *url.URL
			if post { // a service's own program, without cookies
				r := p.do(http.MethodPost, p.endpoint("/logout"), q.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
				arrived, _ = url.Parse(r.header.Get("Location"))
				if r.status != http.StatusSeeOther {
					t.Errorf("POST: %d", r.status)
				}
			} else {
				arrived = p.logout(q)
			}
			if arrived == nil || arrived.Path != "/bye/"+p.ID || arrived.Query().Get("state") != state || arrived.Query().Has("state") != (state != "") {
				t.Errorf("post %v, state %q: arrived at %v", post, state, arrived)
			}
			if got := p.silent(); got != "login_required" {
				t.Errorf("post %v: still signed in (%q)", post, got)
			}
		}
	}
}

// Whatever is not a good hint with a registered address leads nowhere, and
// logs nobody out without asking.
func logoutCorpus(t *testing.T, p, other *party) {
	p.login()
	tokens := p.tokens()
	hint, access := tokens.text("id_token"), tokens.text("access_token")
	parts := strings.Split(hint, ".")
	home := p.PostLogoutRedirectURIs[0]
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
	page := func(name string, q url.Values, status int, has string) {
		t.Helper()
		if arrived := p.logout(q); arrived != nil || p.browser.Page.Status != status || has != "" && !p.browser.Page.Has(has) {
			t.Errorf("%s: arrived at %v, %d %s", name, arrived, p.browser.Page.Status, p.browser.Page.Code())
		}
		if got := p.silent(); got != "" {
			t.Errorf("%s: the session is gone (%s)", name, got)
		}
	}
	for name, bad := range map[string]string{
		"altered": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])), "unsigned": unsigned, "access token": access, "nonsense": "a.b.c",
		"line break": hint[:20] + "\n" + hint[20:], "foreign": "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IngifQ." + parts[1] + "." + parts[2], "long": strings.Repeat("a", 40_000),
	} {
		page("hint: "+name, url.Values{"id_token_hint": {bad}, "post_logout_redirect_uri": {home}}, http.StatusBadRequest, "")
	}
	for _, uri := range []string{
		p.RedirectURIs[0], other.PostLogoutRedirectURIs[0], "https://evil.example/", home + "/", home + "?a=b", home + "#f", strings.Replace(home, "//", "//u@", 1),
		strings.ToUpper(home), home + "%2e", "javascript:alert(1)", "//evil.example/", " " + home,
	} {
		page("address "+uri, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {uri}}, http.StatusBadRequest, "")
	}
	page("no hint", url.Values{"post_logout_redirect_uri": {home}}, http.StatusBadRequest, "")
	page("client only", url.Values{"client_id": {p.ID}, "post_logout_redirect_uri": {home}}, http.StatusOK, "logout-yes")
	page("unknown client", url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {home}}, http.StatusBadRequest, "")
	page("client that is not the hint's", url.Values{"id_token_hint": {hint}, "client_id": {other.ID}}, http.StatusOK, "logout-yes")
	page("twice", url.Values{"id_token_hint": {hint, hint}}, http.StatusBadRequest, "")
	page("endless state", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {home}, "state": {strings.Repeat("s", 3000)}}, http.StatusBadRequest, "")

	// LO3: a hint of another person's login asks who is here.
	theirs := enlist(t, p.demo, &listeners{Server: &httptest.Server{URL: "http://127.0.0.1:9"}}, "rp-theirs", func(*client.Client) {})
	theirs.browser.StopAt(harness.At(theirs.RedirectURIs[0]))
	theirs.browser.SignIn(theirs.ask(), "899700991021")
	foreign := theirs.token(theirs.redeemForm(theirs.browser.Arrived.Query().Get("code"))).text("id_token")
	page("another person's hint", url.Values{"id_token_hint": {foreign}}, http.StatusOK, "logout-yes")
	if got := theirs.silent(); got != "" {
		t.Errorf("a question ended the other person's session (%s)", got)
	}
}

func noParameters(t *testing.T, p *party) {
	p.login()
	p.logout(nil)
	if !p.browser.Page.Has("logout-yes") || !p.browser.Page.Has("logout-no") {
		t.Fatalf("no question: %s", p.browser.Page.Body)
	}
	p.browser.Submit("logout-no", nil)
	if p.browser.Page.Has("logged-out") || p.silent() != "" {
		t.Error("no is taken for yes")
	}
	p.logout(nil)
	p.browser.Submit("logout-yes", nil)
	if !p.browser.Page.Has("logged-out") || p.silent() != "login_required" {
		t.Errorf("yes: %s", p.browser.Page.Body)
	}
	p.logout(nil)
	if !p.browser.Page.Has("logged-out") {
		t.Error("nobody is signed in, and that is not said")
	}
}

// A form of another site's making logs nobody out.
func forgedConfirmation(t *testing.T, p *party) {
	p.login()
	p.browser.Post(p.endpoint("/logout"), url.Values{"confirm": {"yes"}, "csrf": {"forged"}})
	if p.silent() != "" {
		t.Error("logged out by a forged form (CSRF)")
	}
}

func nothingIsLeft(t *testing.T, p *party) {
	p.login()
	tokens := p.tokens()
	p.logout(url.Values{"id_token_hint": {tokens.text("id_token")}})
	if !p.browser.Page.Has("logged-out") {
		t.Errorf("not told: %s", p.browser.Page.Body)
	}
	if r := p.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text("refresh_token")}}); r.text("error") != "invalid_grant" {
		t.Errorf("refresh: %d %s", r.status, r.body)
	}
	if r := p.do(http.MethodGet, p.endpoint("/userinfo"), "", http.Header{"Authorization": {"Bearer " + tokens.text("access_token")}}); r.status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d", r.status)
	}
	form := url.Values{"token": {tokens.text("access_token")}}
	if r := p.do(http.MethodPost, p.endpoint("/token/introspect"), form.Encode(), p.authorization()); r.body != `{"active":false}` {
		t.Errorf("introspection: %s", r.body)
	}
}

func logoutCookie(t *testing.T, p *party) {
	p.login()
	host, _ := url.Parse(p.demo.Sheet.AuthorizationEndpoint)
	named := func(name string) string {
		for _, c := range p.browser.Cookies(host) {
			if strings.HasSuffix(c.Name, name) {
				return c.Value
			}
		}
		return ""
	}
	sid, _ := payload(t, p.tokens().text("id_token"))["sid"].(string)
	cookie := named("egide-session")
	if sid == "" || cookie == "" || cookie == sid || named("egide-state") == cookie {
		t.Errorf("sid %q, cookie %q", sid, cookie)
	}
	p.logout(nil)
	p.browser.Submit("logout-yes", nil)
	if got := named("egide-session"); got != "" {
		t.Errorf("the cookie stays: %q", got)
	}
	p.login()
	if again, _ := payload(t, p.tokens().text("id_token"))["sid"].(string); again == sid || named("egide-session") == cookie {
		t.Error("a sid or cookie came back")
	}
}

// Services are told before the browser leaves, whoever is slow (BCL 2.5).
func TestLO4LO5LO8ServicesAreTold(t *testing.T) {
	d := harness.Start(t)
	l := listen(t)
	with := func(path string) func(*client.Client) {
		return func(c *client.Client) {
			c.Logout = client.Logout{BackchannelURI: l.URL + path, BackchannelSession: true}
		}
	}
	a, b, slow := enlist(t, d, l, "told-a", with("/a")), enlist(t, d, l, "told-b", with("/b")), enlist(t, d, l, "told-slow", with("/slow"))
	a.login()
	sid, _ := payload(t, a.tokens().text("id_token"))["sid"].(string)
	for _, p := range []*party{b, slow} {
		p.browser.ShareCookies(a.browser)
		p.code()
	}
	began := time.Now()
	arrived := a.logout(url.Values{"id_token_hint": {a.tokens().text("id_token")}, "post_logout_redirect_uri": {a.PostLogoutRedirectURIs[0]}})
	if arrived == nil || time.Since(began) > 4*time.Second {
		t.Errorf("arrived at %v after %v", arrived, time.Since(began))
	}
	for _, path := range []string{"/a", "/b", "/slow"} {
		tokens := l.tokens(path)
		if len(tokens) != 1 {
			t.Fatalf("%s was told %d times when the browser left", path, len(tokens))
		}
		var head map[string]any
		raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(tokens[0], ".")[0])
		if err := json.Unmarshal(raw, &head); err != nil || head["typ"] != "logout+jwt" || head["alg"] != "RS256" {
			t.Errorf("%s: head %s", path, raw)
		}
		claims := payload(t, tokens[0])
		events, _ := claims["events"].(map[string]any)
		if claims["iss"] != d.Sheet.Issuer || claims["sid"] != sid || claims["nonce"] != nil || len(events) != 1 || claims["aud"] != map[string]string{"/a": "told-a", "/b": "told-b", "/slow": "told-slow"}[path] {
			t.Errorf("%s: %v", path, claims)
		}
		// CA4, LO2: a logout token is nobody's hint.
		if r := a.do(http.MethodGet, a.endpoint("/logout")+"?id_token_hint="+url.QueryEscape(tokens[0]), "", nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: the logout token passes for an ID token: %d", path, r.status)
		}
	}
	close(l.slow)
}

// Through the browser: one frame for each service that registered an address,
// and the page may frame these and no others (FCL 2, 3).
func TestLO6FramesOfRegisteredServicesOnly(t *testing.T) {
	d := harness.Start(t)
	l := listen(t)
	front := func(session bool) func(*client.Client) {
		return func(c *client.Client) {
			c.Logout = client.Logout{FrontchannelURI: l.URL + "/front/" + c.ID + "?x=1", FrontchannelSession: session}
		}
	}
	a, b, quiet := enlist(t, d, l, "front-a", front(true)), enlist(t, d, l, "front-b", front(false)), enlist(t, d, l, "front-not", func(*client.Client) {})
	a.login()
	for _, p := range []*party{b, quiet} {
		p.browser.ShareCookies(a.browser)
		p.code()
	}
	hint := a.tokens().text("id_token")
	sid, _ := payload(t, hint)["sid"].(string)
	if arrived := a.logout(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {a.PostLogoutRedirectURIs[0]}, "state": {"s9"}}); arrived != nil {
		t.Fatal("the browser left before the frames")
	}
	body, policy := a.browser.Page.Body, a.browser.Page.Header.Get("Content-Security-Policy")
	if strings.Count(body, "<iframe") != 2 || !strings.Contains(body, "/front/front-a?iss="+url.QueryEscape(d.Sheet.Issuer)+"&amp;sid="+sid+"&amp;x=1") || !strings.Contains(body, "/front/front-b?x=1\"") {
		t.Errorf("frames: %s", body)
	}
	if !strings.Contains(policy, "frame-src "+l.URL+";") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %s", policy)
	}
	next := a.browser.Page.Attr("continue", "href")
	if next != a.PostLogoutRedirectURIs[0]+"?state=s9" || !strings.Contains(body, `http-equiv="refresh" content="3;url=`) {
		t.Errorf("the way on: %q", next)
	}
	if a.silent() != "login_required" {
		t.Error("still signed in")
	}
	for _, bad := range []string{"https://evil.example/front", "http://127.0.0.1:1/front", l.URL + "/x#f", "javascript:alert(1)"} {
		c := client.Client{ID: "bad", Name: "x", Profile: client.ProfileOIDC, SecretHashes: []string{client.HashSecret("s")}, RedirectURIs: []string{l.URL + "/cb"}, Logout: client.Logout{FrontchannelURI: bad}}
		if err := d.Provider.Clients().Add(&c); err == nil {
			t.Errorf("%s was registered", bad)
		}
	}
}

// Every answer lets the service ask our frame; the frame is the one page that
// others may frame, and it tells nothing to who does not know the state.
func TestLO7ME6SessionFrame(t *testing.T) {
	d := harness.Start(t)
	p := newParty(t, d, "demo-oidc")
	p.login()
	p.code()
	spoken := p.browser.Arrived.Query().Get("session_state")
	_, salt, _ := strings.Cut(spoken, ".")
	host, _ := url.Parse(d.Sheet.AuthorizationEndpoint)
	var state string
	for _, c := range p.browser.Cookies(host) {
		if c.Name == "egide-state" {
			state = c.Value
		}
	}
	redirect, _ := url.Parse(p.RedirectURIs[0])
	sum := sha256.Sum256([]byte(p.ID + " " + redirect.Scheme + "://" + redirect.Host + " " + state + " " + salt))
	if want := base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt; state == "" || spoken != want {
		t.Errorf("session_state %q, want %q", spoken, want)
	}
	meta := p.do(http.MethodGet, d.Sheet.Issuer+"/.well-known/openid-configuration", "", nil)
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported", "frontchannel_logout_session_supported"} {
		if meta.json[name] != true {
			t.Errorf("%s is not announced", name)
		}
	}
	frame := p.do(http.MethodGet, meta.text("check_session_iframe"), "", nil)
	if frame.status != http.StatusOK || frame.header.Get("X-Frame-Options") != "" || !strings.Contains(frame.header.Get("Content-Security-Policy"), "frame-ancestors *") ||
		strings.Contains(frame.header.Get("Content-Security-Policy"), "unsafe") || !strings.Contains(frame.body, "/assets/session") {
		t.Errorf("%d %v %s", frame.status, frame.header, frame.body)
	}
	p.logout(nil)
	p.browser.Submit("logout-yes", nil)
	for _, c := range p.browser.Cookies(host) {
		if c.Name == "egide-state" && c.Value == state {
			t.Error("the state did not change with the logout")
		}
	}
}
