package op

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/trust/audit"
)

// raw calls the token endpoint exactly as told.
func (w *world) raw(method, target, contentType, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.e.ServeHTTP(rec, r)
	return rec
}

const formType = "application/x-www-form-urlencoded"

// TestTK3TK12TokenEndpointBadInput: never a 500, never a stack, always a registered code (TK3, TK12).
func TestTK3TK12TokenEndpointBadInput(t *testing.T) {
	w := newWorld(t)
	auth := "client_id=jwt&client_secret=" + testSecret
	for name, tt := range map[string]struct {
		contentType, body string
		status            int
		code              string
	}{
		"empty":               {formType, "", 401, "invalid_client"},
		"JSON":                {"application/json", `{"grant_type":"authorization_code"}`, 400, "invalid_request"},
		"no content type":     {"", auth, 400, "invalid_request"},
		"multipart":           {"multipart/form-data; boundary=x", "--x--", 400, "invalid_request"},
		"bad encoding":        {formType, auth + "&code=%zz", 400, "invalid_request"},
		"no grant_type":       {formType, auth, 400, "invalid_request"},
		"password":            {formType, auth + "&grant_type=password&username=a&password=b", 400, "unsupported_grant_type"},
		"reflected grant":     {formType, auth + "&grant_type=%22%0d%0aX%3a%20y%c3%a9", 400, "unsupported_grant_type"},
		"implicit":            {formType, auth + "&grant_type=implicit", 400, "unsupported_grant_type"},
		"jwt bearer":          {formType, auth + "&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c", 400, "unsupported_grant_type"},
		"token exchange":      {formType, auth + "&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange", 400, "unsupported_grant_type"},
		"grant not allowed":   {formType, auth + "&grant_type=client_credentials", 400, "unauthorized_client"},
		"no code":             {formType, auth + "&grant_type=authorization_code&redirect_uri=x", 400, "invalid_request"},
		"no redirect_uri":     {formType, auth + "&grant_type=authorization_code&code=x", 400, "invalid_request"},
		"unknown code":        {formType, auth + "&grant_type=authorization_code&redirect_uri=x&code=" + strings.Repeat("A", 43), 400, "invalid_grant"},
		"rubbish code":        {formType, auth + "&grant_type=authorization_code&redirect_uri=x&code=%00%ff'%3B--", 400, "invalid_grant"},
		"huge code":           {formType, auth + "&grant_type=authorization_code&redirect_uri=x&code=" + strings.Repeat("A", 60000), 400, "invalid_grant"},
		"huge body":           {formType, auth + "&x=" + strings.Repeat("A", 70000), 413, "invalid_request"},
		"no refresh_token":    {formType, auth + "&grant_type=refresh_token", 400, "invalid_request"},
		"rubbish refresh":     {formType, auth + "&grant_type=refresh_token&refresh_token=a.b.c", 400, "invalid_grant"},
		"unsigned refresh":    {formType, auth + "&grant_type=refresh_token&refresh_token=eyJhbGciOiJub25lIn0.e30.", 400, "invalid_grant"},
		"repeated grant_type": {formType, auth + "&grant_type=refresh_token&grant_type=refresh_token", 400, "invalid_request"},
		"repeated secret":     {formType, auth + "&client_secret=x&grant_type=refresh_token", 400, "invalid_request"},
		"assertion":           {formType, "client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&grant_type=refresh_token", 401, "invalid_client"},
		"method not its own":  {formType, "client_id=web&client_secret=" + testSecret + "&grant_type=refresh_token", 401, "invalid_client"},
		"secret for public":   {formType, "client_id=app&client_secret=x&grant_type=refresh_token&refresh_token=x", 401, "invalid_client"},
		"no secret":           {formType, "client_id=psc&grant_type=refresh_token&refresh_token=x", 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, w.raw(http.MethodPost, base+"token", tt.contentType, tt.body), tt.status, tt.code)
		})
	}
}

