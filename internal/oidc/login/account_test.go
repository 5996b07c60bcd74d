package login_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// signedIn opens a session of Camille in the browser.
func (b *browser) signedIn() session.Session {
	b.w.t.Helper()
	s, cookie, err := b.w.sessions.Begin(b.w.t.Context(), authn.Authentication{
		Subject: id(camille), Sub: "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11", Means: authn.ECPS, At: b.w.clock.Now(), Epoch: 1,
	}, false)
	must(b.w.t, err)
	b.setCookie("egide-session", cookie)
	return s
}

// chooses is a request of select_account that the session would answer.
func chooses(s session.Session) func(*grant.Request) {
	return func(r *grant.Request) { r.Account = s.SID }
}

func TestAZ11SelectAccountGoesOnAsThePersonWhoIsThere(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	s := b.signedIn()
	path := b.login(chooses(s))
	b.get(path).wants(t, `id="same"`, `id="another"`, `id="cancel"`, "Camille", "EXEMPLE", "8997\u00a00099\u00a00015")
	if got := b.press(path, "same"); got.location != path+"/return" {
		t.Fatalf("%s", got.location)
	}
	if r := b.state(path); r.Progress != grant.Authenticated || r.SID != s.SID || !r.Auth.At.Equal(s.Auth.At) {
		t.Errorf("%+v", r)
	}
}

func TestAZ10AZ11SelectAccountChangesThePersonAndKeepsTheSessionUntilThen(t *testing.T) {
	w := newWorld(t)
	phone := w.phone(noemie)
	b := w.browser()
	s := b.signedIn()
	path := b.login(chooses(s))
	if got := b.press(path, "another"); got.location != path {
		t.Fatalf("%s", got.location)
	}
	b.get(path).wants(t, `id="login-ecps"`)
	if _, err := w.sessions.BySID(t.Context(), s.SID); err != nil || len(w.ended) > 0 {
		t.Fatalf("the session ended before anybody logged in: %v", err)
	}
	if r := b.state(path); !r.Reauth || r.Account != "" {
		t.Errorf("the old session would still answer: %+v", r)
	}
	w.approve(phone, b.ask(path, noemie))
	b.get(path)
	if r := b.state(path); r.Progress != grant.Authenticated || r.Auth.Subject != id(noemie) {
		t.Fatalf("%+v", r)
	}
	if !slices.Contains(w.ended, s.SID+" replaced") {
		t.Errorf("two sessions in one browser: %v", w.ended)
	}
}

// The page must not let a session answer that is not the one the OP found good:
// another tab may have logged somebody else in.
func TestAZ11SelectAccountWithAnotherSessionThanTheOneFoundGood(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	first := b.signedIn()
	path := b.login(chooses(first))
	b.signedIn() // another one
	for _, action := range []string{"same", "same"} {
		b.press(path, action)
	}
	if r := b.state(path); r.Progress != grant.Pending || r.Account != "" || !r.Reauth {
		t.Errorf("%+v", r)
	}
	b.get(path).wants(t, `id="login-ecps"`)
	forged := b.login() // never asked to choose
	b.press(forged, "same")
	if r := b.state(forged); r.Progress != grant.Pending {
		t.Errorf("a session answered a request that wants a login: %+v", r)
	}
}

func TestAZ11AZ21ConsentIsAskedRecordedAndNotAskedAgain(t *testing.T) {
	w := newWorld(t)
	phone := w.phone(camille)
	b := w.browser()
	path := b.login(agenda)
	w.approve(phone, b.ask(path, camille))
	b.get(path) // finishes
	page := b.get(path)
	page.wants(t, `id="accept"`, `id="decline"`, `id="not-me"`, "Agenda inventé", "Éditions Inventées", "essais", "votre identifiant national", "vos nom et prénom")
	if strings.Contains(page.body, "situations d") || strings.Contains(page.body, "confirmation.js") || strings.Contains(page.body, "<script") {
		t.Errorf("the page says or does more than it should:\n%s", page.body)
	}
	b.lang = "en"
	b.get(path).wants(t, "Accept</button>", "Refuse</button>", "your national identifier")
	if got := b.press(path, "accept"); got.location != path+"/return" {
		t.Fatalf("%s", got.location)
	}
	if r := b.state(path); !r.Consented || r.Progress != grant.Authenticated {
		t.Errorf("%+v", r)
	}
	var told []string
	for _, e := range w.audit.Events() {
		if x, ok := e.(audit.ConsentGiven); ok {
			told = append(told, x.Subject+" "+x.Client+" "+x.Purpose+": "+x.Claims)
		}
	}
	if !slices.Equal(told, []string{camille + " agenda essais: family_name given_name name preferred_username sub"}) {
		t.Errorf("%q", told)
	}
	again := b.adopted(agenda)
	b.get(again).wants(t, `id="continue"`) // nothing is due any more
	always := b.adopted(agenda, func(r *grant.Request) { r.AskConsent = true })
	b.get(always).wants(t, `id="accept"`) // prompt=consent asks all the same
	more := b.adopted(agenda, func(r *grant.Request) { r.Claims.UserInfo = []string{"SubjectRole"} })
	b.get(more).wants(t, `id="accept"`, "votre profession")
}

