package op

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/grant"
)

// TestAZ6AZ7AZ16AZ18ErrorsByRedirect: every refusal after client and redirect URI are
// known goes back with the right code, state and iss (AZ6 to AZ8, AZ16 to AZ18).
func TestAZ6AZ7AZ16AZ18ErrorsByRedirect(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for name, tt := range map[string]struct {
		q    url.Values
		want string
	}{
		"no response_type":          {ask("web", "response_type", ""), "invalid_request"},
		"implicit":                  {ask("web", "response_type", "token"), "unsupported_response_type"},
		"hybrid":                    {ask("psc", "response_type", "code id_token"), "unsupported_response_type"},
		"fragment":                  {ask("web", "response_mode", "fragment"), "invalid_request"},
		"unknown mode":              {ask("web", "response_mode", "x"), "invalid_request"},
		"request":                   {ask("web", "request", "eyJ"), "request_not_supported"},
		"request_uri":               {ask("web", "request_uri", "https://a/b"), "request_uri_not_supported"},
		"registration":              {ask("web", "registration", "{}"), "registration_not_supported"},
		"no scope":                  {ask("web", "scope", ""), "invalid_scope"},
		"scope without openid":      {ask("web", "scope", "profile"), "invalid_scope"},
		"long nonce":                {ask("web", "nonce", strings.Repeat("n", 385)), "invalid_request"},
		"nonce with line feed":      {ask("web", "nonce", "a\nb"), "invalid_request"},
		"no PKCE":                   {ask("web", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"no PKCE, public":           {ask("app", "code_challenge", "", "code_challenge_method", "", "scope", "openid"), "invalid_request"},
		"no PKCE, psc not excepted": {ask("psc2", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"PKCE plain":                {ask("psc", "code_challenge_method", "plain"), "invalid_request"},
		"PKCE method absent":        {ask("psc", "code_challenge_method", ""), "invalid_request"},
		"PKCE method alone":         {ask("psc", "code_challenge", ""), "invalid_request"},
		"PKCE short":                {ask("web", "code_challenge", "abc"), "invalid_request"},
		"PKCE padded":               {ask("web", "code_challenge", strings.Repeat("A", 42)+"="), "invalid_request"},
		"prompt none and login":     {ask("web", "prompt", "none login"), "invalid_request"},
		"prompt unknown":            {ask("web", "prompt", "create"), "invalid_request"},
		"max_age negative":          {ask("web", "max_age", "-1"), "invalid_request"},
		"max_age text":              {ask("web", "max_age", "soon"), "invalid_request"},
		"forged hint":               {ask("web", "id_token_hint", "a.b.c"), "invalid_request"},
		"huge scope":                {ask("web", "scope", strings.Repeat("s ", 2500)), "invalid_request"},
	} {
		rec := w.authorize(tt.q, cookie)
		if rec.Code != http.StatusSeeOther || !strings.HasPrefix(rec.Header().Get("Location"), redirectOf(tt.q.Get("client_id"))) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Header().Get("Location"))
			continue
		}
		got := w.answered(rec)
		if got.Get("error") != tt.want || got.Get("state") != "a state" || got.Get("iss") != testIssuer || got.Get("code") != "" {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
		if strings.ContainsAny(got.Get("error_description"), "\"\\\r\n\t") {
			t.Errorf("%s: description %q", name, got.Get("error_description"))
		}
	}
	for name, state := range map[string]string{"long": strings.Repeat("s", 2001), "control": "a\x00b", "not UTF-8": "a\xff"} {
		if got := w.answered(w.authorize(ask("web", "state", state), cookie)); got.Get("error") != "invalid_request" || got.Has("state") {
			t.Errorf("%s state: %v", name, got)
		}
	}
	if got := w.answered(w.authorize(ask("web", "state", strings.Repeat("é", 1000)), cookie)); got.Get("code") == "" || got.Get("state") != strings.Repeat("é", 1000) {
		t.Errorf("a state of 2,000 bytes: %v", got)
	}
}

// TestAZ2AZ3AZ4AZ5RedirectURICorpus: anything but the registered string gets our own page,
// on every error branch, and is never redirected to (AZ2 to AZ5).
func TestAZ2AZ3AZ4AZ5RedirectURICorpus(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	uris := []string{
		"", "https://web.example/cb/", "https://web.example/CB", "https://WEB.example/cb", "HTTPS://web.example/cb", "http://web.example/cb",
		"https://web.example:443/cb", "https://web.example/cb?", "https://web.example/cb?a=b", "https://web.example/cb#f", "https://web.example/x/../cb",
		"https://web.example/c%62", "https://web.example//cb", "https://user@web.example/cb", "https://web.example\\@evil.example/cb",
		"https://web.example.evil.example/cb", "https://evil.example/cb", "//web.example/cb", "/cb", "cb", " https://web.example/cb",
		"https://web.example/cb ", "https://web.example/cb\r\nX: y", "https://web.example/cb\x00", "javascript:alert(1)", "data:text/html,x", "https://psc.example/cb",
	}
	for _, uri := range uris {
		for _, extra := range [][]string{{}, {"response_type", "token"}, {"scope", ""}, {"request", "x"}, {"response_mode", "form_post"}, {"prompt", "none"}} {
			rec := w.authorize(ask("web", append([]string{"redirect_uri", uri}, extra...)...), cookie)
			if rec.Code != http.StatusBadRequest || rec.Header().Get("Location") != "" || !strings.Contains(rec.Body.String(), "PF-SV-040") {
				t.Errorf("%q %v: %d %s", uri, extra, rec.Code, rec.Header().Get("Location"))
			}
		}
	}
	for _, id := range []string{"", "nobody", "WEB", "web ", "web\x00"} {
		rec := w.authorize(ask("web", "client_id", id), cookie)
		if rec.Code != http.StatusBadRequest || rec.Header().Get("Location") != "" {
			t.Errorf("client %q: %d %s", id, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestAZ2LoopbackPortMayVary(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	rec := w.authorize(ask("app", "redirect_uri", "http://127.0.0.1:49152/cb", "scope", "openid"), cookie)
	if !strings.HasPrefix(rec.Header().Get("Location"), "http://127.0.0.1:49152/cb?code=") {
		t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

// TestAZ1DuplicateParameters: refused by redirect, but by page when what is
// repeated decides where the answer goes (AZ1).
func TestAZ1DuplicateParameters(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, name := range []string{"state", "scope", "nonce", "response_type", "code_challenge", "prompt", "unknown"} {
		q := ask("web")
		q[name] = []string{"openid", "openid"}
		got := w.answered(w.authorize(q, cookie))
		if got.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		q := ask("web")
		q.Add(name, q.Get(name))
		if rec := w.authorize(q, cookie); rec.Code != 400 || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d", name, rec.Code)
		}
	}
}

func TestAZ1UnknownParametersAreIgnored(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	q := ask("psc", "kc_idp_hint", "hospital", "display", "popup", "claims_locales", "fr", "login_hint", "899700990015",
		"ui_locales", "fr en xx", "acr_values", "nonsense", "claims", "{}", "response_mode", "", "max_age", "99999999999")
	if got := w.answered(w.authorize(q, cookie)); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
}

// TestAZ1AZ19PostBecomesOurOwnGet: a cross-site form brings no cookie; the GET that
// follows does (AZ1, AZ19).
func TestAZ1AZ19PostBecomesOurOwnGet(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	r := httptest.NewRequest(http.MethodPost, "/auth/?acr_values=eidas1", strings.NewReader(ask("psc").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	location := rec.Header().Get("Location")
	if rec.Code != http.StatusSeeOther || !strings.HasPrefix(location, testFront+"?") {
		t.Fatalf("%d %s", rec.Code, location)
	}
	if got := w.answered(w.get(strings.TrimPrefix(location, "http://127.0.0.1:8080"), cookie)); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodHead} {
		rec := httptest.NewRecorder()
		w.e.ServeHTTP(rec, httptest.NewRequest(method, "/auth", nil))
		if rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
}

func TestAZ20PG2FormPost(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	evil := `"><script>alert(1)</script>`
	for _, q := range []url.Values{
		ask("web", "response_mode", "form_post", "state", evil),
		ask("web", "response_mode", "form_post", "state", evil, "scope", "profile"), // errors too (AZ20)
	} {
		rec := w.authorize(q, cookie)
		body := rec.Body.String()
		csp := rec.Header().Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(csp)
		if rec.Code != 200 || rec.Header().Get("Location") != "" || rec.Header().Get("Cache-Control") != "no-store" || nonce == nil {
			t.Fatalf("%d %q %s", rec.Code, csp, body)
		}
		if strings.Contains(body, evil) || !strings.Contains(body, html.EscapeString(testIssuer)) || !strings.Contains(body, `id="continue"`) ||
			!strings.Contains(body, `action="https://web.example/cb"`) || !strings.Contains(body, `nonce="`+nonce[1]+`"`) {
			t.Errorf("%s", body)
		}
		state := regexp.MustCompile(`name="state" value="([^"]*)"`).FindStringSubmatch(body)
		if state == nil || html.UnescapeString(state[1]) != evil {
			t.Errorf("state %v", state)
		}
	}
	rec := w.authorize(ask("app", "redirect_uri", "fr.example.app:/cb", "scope", "openid", "response_mode", "form_post"), cookie)
	if !strings.Contains(rec.Body.String(), `action="fr.example.app:/cb"`) || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "fr.example.app:") {
		t.Errorf("%q %s", rec.Header().Get("Content-Security-Policy"), rec.Body)
	}
}

func TestAZ4RegisteredQueryIsKept(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	rec := w.authorize(ask("psc2"), cookie)
	if !strings.HasPrefix(rec.Header().Get("Location"), "https://psc2.example/cb?x=1&code=") {
		t.Fatal(rec.Header().Get("Location"))
	}
}

func TestAZ9PromptNone(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPS)
	hint := func(sub, typ string) string {
		token, err := w.keys.Sign(jose.RS256, "JWT", []byte(`{"iss":"`+testIssuer+`","sub":"`+sub+`","typ":"`+typ+`","aud":"web","exp":1}`))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, tt := range map[string]struct {
		q      url.Values
		cookie *http.Cookie
		want   string
	}{
		"session":              {ask("web", "prompt", "none"), cookie, ""},
		"no session":           {ask("web", "prompt", "none"), nil, "login_required"},
		"rubbish cookie":       {ask("web", "prompt", "none"), &http.Cookie{Name: "egide-session", Value: "x.y"}, "login_required"},
		"too old":              {ask("web", "prompt", "none", "max_age", "0"), cookie, "login_required"},
		"young enough":         {ask("web", "prompt", "none", "max_age", "60"), cookie, ""},
		"level not reached":    {ask("web", "prompt", "none", "acr_values", "eidas3"), cookie, "interaction_required"},
		"level reached":        {ask("psc", "prompt", "none", "acr_values", "eidas3 eidas2"), cookie, ""},
		"hint of this person":  {ask("web", "prompt", "none", "id_token_hint", hint(s.Auth.Sub, "ID")), cookie, ""},
		"hint of another":      {ask("web", "prompt", "none", "id_token_hint", hint("somebody", "ID")), cookie, "login_required"},
		"access token as hint": {ask("web", "prompt", "none", "id_token_hint", hint(s.Auth.Sub, "Bearer")), cookie, "invalid_request"},
	} {
		var got url.Values
		if tt.cookie == nil {
			got = w.answered(w.authorize(tt.q))
		} else {
			got = w.answered(w.authorize(tt.q, tt.cookie))
		}
		if got.Get("error") != tt.want || (tt.want == "") != (got.Get("code") != "") {
			t.Errorf("%s: %v, want %q", name, got, tt.want)
		}
	}
	w.epochs.raise()
	if got := w.answered(w.authorize(ask("web", "prompt", "none"), cookie)); got.Get("error") != "login_required" {
		t.Errorf("after a raised epoch: %v", got)
	}
}

// pending starts a login and gives its handle and browser cookie.
func (w *world) pending(q url.Values, cookies ...*http.Cookie) (string, *http.Cookie) {
	w.t.Helper()
	rec := w.authorize(q, cookies...)
	handle, ok := strings.CutPrefix(rec.Header().Get("Location"), "http://127.0.0.1:8080/login/")
	if rec.Code != http.StatusSeeOther || !ok {
		w.t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
	for _, c := range rec.Result().Cookies() {
		if c.Name == "egide-browser" {
			return handle, c
		}
	}
	for _, c := range cookies {
		if c.Name == "egide-browser" {
			return handle, c
		}
	}
	w.t.Fatal("no browser cookie")
	return "", nil
}

// finish does what the login pages do when somebody has proven who he is; it
// gives the session cookie that they would set.
func (w *world) finish(handle string, means authn.Means) *http.Cookie {
	w.t.Helper()
	s, cookie := w.login(means)
	if _, err := w.requests.Authenticate(context.Background(), handle, s.Auth, s.SID); err != nil {
		w.t.Fatal(err)
	}
	return cookie
}

func TestAZ12AZ23LoginAndResume(t *testing.T) {
	w := newWorld(t)
	handle, browser := w.pending(ask("web", "response_mode", "query", "max_age", "10"))
	if rec := w.get("/login/"+handle+"/return", browser); rec.Header().Get("Location") != "http://127.0.0.1:8080/login/"+handle {
		t.Fatalf("a pending login: %d %s", rec.Code, rec.Header().Get("Location"))
	}
	live := w.finish(handle, authn.ECPS)
	got := w.answered(w.get("/login/"+handle+"/return", browser))
	if got.Get("state") != "a state" || got.Get("iss") != testIssuer {
		t.Fatalf("%v", got)
	}
	idt := claimsOf(t, w.redeem("web", got.Get("code")).text("id_token"))
	if idt["nonce"] != "n-0S6_WzA2Mj" || idt["auth_time"] == nil {
		t.Errorf("%v", idt)
	}
	// Back button, reload, double submit: the browser that holds the session gets
	// an answer again, with a code of its own, and the first one stays spent (AZ23).
	again := w.answered(w.get("/login/"+handle+"/return", browser, live))
	if again.Get("code") == got.Get("code") || again.Get("state") != "a state" {
		t.Errorf("%v after %v", again, got)
	}
	// The next person at a shared post finds nothing in the history, and neither
	// does anybody after a logout.
	_, other := w.login(authn.ECPS)
	for name, cookies := range map[string][]*http.Cookie{"no session": {browser}, "another session": {browser, other}} {
		if rec := w.get("/login/"+handle+"/return", cookies...); rec.Header().Get("Location") != "" || rec.Code != http.StatusConflict {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Header().Get("Location"))
		}
	}
	// Another browser gets nothing, however finished the login is (AZ22).
	if rec := w.get("/login/" + handle + "/return"); rec.Header().Get("Location") != "" || rec.Code != http.StatusForbidden {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("Location"))
	}
}

func TestAZ21DeniedLogin(t *testing.T) {
	w := newWorld(t)
	handle, browser := w.pending(ask("psc", "response_mode", "form_post"))
	if _, err := w.requests.Deny(context.Background(), handle, "PF-EC-012"); err != nil {
		t.Fatal(err)
	}
	body := w.get("/login/"+handle+"/return", browser).Body.String()
	for _, want := range []string{`value="access_denied"`, "PF-EC-012", `name="state" value="a state"`, `name="iss"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s missing in %s", want, body)
		}
	}
}

// TestD5AZ22ForeignBrowserResume: whoever learns the address of a finished login
// cannot fetch its code (AZ22).
func TestD5AZ22ForeignBrowserResume(t *testing.T) {
	w := newWorld(t)
	handle, browser := w.pending(ask("web"))
	w.finish(handle, authn.ECPS)
	foreign := &http.Cookie{Name: "egide-browser", Value: strings.Repeat("A", 43)}
	for _, rec := range []*httptest.ResponseRecorder{w.get("/login/" + handle + "/return"), w.get("/login/"+handle+"/return", foreign)} {
		if rec.Code != http.StatusForbidden || rec.Header().Get("Location") != "" {
			t.Fatalf("%d %s", rec.Code, rec.Header().Get("Location"))
		}
	}
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("code") == "" {
		t.Fatalf("the rightful browser lost its login: %v", got)
	}
}

// TestAZ14LevelAskedAndNotReached: step-up, and never a lower answer.
func TestAZ14LevelAskedAndNotReached(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	handle, browser := w.pending(ask("psc", "acr_values", "eidas3"), cookie)
	w.finish(handle, authn.ECPS)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "unmet_authentication_requirements" {
		t.Fatalf("%v", got)
	}
	handle, browser = w.pending(ask("psc", "acr_values", "eidas3"), cookie)
	w.finish(handle, authn.Card)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
}

// TestAZ10PromptLoginWantsANewLogin: answering a re-authentication with the old one is refused (AZ10).
func TestAZ10PromptLoginWantsANewLogin(t *testing.T) {
	w := newWorld(t)
	old, cookie := w.login(authn.ECPS)
	w.clock.Advance(time.Minute)
	handle, browser := w.pending(ask("web", "prompt", "login"), cookie)
	if _, err := w.requests.Authenticate(context.Background(), handle, old.Auth, old.SID); err != nil {
		t.Fatal(err)
	}
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "login_required" {
		t.Fatalf("%v", got)
	}
	handle, browser = w.pending(ask("web", "prompt", "select_account"), cookie)
	w.finish(handle, authn.ECPS)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("code") == "" {
		t.Fatalf("%v", got)
	}
}

// TestAZ13HintIsHeldToTheEnd: the login of another person than the hint names gives nothing (AZ13).
func TestAZ13HintIsHeldToTheEnd(t *testing.T) {
	w := newWorld(t)
	hint, err := w.keys.Sign(jose.RS256, "JWT", []byte(`{"iss":"`+testIssuer+`","sub":"somebody","typ":"ID","aud":"web"}`))
	if err != nil {
		t.Fatal(err)
	}
	handle, browser := w.pending(ask("web", "id_token_hint", hint))
	w.finish(handle, authn.ECPS)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "login_required" {
		t.Fatalf("%v", got)
	}
}

func TestClosedHolderGetsNoCode(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	w.people.close(doctor.ID)
	if got := w.answered(w.authorize(ask("web", "prompt", "none"), cookie)); got.Get("error") != "login_required" {
		t.Fatalf("%v", got)
	}
	handle, browser := w.pending(ask("web"))
	w.finish(handle, authn.ECPS)
	if got := w.answered(w.get("/login/"+handle+"/return", browser)); got.Get("error") != "access_denied" {
		t.Fatalf("%v", got)
	}
}

// TestD3HA5NoTraceNoCode and store: what cannot be traced or confirmed is not given (D3, HA5).
func TestD3HA5NoTraceNoCode(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	w.audit.Break(errors.New("disk full"))
	if got := w.answered(w.authorize(ask("psc"), cookie)); got.Get("error") != "temporarily_unavailable" || got.Has("code") {
		t.Fatalf("%v", got)
	}
	w.audit.Break(nil)
	w.kv.set(true)
	if got := w.answered(w.authorize(ask("psc"), cookie)); got.Get("error") != "temporarily_unavailable" || got.Has("code") {
		t.Fatalf("%v", got)
	}
}

func TestAZ23EleventhOpenLoginDropsTheOldest(t *testing.T) {
	w := newWorld(t)
	first, browser := w.pending(ask("web"))
	var last string
	for range 10 {
		last, _ = w.pending(ask("web"), browser)
	}
	if _, err := w.requests.Get(context.Background(), first, browser.Value); err == nil {
		t.Error("the oldest login is still open")
	}
	if r, err := w.requests.Get(context.Background(), last, browser.Value); err != nil || r.Progress != grant.Pending {
		t.Errorf("%v %v", r, err)
	}
}