// TestTK3SecretInTheQuery: GET is refused, and on POST nothing in the URL counts.
func TestTK3SecretInTheQuery(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	form := codeForm("jwt", w.code("jwt", cookie, "scope", "openid"))
	form.Set("client_id", "jwt")
	form.Set("client_secret", testSecret)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead} {
		rec := w.raw(method, base+"token?"+form.Encode(), "", "")
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
	rec := w.raw(http.MethodPost, base+"token?"+form.Encode(), formType, "")
	wantError(t, rec, 401, "invalid_client")
	if rec := w.post("token", "jwt", form); rec.Code != http.StatusOK {
		t.Fatalf("the code must still be good: %d %s", rec.Code, rec.Body)
	}
}

// TestCA1DoubleCredentials: psc may send both, and then both must hold; oidc may not (oidc-requirements 13, CA1).
func TestCA1DoubleCredentials(t *testing.T) {
	w := newWorld(t)
	basic := func(id, secret string) string {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth(id, secret)
		return r.Header.Get("Authorization")
	}
	body := func(id, secret string) string {
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}.Encode()
	}
	for name, tt := range map[string]struct {
		header, body string
		status       int
	}{
		"psc both right":      {basic("psc", testSecret), body("psc", testSecret), 200},
		"psc basic":           {basic("psc", testSecret), "grant_type=client_credentials", 200},
		"psc post":            {"", body("psc", testSecret), 200},
		"psc basic wrong":     {basic("psc", "wrong"), body("psc", testSecret), 401},
		"psc body wrong":      {basic("psc", testSecret), body("psc", "wrong"), 401},
		"psc two clients":     {basic("psc", testSecret), body("psc2", testSecret), 400},
		"oidc both":           {basic("web", testSecret), body("web", testSecret), 400},
		"oidc other client":   {basic("web", testSecret), "grant_type=client_credentials&client_id=psc", 400},
		"not basic":           {"Bearer abc", body("psc", testSecret), 401},
		"basic not decodable": {"Basic !!!", body("psc", testSecret), 401},
	} {
		rec := w.raw(http.MethodPost, base+"token", formType, tt.body, "Authorization", tt.header)
		if rec.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", name, rec.Code, rec.Body, tt.status)
		}
		if tt.status == 401 && strings.HasPrefix(tt.header, "Basic") && tt.header != "Basic !!!" && !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: no challenge", name)
		}
	}
}

// TestAZ17PKCEDowngrade: a stored challenge is always checked, an absent one never
// forgotten, and a failed try ends the code (RFC 9700 4.8.2).
func TestAZ17PKCEDowngrade(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for name, tt := range map[string]struct {
		id, challenge, verifier string
	}{
		"verifier left out":              {"psc", challengeOf(verifier), ""},
		"verifier left out, public":      {"app", challengeOf(verifier), ""},
		"another verifier":               {"web", challengeOf(verifier), strings.Repeat("b", 50)},
		"challenge as verifier":          {"web", challengeOf(verifier), challengeOf(verifier)},
		"short verifier":                 {"web", challengeOf("short"), "short"},
		"verifier with a space":          {"web", challengeOf(strings.Repeat("a ", 30)), strings.Repeat("a ", 30)},
		"verifier without any challenge": {"psc", "", verifier},
	} {
		q := []string{"scope", "openid", "code_challenge", tt.challenge}
		if tt.challenge == "" {
			q = append(q, "code_challenge_method", "")
		}
		code := w.code(tt.id, cookie, q...)
		form := codeForm(tt.id, code)
		form.Set("code_verifier", tt.verifier)
		rec := w.post("token", tt.id, form)
		if rec.Code != 400 || decode(t, rec).text("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			continue
		}
		wantError(t, w.post("token", tt.id, codeForm(tt.id, code)), 400, "invalid_grant") // burned
	}
}

// TestTK1TK4CodeInjectionByAnotherClient: a stolen code is worth nothing to another service.
func TestTK1TK4CodeInjectionByAnotherClient(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	code := w.code("psc", cookie)
	form := codeForm("psc", code)
	wantError(t, w.post("token", "psc2", form), 400, "invalid_grant")
	form = codeForm("web", w.code("web", cookie))
	form.Set("redirect_uri", "https://web.example/other")
	wantError(t, w.post("token", "web", form), 400, "invalid_grant")
}