// agenda is a request of a service outside the sector.
func agenda(r *grant.Request) { r.ClientID, r.Scope = "agenda", []string{"openid", "profile"} }

// adopted is a login that the live session of the browser answers, as the OP
// starts it when only the person's word is missing.
func (b *browser) adopted(change ...func(*grant.Request)) string {
	b.w.t.Helper()
	b.lang = "fr"
	s, err := b.w.sessions.ByCookie(b.w.t.Context(), b.cookie("egide-session"))
	must(b.w.t, err)
	path := b.login(change...)
	_, err = b.w.requests.Authenticate(b.w.t.Context(), strings.TrimPrefix(path, "/login/"), s.Auth, s.SID)
	must(b.w.t, err)
	return path
}

func TestAZ10AZ21RefusingConsentKeepsTheSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	s := b.signedIn()
	path := b.adopted(agenda)
	if got := b.press(path, "decline"); got.location != path+"/return" {
		t.Fatalf("%s", got.location)
	}
	if r := b.state(path); r.Progress != grant.Denied || r.Reason != "PF-ID-005" || r.Auth != nil || r.Consented {
		t.Errorf("%+v", r)
	}
	if _, err := w.sessions.BySID(t.Context(), s.SID); err != nil {
		t.Errorf("the session ended: %v", err)
	}
	if events := w.audit.Events(); len(events) != 1 || audit.Name(events[0]) != "consent.refused" {
		t.Errorf("%v", events)
	}
	b.press(path, "accept")
	if r := b.state(path); r.Consented || r.Progress != grant.Denied {
		t.Errorf("a refusal was taken back by a second form: %+v", r)
	}
}

// PG3, BCP 4.7: consent that another site posts, or that no page of ours asked for.
func TestPG3AZ22AttackForgedConsent(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signedIn()
	path := b.adopted(agenda)
	other := b.adopted(agenda)
	for name, csrf := range map[string]string{"none": "", "another login's": web.CSRF(b.secret, strings.TrimPrefix(other, "/login/")), "made up": strings.Repeat("A", 43)} {
		if got := b.send(path, "accept", "csrf", csrf); got.status != http.StatusSeeOther || got.location != path {
			t.Errorf("%s: %d %s", name, got.status, got.location)
		}
		if r := b.state(path); r.Consented {
			t.Fatalf("%s: consented", name)
		}
	}
	thief := w.browser()
	thief.get(path + "/accept")
	if got := thief.send(path, "accept"); got.status != http.StatusForbidden {
		t.Errorf("another browser: %d", got.status)
	}
	pending := b.login(agenda)
	b.press(pending, "accept") // nobody has logged in
	if r := b.state(pending); r.Consented || r.Progress != grant.Pending {
		t.Errorf("%+v", r)
	}
	if len(w.audit.Events()) != 0 {
		t.Errorf("traces of what nobody did: %v", w.audit.Events())
	}
}

func TestD3HA5NoTraceNoConsent(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signedIn()
	path := b.adopted(agenda)
	w.audit.Break(errBroken)
	for _, action := range []string{"accept", "decline"} {
		if got := b.send(path, action); got.status < 500 {
			t.Errorf("%s: %d", action, got.status)
		}
		if r := b.state(path); r.Consented || r.Progress != grant.Authenticated {
			t.Errorf("%s: %+v", action, r)
		}
	}
}

func TestD2HA9AZ23HundredConsentsAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signedIn()
	path := b.adopted(agenda)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			action := "accept"
			if i%2 == 1 {
				action = "decline"
			}
			if got := b.send(path, action); got.status != http.StatusSeeOther {
				t.Errorf("%d", got.status)
			}
		})
	}
	all.Wait()
	if r := b.state(path); r.Progress == grant.Denied && (r.Consented || r.Auth != nil) || r.Progress == grant.Authenticated && !r.Consented {
		t.Errorf("half a yes: %+v", r)
	}
}

func TestAZ11ConsentEndsWithItsLife(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.signedIn()
	path := b.adopted(agenda)
	b.press(path, "accept")
	w.clock.Advance(181 * 24 * time.Hour)
	b.signedIn()
	b.get(b.adopted(agenda)).wants(t, `id="accept"`)
}
