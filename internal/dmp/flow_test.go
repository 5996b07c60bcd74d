package dmp

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), // idle connections of the tests' browsers
	)
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestLoginAndConsult(t *testing.T) {
	s := newStage(t)
	home := s.get("/")
	if attr(home.body, "login-egide", "href") != "/login" {
		t.Fatal("no way to log in on the first page")
	}
	back := s.login("/login")
	if back.status != http.StatusOK || back.path != "/" || !strings.Contains(back.body, "CAMILLE EXEMPLE") {
		t.Fatalf("after login: %d %s", back.status, back.path)
	}
	q := s.op.asked
	for name, want := range map[string]string{
		"response_type": "code", "client_id": testClient, "redirect_uri": s.base + "/callback", "scope": "openid scope_all",
		"acr_values": "eidas1", "code_challenge_method": "S256", "ui_locales": "fr",
	} {
		if q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) != 43 {
			t.Errorf("%s = %q, want 256 bits", name, q.Get(name))
		}
	}
	v := s.get(attr(back.body, "consult", "href"))
	v.expect(t, "granted", "")
	if v.status != http.StatusOK || !strings.Contains(v.body, "Ambre INVENTION") {
		t.Errorf("granted, but no record: %d", v.status)
	}
	if len(s.op.faults) > 0 {
		t.Error(s.op.faults)
	}
	if strings.Contains(s.log.String(), "899700990015") || strings.Contains(s.log.String(), "EXEMPLE") {
		t.Error("the log names the person")
	}
}

func TestDeepLinkComesBack(t *testing.T) {
	s := newStage(t)
	v := s.login("/patient/fictif-2")
	if v.path != "/patient/fictif-2" {
		t.Errorf("came back at %s", v.path)
	}
	v.expect(t, "granted", "")
}

func TestDecisionsOnPages(t *testing.T) {
	tests := []struct {
		name, record string
		id           string
		job          []job
		acr          string
		amr          []string
		decision     string
		code         string
	}{
		{"coordinator", "fictif-1", "899700991039", []job{coordinator}, "", nil, "granted", ""},
		{"educator", "fictif-1", "899700991021", []job{educator}, "", nil, "refused", "PF-DR-030"},
		{"e-CPE", "fictif-1", "3990000119/RH0007", []job{coordinator}, "", nil, "refused", "PF-DR-030"},
		{"carer in the team", "fictif-1", "899700990023", []job{carer}, "", nil, "granted", ""},
		{"carer outside", "fictif-2", "899700990023", []job{carer}, "", nil, "refused", "PF-DR-033"},
		{"no situation", "fictif-1", "899700990023", nil, "", nil, "refused", "PF-DR-034"},
		{"no person", "fictif-1", "", []job{doctor}, "", nil, "refused", "PF-DR-031"},
		{"offline code", "fictif-1", "899700990015", []job{doctor}, "offline-otp", []string{"otp", "pin"}, "refused", "PF-DR-032"},
		{"no factors", "fictif-1", "899700990015", []job{doctor}, "eidas1", []string{}, "refused", "PF-DR-032"},
		{"card", "fictif-1", "899700990015", []job{doctor}, "eidas3", []string{"hwk", "sc", "pin", "mfa"}, "granted", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.op.user = person(tt.id, tt.job...)
			if tt.acr != "" {
				s.op.acr, s.op.amr = tt.acr, tt.amr
			}
			v := s.login("/patient/" + tt.record)
			v.expect(t, tt.decision, tt.code)
			if tt.decision == "refused" {
				if v.status != http.StatusForbidden || strings.Contains(v.body, "Texte d'exemple") || strings.Contains(v.body, `id="record"`) {
					t.Errorf("a refusal with status %d that may show the record", v.status)
				}
				if attr(v.body, "dmp-decision", "data-rule") == "" || !strings.Contains(v.body, `id="who-can-mend"`) || !strings.Contains(v.body, `id="missing"`) {
					t.Error("a refusal that does not teach")
				}
			}
		})
	}
}

// A login that is too old is made anew: max_age goes to the provider, whose
// newer auth_time then opens the record (RFC 9470, section 4).
func TestStepUpForARecentLogin(t *testing.T) {
	s := newStage(t)
	s.op.authTime -= 5 * 3600
	v := s.login("/patient/fictif-1")
	v.expect(t, "refused", "PF-DR-035")
	again := attr(v.body, "step-up", "href")
	if again != "/login?next=%2Fpatient%2Ffictif-1&amp;step_up=recency" && again != "/login?next=%2Fpatient%2Ffictif-1&step_up=recency" {
		t.Fatalf("the way to step up is %q", again)
	}
	s.op.set(func() { s.op.authTime = s.clock.Now().Unix() })
	s.login("/login?next=%2Fpatient%2Ffictif-1&step_up=recency").expect(t, "granted", "")
	if q := s.op.asked; q.Get("max_age") != "14400" || q.Has("prompt") {
		t.Errorf("asked %v", q)
	}
}