// TestTK2CodeReplayRevokes: the second use fails and ends what the first one got (TK2).
func TestTK2CodeReplayRevokes(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	code := w.code("psc", cookie)
	got := w.redeem("psc", code)
	wantError(t, w.post("token", "psc", codeForm("psc", code)), 400, "invalid_grant")
	if rec := w.userinfo(got.text("access_token")); rec.Code != 401 {
		t.Errorf("access token lives: %d", rec.Code)
	}
	wantError(t, w.refresh("psc", got.text("refresh_token")), 400, "invalid_grant")
	if info := decode(t, w.post("token/introspect", "psc", url.Values{"token": {got.text("access_token")}})); len(info) != 1 || info["active"] != false {
		t.Errorf("%v", info)
	}
	found := false
	for _, e := range w.audit.Events() {
		if r, ok := e.(audit.FamilyRevoked); ok && r.Reason == "code_replay" && r.Client == "psc" {
			found = true
		}
	}
	if !found {
		t.Error("the replay left no trace")
	}
}

func TestTK1CodeExpires(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	code := w.code("web", cookie)
	w.clock.Advance(61 * time.Second)
	wantError(t, w.post("token", "web", codeForm("web", code)), 400, "invalid_grant")
}

// parallel runs the same call many times at once and gives the answers.
func parallel(n int, call func() *httptest.ResponseRecorder) []*httptest.ResponseRecorder {
	answers := make([]*httptest.ResponseRecorder, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			answers[i] = call()
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return answers
}

// TestTK2HA9HundredParallelRedemptions: exactly one winner, and its family is revoked (TK2, HA9).
func TestTK2HA9HundredParallelRedemptions(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	code := w.code("web", cookie)
	won := 0
	for _, rec := range parallel(100, func() *httptest.ResponseRecorder { return w.post("token", "web", codeForm("web", code)) }) {
		switch rec.Code {
		case 200:
			won++
			if got := w.userinfo(decode(t, rec).text("access_token")); got.Code != 401 {
				t.Errorf("tokens of a replayed code live: %d", got.Code)
			}
		case 400:
		default:
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
	if won != 1 {
		t.Errorf("%d winners", won)
	}
}

// TestTK8HA9HundredParallelRefreshes: oidc has one successor and the replays kill the
// family; psc repeats the same successor within its grace.
func TestTK8HA9HundredParallelRefreshes(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	for _, id := range []string{"web", "psc"} {
		token := w.redeem(id, w.code(id, cookie)).text("refresh_token")
		successors := map[string]int{}
		for _, rec := range parallel(100, func() *httptest.ResponseRecorder { return w.refresh(id, token) }) {
			switch rec.Code {
			case 200:
				successors[decode(t, rec).text("refresh_token")]++
			case 400:
			default:
				t.Errorf("%s: %d %s", id, rec.Code, rec.Body)
			}
		}
		if len(successors) != 1 {
			t.Errorf("%s: %d different successors", id, len(successors))
		}
		for next, times := range successors {
			if id == "web" && times != 1 || id == "psc" && times != 100 {
				t.Errorf("%s: %d answers", id, times)
			}
			alive := w.refresh(id, next).Code == 200
			if alive != (id == "psc") {
				t.Errorf("%s: successor good: %v", id, alive)
			}
		}
	}
}

// TestTK8RefreshReplayKillsTheFamily: in psc too, once the successor was used.
func TestTK8RefreshReplayKillsTheFamily(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	first := w.redeem("psc", w.code("psc", cookie)).text("refresh_token")
	second := decode(t, w.refresh("psc", first))
	if again := decode(t, w.refresh("psc", first)); again["refresh_token"] != second["refresh_token"] {
		t.Fatal("a lost answer was not repeated within the grace")
	}
	third := decode(t, w.refresh("psc", second.text("refresh_token")))
	wantError(t, w.refresh("psc", first), 400, "invalid_grant")
	wantError(t, w.refresh("psc", third.text("refresh_token")), 400, "invalid_grant")
	if rec := w.userinfo(third.text("access_token")); rec.Code != 401 {
		t.Errorf("%d", rec.Code)
	}
}

// TestTK8RefreshByAnotherClient neither rotates nor revokes.
func TestTK8RefreshByAnotherClient(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("psc", w.code("psc", cookie)).text("refresh_token")
	wantError(t, w.refresh("psc2", token), 400, "invalid_grant")
	if rec := w.refresh("psc", token); rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
}

// TestTK8ScopeOnlyShrinks: TK8.
func TestTK8ScopeOnlyShrinks(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	token := w.redeem("web", w.code("web", cookie, "scope", "openid profile")).text("refresh_token")
	grow := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "scope": {"openid scope_all"}}
	wantError(t, w.post("token", "web", grow), 400, "invalid_scope")
	shrink := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "scope": {"openid"}}
	got := decode(t, w.post("token", "web", shrink))
	if got["scope"] != "openid" {
		t.Fatalf("%v", got)
	}
	if got = decode(t, w.refresh("web", got.text("refresh_token"))); got["scope"] != "openid profile" {
		t.Errorf("the family was narrowed: %v", got)
	}
	p := w.redeem("psc", w.code("psc", cookie)).text("refresh_token")
	odd := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p}, "scope": {"something else"}}
	if rec := w.post("token", "psc", odd); rec.Code != 200 || decode(t, rec)["scope"] != "openid scope_all" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestD6PolicyAgainAtRedemptionAndRefresh: D6.
