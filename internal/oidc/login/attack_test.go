package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/trust/audit"
)

// AZ22: who learns the address of somebody's login sees nothing of it and moves
// nothing, whatever step it is at.
func TestD5AZ22AttackAddressOpenedInAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	victim, p := w.browser(), w.phone(camille)
	path := victim.login()
	number := victim.ask(path, camille)
	for name, thief := range map[string]*browser{"another browser": w.browser(), "no cookie": {w: w, http: w.server.Client(), secret: ""}} {
		for _, address := range []string{path + "/state", path + "/continue"} {
			got := thief.get(address)
			if got.status != http.StatusForbidden {
				t.Errorf("%s: GET %s gives %d", name, address, got.status)
			}
			got.wants(t, `data-code="PF-SV-043"`)
			got.lacks(t, number+"</output>", "DMP de démonstration", camille)
		}
		got := thief.get(path)
		got.lacks(t, number+"</output>", camille)
		if keepsCookies := thief.http.Jar != nil; keepsCookies {
			thief.get(got.location).wants(t, `id="login-ecps"`)
		} else {
			got.wants(t, `data-code="PF-SV-043"`)
		}
		for _, action := range []string{"ecps", "continue", "cancel", "resend", "other", "not-me", "change"} {
			if got := thief.send(path, action, "login", noemie); got.status != http.StatusForbidden {
				t.Errorf("%s: POST %s gives %d", name, action, got.status)
			}
		}
	}
	if r := victim.state(path); r.Progress != grant.Pending || r.Holder.String() != camille {
		t.Errorf("the victim's login moved: %+v", r)
	}
	w.approve(p, number)
	thief := w.browser()
	if got := thief.get(path); strings.HasSuffix(got.location, "/return") || strings.HasPrefix(got.location, path) || thief.cookie("egide-session") != "" {
		t.Errorf("the thief finishes the victim's login: %d", got.status)
	}
	if victim.get(path); victim.state(path).Progress != grant.Authenticated {
		t.Error("the victim cannot finish his own login")
	}
}

// PG3: a form from elsewhere moves nothing and shows the step that is due.
func TestPG3AttackForgedForm(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	other := b.login()
	stranger := w.browser()
	for name, token := range map[string]string{
		"no token": "", "of another login": csrfOf(b, other), "of another browser": csrfOf(stranger, path), "nonsense": "AAAA",
	} {
		for _, action := range []string{"ecps", "cancel", "continue", "resend", "other", "not-me", "change"} {
			got := b.do(http.MethodPost, path+"/"+action, url.Values{"csrf": {token}, "login": {camille}})
			if got.status != http.StatusSeeOther || got.location != path {
				t.Errorf("%s, %s: %d to %q", name, action, got.status, got.location)
			}
		}
	}
	if r := b.state(path); r.Progress != grant.Pending || r.Wallet != "" {
		t.Errorf("a forged form moved the login: %+v", r)
	}
	seen := false
	for _, f := range w.audit.Failures() {
		seen = seen || f.Kind == audit.FailureCSRF
	}
	if !seen {
		t.Error("nobody counted the forgeries")
	}
}

func csrfOf(b *browser, path string) string {
	_, after, _ := strings.Cut(b.get(path).body, `name="csrf" value="`)
	token, _, _ := strings.Cut(after, `"`)
	return token
}

// SE1: a session cookie planted before the login opens nothing after it, and a
// live session of another person ends with the change of user.
func TestSE1AttackSessionFixation(t *testing.T) {
	w := newWorld(t)
	attacker, own := w.browser(), w.phone(noemie)
	attacker.enter(own, noemie)
	planted := attacker.cookie("egide-session")
	victim, p := w.browser(), w.phone(camille)
	victim.setCookie("egide-session", planted)
	path := victim.enter(p, camille)
	if got := victim.cookie("egide-session"); got == planted || got == "" {
		t.Fatalf("the session cookie is still %q", got)
	}
	if s, err := w.sessions.ByCookie(t.Context(), planted); err == nil {
		t.Errorf("the planted cookie still opens a session of %s", s.Auth.Subject)
	}
	if r := victim.state(path); r.Auth.Subject.String() != camille {
		t.Errorf("logged in as %s", r.Auth.Subject)
	}
}