func TestChooser(t *testing.T) {
	s := newStage(t)
	s.op.user = person("899700991021", educator, coordinator)
	v := s.login("/patient/fictif-2")
	if !strings.HasPrefix(v.path, "/situation") {
		t.Fatalf("two situations, yet sent to %s", v.path)
	}
	form := url.Values{"csrf": {hidden(v.body, "csrf")}, "next": {hidden(v.body, "next")}}
	if bad := s.post("/situation", form); bad.status != http.StatusBadRequest || !strings.Contains(bad.body, `id="situation-error"`) {
		t.Errorf("nothing chosen: %d", bad.status)
	}
	form.Set("situation", attr(v.body, "situation-0", "value"))
	refused := s.post("/situation", form)
	if refused.path != "/patient/fictif-2" {
		t.Fatalf("after the choice at %s", refused.path)
	}
	refused.expect(t, "refused", "PF-DR-030")

	form.Set("situation", attr(v.body, "situation-1", "value"))
	s.post("/situation", form).expect(t, "granted", "")
}

// TestChosenSituationNotOurs: a form that names a situation of somebody else,
// or spells out one, chooses nothing.
func TestChosenSituationNotOurs(t *testing.T) {
	s := newStage(t)
	s.op.user = person("899700991021", educator, educator2())
	v := s.login("/situation")
	other := situation{Profession: "10", Category: "C", Activity: "GENR01", StructureID: "R990001", Structure: "STRUCTURE R990001"}
	form := url.Values{"csrf": {hidden(v.body, "csrf")}, "situation": {other.key()}}
	if got := s.post("/situation", form); got.status != http.StatusBadRequest {
		t.Errorf("status %d", got.status)
	}
	if got := s.get("/patient/fictif-1"); !strings.HasPrefix(got.path, "/situation") {
		t.Errorf("went on to %s", got.path)
	}
}

func educator2() job {
	e := educator
	e.structure = "F990000119"
	return e
}

func TestStepUp(t *testing.T) {
	s := newStage(t)
	s.op.acr, s.op.amr = "offline-otp", []string{"otp", "pin"}
	v := s.login("/patient/fictif-1")
	v.expect(t, "refused", "PF-DR-032")
	link := attr(v.body, "step-up", "href")

	s.op.set(func() { s.op.acr, s.op.amr = "eidas1", []string{"swk", "pin", "mfa"} })
	v = s.login(link)
	if s.op.asked.Get("acr_values") != "eidas1" || s.op.asked.Get("prompt") != "" {
		t.Errorf("asked %v", s.op.asked)
	}
	v.expect(t, "granted", "")
}

// TestStepUpOfFactors: the level was reached, so only a new act of the holder helps.
func TestStepUpOfFactors(t *testing.T) {
	s := newStage(t)
	s.op.amr = []string{"pwd"}
	link := attr(s.login("/patient/fictif-1").body, "step-up", "href")
	s.login(link).expect(t, "refused", "PF-DR-032") // and no loop by itself
	if s.op.asked.Get("prompt") != "login" {
		t.Errorf("asked %v", s.op.asked)
	}
}

func TestLogout(t *testing.T) {
	s := newStage(t)
	home := s.login("/login")
	idToken := s.service.sessions.only(t).idToken
	v := s.post("/logout", url.Values{"csrf": {hidden(home.body, "csrf")}})
	if v.status != http.StatusSeeOther || !strings.HasPrefix(v.location, s.op.issuer+"/logout?") {
		t.Fatalf("%d %s", v.status, v.location)
	}
	u, _ := url.Parse(v.location)
	q := u.Query()
	if q.Get("id_token_hint") != idToken || q.Get("post_logout_redirect_uri") != s.base+"/" || q.Get("state") == "" {
		t.Errorf("asked %v", q)
	}
	if got := s.get("/?state=" + q.Get("state")); !strings.Contains(got.body, `id="logged-out"`) {
		t.Error("the way back says nothing")
	}
	if got := s.get("/?state=" + q.Get("state")); strings.Contains(got.body, `id="logged-out"`) {
		t.Error("a reload says it again")
	}
	if got := s.get("/patient/fictif-1"); got.status != http.StatusSeeOther {
		t.Errorf("still in: %d", got.status)
	}
}

// only gives the one session there is.
func (s *sessions) only(t *testing.T) *session {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) != 1 {
		t.Fatalf("%d sessions", len(s.all))
	}
	for _, one := range s.all {
		return one
	}
	return nil
}