func TestD6PolicyAgainAtRedemptionAndRefresh(t *testing.T) {
	for name, end := range map[string]func(*world){
		"session ended": func(w *world) { w.endAll() },
		"holder closed": func(w *world) { w.people.close(doctor.ID) },
		"epoch raised":  func(w *world) { w.epochs.raise() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, cookie := w.login(authn.ECPS)
			got := w.redeem("psc", w.code("psc", cookie))
			code := w.code("psc", cookie)
			end(w)
			wantError(t, w.post("token", "psc", codeForm("psc", code)), 400, "invalid_grant")
			wantError(t, w.refresh("psc", got.text("refresh_token")), 400, "invalid_grant")
			rec := w.userinfo(got.text("access_token"))
			wantError(t, rec, 401, "invalid_token")
			if !strings.Contains(rec.Header().Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Error(rec.Header().Get("WWW-Authenticate"))
			}
			for _, token := range []string{"access_token", "refresh_token"} {
				if rec := w.post("token/introspect", "psc", url.Values{"token": {got.text(token)}}); rec.Body.String() != inactive {
					t.Errorf("%s: %s", token, rec.Body)
				}
			}
		})
	}
}

// TestD3HA5NoTraceNoToken: fails closed when the trace cannot be written (HA5).
func TestD3HA5NoTraceNoToken(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("psc", w.code("psc", cookie))
	code := w.code("psc", cookie)
	w.audit.Break(errors.New("disk full"))
	for _, rec := range []*httptest.ResponseRecorder{
		w.post("token", "psc", codeForm("psc", code)), w.refresh("psc", got.text("refresh_token")),
		w.post("token", "psc", url.Values{"grant_type": {"client_credentials"}}),
	} {
		wantError(t, rec, 503, "temporarily_unavailable")
		if rec.Header().Get("Retry-After") == "" || strings.Contains(rec.Body.String(), "access_token") || strings.Contains(rec.Body.String(), "disk") {
			t.Errorf("%v %s", rec.Header(), rec.Body)
		}
	}
}

// TestD3StoreGone: D3, at each endpoint that needs the store.
func TestD3StoreGone(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	got := w.redeem("psc", w.code("psc", cookie))
	code := w.code("psc", cookie)
	w.kv.set(true)
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"code":       w.post("token", "psc", codeForm("psc", code)),
		"refresh":    w.refresh("psc", got.text("refresh_token")),
		"service":    w.post("token", "psc", url.Values{"grant_type": {"client_credentials"}}),
		"userinfo":   w.userinfo(got.text("access_token")),
		"introspect": w.post("token/introspect", "psc", url.Values{"token": {got.text("access_token")}}),
		"revoke":     w.post("revoke", "psc", url.Values{"token": {got.text("access_token")}}),
	} {
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", name, rec.Code, rec.Header())
		}
	}
	for _, path := range []string{base + "certs", "/auth/realms/esante-wallet/.well-known/openid-configuration"} {
		if rec := w.get(path); rec.Code != 200 { // HA4
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}