// SE1: step-up keeps the session (other services stay connected) and changes the
// cookie; the old value is dead at once.
func TestAttackOldCookieAfterStepUp(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	first := b.state(b.enter(p, camille))
	old := b.cookie("egide-session")
	w.clock.Advance(time.Minute)
	second := b.state(b.enter(p, camille))
	if second.SID != first.SID || !second.Auth.At.After(first.Auth.At) {
		t.Errorf("sessions %s at %s, then %s at %s", first.SID, first.Auth.At, second.SID, second.Auth.At)
	}
	if _, err := w.sessions.ByCookie(t.Context(), old); err == nil {
		t.Error("the old cookie still opens the session")
	}
	if _, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session")); err != nil {
		t.Error("the new cookie does not open it")
	}
}

func TestSharedPostLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(noemie)
	b.enter(p, noemie) // somebody forgot to leave
	before := b.cookie("egide-session")
	doctor := w.phone(camille)
	path := b.enter(doctor, camille, "shared", "1")
	if got := b.cookie("egide-session"); got != "" {
		t.Errorf("a session cookie stays: %q", got)
	}
	if _, err := w.sessions.ByCookie(t.Context(), before); err == nil {
		t.Error("the session of the person before lives on")
	}
	r := b.state(path)
	if s, err := w.sessions.BySID(t.Context(), r.SID); err != nil || !s.Shared {
		t.Errorf("session %+v, %v", s, err)
	}
	known := b.cookie("egide-known")
	if knows, err := w.wallet.KnowsBrowser(t.Context(), known, r.Auth.Subject); err != nil || knows {
		t.Errorf("the shared post became the holder's browser (%v)", err)
	}
	b.get(path).wants(t, "Poste partagé")
	b.get(b.login()).lacks(t, "Vous êtes")
}

func TestIdentityBarAndChange(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enter(w.phone(camille), camille)
	path := b.login(func(r *grant.Request) { r.Prompt = "login" })
	b.get(path).wants(t, "Vous êtes <strong>Dr\u00a0Camille EXEMPLE</strong>", `id="change"`)
	cookie := b.cookie("egide-session")
	if out := b.press(path, "change"); out.location != path {
		t.Errorf("leads to %q", out.location)
	}
	if _, err := w.sessions.ByCookie(t.Context(), cookie); err == nil || b.cookie("egide-session") != "" {
		t.Error("the session lives on")
	}
	b.get(path).lacks(t, "Vous êtes <strong>")
}

func TestCancelLeavesTheOldSessionIntact(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.enter(w.phone(camille), camille)
	path := b.login(func(r *grant.Request) { r.Prompt = "login" })
	b.press(path, "cancel")
	if _, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session")); err != nil {
		t.Error("cancelling a second login ended the first session (AZ10)")
	}
}

// A newer request of the same browser supersedes the older one, across tabs.
func TestNewerRequestSupersedesTheOlder(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	one, two := b.login(), b.login()
	b.ask(one, camille)
	number := b.ask(two, camille)
	b.get(one).wants(t, `data-code="PF-EC-020"`, `id="login-ecps"`)
	w.approve(p, number) // request(p) wants exactly one on the phone
	b.get(two)
	if b.state(two).Progress != grant.Authenticated || b.state(one).Progress != grant.Pending {
		t.Error("the approval went to the wrong tab")
	}
}

func TestAZ23DoubleSubmitAsksOnce(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	first := b.ask(path, camille)
	wallets := b.state(path).Wallet
	if again := b.ask(path, "8 997 00 99 00 15", "shared", "1"); again != first || b.state(path).Wallet != wallets {
		t.Errorf("the number changed from %s to %s", first, again)
	}
	if !b.state(path).Shared {
		t.Error("the tick of the second form is lost")
	}
	w.request(p)
}

func TestParallelSubmitsLeaveOneRequest(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { b.send(path, "ecps", "login", camille) })
	}
	all.Wait()
	w.approve(p, b.get(path).number(t)) // request(p) wants exactly one, and its number is the page's
	b.get(path)
	if b.state(path).Progress != grant.Authenticated {
		t.Errorf("request is %s", b.state(path).Progress)
	}
}

// Two tabs and a double press at the very end: one session, one trace.
func TestParallelFinishHasOneWinner(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if got := b.get(path); got.status >= http.StatusBadRequest {
				t.Errorf("status %d", got.status)
			}
		})
	}
	all.Wait()
	b.get(path).wants(t, "Bonjour")
	if n := w.countEvents("login.succeeded"); n != 1 {
		t.Errorf("%d logins recorded, want 1", n)
	}
	if _, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session")); err != nil {
		t.Error("the browser holds no session")
	}
}

// A crash between approval and login: the page waits until the taker is sure to
// be dead, then finishes what he began.
func TestConsumedButNotFinishedGoesOn(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	_, err := w.wallet.Consume(t.Context(), b.state(path).Wallet)
	must(t, err)
	b.get(path).wants(t, "Demande approuvée")
	w.clock.Advance(15 * time.Second)
	b.get(path)
	if got := b.state(path); got.Progress != grant.Authenticated {
		t.Errorf("the login is %s", got.Progress)
	}
	if n := w.countEvents("login.succeeded"); n != 1 {
		t.Errorf("%d logins recorded, want 1", n)
	}
}

// Nobody came back in time: the page offers a new try.
func TestConsumedButNotFinishedIsNoDeadEnd(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	_, err := w.wallet.Consume(t.Context(), b.state(path).Wallet)
	must(t, err)
	b.get(path).wants(t, "Demande approuvée", `<button id="continue"`, `id="other"`)
	w.clock.Advance(3 * time.Minute)
	b.get(path).wants(t, `data-code="PF-EC-010"`, `id="login-ecps"`)
	b.ask(path, camille)
}

// PG2: whatever a service or a stranger puts in is text on the page.
func TestPG2AttackMarkupInReflectedValues(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	w := newWorld(t)
	b := w.browser()
	bad := []string{"<script>alert", "<img src=x", `"><script`, "onerror=alert(1)>", `href="javascript:`, `action="javascript:`}
	hint := b.login(func(r *grant.Request) {
		r.ClientID, r.LoginHint, r.UILocales, r.State = "evil", evil, `"><script>alert(1)</script>`, evil
	})
	pages := []page{
		b.get(hint),
		b.get(hint + "?ui_locales=" + url.QueryEscape(evil)),
		b.send(hint, "ecps", "login", evil),
		b.send(hint, "ecps", "login", `javascript:alert(1)`),
		b.get("/login/" + url.PathEscape(evil)),
		b.get("/no/" + url.PathEscape(evil)),
	}
	b.press(hint, "ecps", "login", "3990000119/RH0007")
	pages = append(pages, b.get(hint))
	for i, p := range pages {
		for _, s := range bad {
			if strings.Contains(p.body, s) {
				t.Errorf("page %d holds %q", i, s)
			}
		}
	}
}

func TestAttackHandleOfAnyShape(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for _, handle := range []string{"x", strings.Repeat("a", 43), strings.Repeat("a", 3000), "..%2f..%2fetc", "%00", "%FF%FE", "a:b"} {
		got := b.get("/login/" + handle)
		if got.status != http.StatusNotFound {
			t.Errorf("%.20q: %d", handle, got.status)
		}
		got.wants(t, "data-code=")
	}
}

// A form of any size and shape gets a clear answer, never a 500.
func TestAttackMalformedForms(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	for _, typed := range []string{"", " ", "\x00\x01", strings.Repeat("8", 5000), "８９９７００９９００１５", "8997009900\u202e15", "\xff\xfe", "'; DROP TABLE subjects; --", "8997009900é5", "../../etc"} {
		got := b.send(path, "ecps", "login", typed)
		if got.status != http.StatusBadRequest && got.status != http.StatusSeeOther {
			t.Errorf("%.20q: %d", typed, got.status)
		}
	}
	if got := b.send(path, "ecps", "login", strings.Repeat("8", 100_000)); got.status != http.StatusSeeOther && got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form: %d", got.status)
	}
	if b.state(path).Progress != grant.Pending {
		t.Error("the login moved")
	}
}

func TestScriptFollowsByLongPoll(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	if got := b.get(path + "/state"); !strings.Contains(got.body, `"state":"moved"`) {
		t.Errorf("without a request: %s", got.body)
	}
	number := b.ask(path, camille)
	answer := make(chan string)
	go func() { answer <- b.get(path + "/state?state=open&delivery=").body }()
	w.approve(p, number)
	if got := <-answer; !strings.Contains(got, `"state":"`+string(wallet.Approved)+`"`) {
		t.Errorf("the poll answers %s", got)
	}
}
