package login_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/login"
	"github.com/egide-id/egide/internal/trust/audit"
)

// The fixed names other programs rely on (issue 2, section 4).
func TestD10HooksOfEveryPage(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.get(path).wants(t, `<form id="login-ecps" method="post"`, `id="login" name="login"`, `autocomplete="username"`,
		`<button id="submit-ecps" class="main">Continuer avec l&#39;e-CPS</button>`, `id="submit-card" class="button main" href="`+path+`/card"`, `id="cancel"`,
		"DMP de démonstration", "Éditions Inventées", `name="shared"`, "vos situations d&#39;exercice")
	number := b.ask(path, camille)
	waiting := b.get(path)
	waiting.wants(t, `<output id="match-number"`, `<button id="continue"`, `id="cancel"`, `id="resend"`, `id="other"`,
		"2\u00a0min 0\u00a0s", `<noscript><meta http-equiv="refresh"`)
	w.approve(p, number)
	b.get(path)
	b.get(path).wants(t, `<button id="continue"`, `id="not-me"`, "Dr\u00a0Camille EXEMPLE", "Médecin", "CABINET INVENTE, Rennes", "8997\u00a00099\u00a00015")
}

func TestD10LoginWithoutScript(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	number := b.ask(path, camille)
	if again := b.press(path, "continue"); again.location != path {
		t.Errorf("an early press leads to %q", again.location)
	}
	w.approve(p, number)
	b.press(path, "continue")
	b.get(path) // finishes
	confirmation := b.get(path)
	confirmation.wants(t, "Bonjour")
	if out := b.press(path, "continue"); out.location != path+"/return" {
		t.Errorf("leads to %q", out.location)
	}
	r := b.state(path)
	if r.Progress != grant.Authenticated || r.Auth.Subject.String() != camille || r.Auth.Sub == "" || r.Auth.Ref == "" {
		t.Errorf("request %+v", r)
	}
	s, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session"))
	if err != nil || s.SID != r.SID {
		t.Errorf("session %v, %v", s, err)
	}
	w.wantEvent(t, func(e audit.Event) bool {
		x, ok := e.(audit.LoginSucceeded)
		return ok && x.SID == r.SID && x.Client == "dmp" && x.Subject == camille && x.ACR == "eidas2"
	})
}

func (w *world) wantEvent(t *testing.T, match func(audit.Event) bool) {
	t.Helper()
	for _, e := range w.audit.Events() {
		if match(e) {
			return
		}
	}
	t.Errorf("no such event among %+v", w.audit.Events())
}

func (w *world) countEvents(name string) int {
	n := 0
	for _, e := range w.audit.Events() {
		if audit.Name(e) == name {
			n++
		}
	}
	return n
}

func TestHolderRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(p *device.Phone, r ecps.Request, number string) error
		code   string
	}{
		"on the phone": {func(p *device.Phone, r ecps.Request, _ string) error {
			_, err := p.Refuse(t.Context(), r)
			return err
		}, "PF-EC-019"},
		"wrong number": {func(p *device.Phone, r ecps.Request, number string) error {
			wrong := slices.IndexFunc(r.Choices, func(c string) bool { return c != number })
			if _, err := p.Approve(t.Context(), r, r.Choices[wrong], pin); device.CodeOf(err) != "PF-EC-012" {
				return fmt.Errorf("the phone hears %w", err)
			}
			return nil
		}, "PF-EC-012"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b, p := w.browser(), w.phone(camille)
			path := b.login()
			number := b.ask(path, camille)
			must(t, tc.answer(p, w.request(p), number))
			if out := b.get(path); out.status != http.StatusSeeOther || out.location != path+"/return" {
				t.Fatalf("%d to %q", out.status, out.location)
			}
			if r := b.state(path); r.Progress != grant.Denied || r.Reason != tc.code {
				t.Errorf("request %s %s, want denied %s", r.Progress, r.Reason, tc.code)
			}
			if b.cookie("egide-session") != "" {
				t.Error("a refused login made a session")
			}
			w.wantEvent(t, func(e audit.Event) bool {
				x, ok := e.(audit.LoginRefused)
				return ok && x.Reason == tc.code && x.Subject == camille
			})
		})
	}
}

func TestAZ21CancelGivesAccessDeniedAndStopsThePhone(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.ask(path, camille)
	if out := b.press(path, "cancel"); out.location != path+"/return" {
		t.Errorf("leads to %q", out.location)
	}
	if r := b.state(path); r.Progress != grant.Denied {
		t.Errorf("request is %s", r.Progress)
	}
	all, err := p.Waiting(t.Context())
	must(t, err)
	if len(all.Requests) != 0 {
		t.Error("the phone still asks")
	}
}

func TestExpiredRequestStartsAgainWithoutTyping(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	b.ask(path, camille)
	w.clock.Advance(121 * time.Second)
	b.get(path).wants(t, `data-code="PF-EC-010"`, `value="`+camille+`"`, `id="login-ecps"`)
	b.ask(path, camille)
}

func TestExpiredLoginHasAWayOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	w.clock.Advance(16 * time.Minute)
	got := b.get(path)
	if got.status != http.StatusGone {
		t.Errorf("status %d", got.status)
	}
	got.wants(t, `data-code="PF-EC-010"`, "Recommencez")
}

func TestFinishedLoginSaysSoOnBackButton(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.enter(w.phone(camille), camille)
	_, err := w.requests.Complete(t.Context(), strings.TrimPrefix(path, "/login/"))
	must(t, err)
	got := b.get(path)
	if got.status != http.StatusConflict {
		t.Errorf("status %d", got.status)
	}
	got.wants(t, `data-code="PF-SV-042"`)
}

func TestAddressOfAFormLeadsToTheStepThatIsDue(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	for _, action := range []string{"ecps", "continue", "cancel", "resend", "other", "not-me", "change"} {
		if got := b.get(path + "/" + action); got.status != http.StatusSeeOther || got.location != path {
			t.Errorf("GET %s: %d to %q", action, got.status, got.location)
		}
	}
	if b.state(path).Progress != grant.Pending {
		t.Error("looking changed the login")
	}
}

func TestOtherMeansGoesBackAndKeepsTheIdentifier(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.ask(path, camille)
	b.press(path, "other")
	b.get(path).wants(t, `id="login-ecps"`, `value="`+camille+`"`)
	all, err := p.Waiting(t.Context())
	must(t, err)
	if len(all.Requests) != 0 {
		t.Error("the phone still asks")
	}
}

func TestNotMeTakesTheLoginBack(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.enter(w.phone(camille), camille)
	sid, cookie := b.state(path).SID, b.cookie("egide-session")
	if out := b.press(path, "not-me"); out.location != path+"/return" {
		t.Errorf("leads to %q", out.location)
	}
	if r := b.state(path); r.Progress != grant.Denied || r.Reason != "PF-ID-004" {
		t.Errorf("request %s %s", r.Progress, r.Reason)
	}
	if _, err := w.sessions.ByCookie(t.Context(), cookie); err == nil {
		t.Error("the session lives on")
	}
	if b.cookie("egide-session") != "" || len(w.ended) != 1 || w.ended[0] != sid+" logout" {
		t.Errorf("cookie %q, ended %v", b.cookie("egide-session"), w.ended)
	}
}

func TestClosedWhileThePhoneAnswered(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	w.people.close(camille)
	if out := b.get(path); out.location != path+"/return" {
		t.Errorf("%d to %q", out.status, out.location)
	}
	if r := b.state(path); r.Progress != grant.Denied || r.Reason != "PF-EC-017" {
		t.Errorf("request %s %s", r.Progress, r.Reason)
	}
	if w.countEvents("login.succeeded") != 0 {
		t.Error("a closed record logged in")
	}
}

func TestD3HA5NoTraceNoLogin(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	w.audit.Break(errBroken)
	got := b.get(path)
	if got.status != http.StatusInternalServerError || b.cookie("egide-session") != "" {
		t.Errorf("status %d, session cookie %q", got.status, b.cookie("egide-session"))
	}
	if r := b.state(path); r.Progress != grant.Pending {
		t.Errorf("request is %s", r.Progress)
	}
}

// A level or a service that wants a card gets the card step at once.
func TestOnlyACardReachesEidas3(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for name, path := range map[string]string{
		"level":   b.login(func(r *grant.Request) { r.ACRValues = []string{"eidas3"} }),
		"service": b.login(func(r *grant.Request) { r.ClientID = "card" }),
	} {
		page := b.get(path)
		page.wants(t, `data-challenge="`+path+`/card-challenge"`, `id="cancel"`)
		page.lacks(t, `id="login-ecps"`, `id="other"`)
		b.press(path, "ecps", "login", camille)
		if b.state(path).Wallet != "" {
			t.Errorf("%s: the phone was asked in vain", name)
		}
	}
	both := b.login(func(r *grant.Request) { r.ACRValues = []string{"eidas3", "eidas2"} })
	b.get(both).wants(t, `id="login-ecps"`)
}

// A provider that takes no card says so, and keeps its other means.
func TestProviderWithoutCards(t *testing.T) {
	w := newWorld(t, func(d *login.Deps) { d.Cards = nil })
	b := w.browser()
	b.get(b.login()).wants(t, `id="login-ecps"`, `id="card-not-here"`)
	only := b.login(func(r *grant.Request) { r.ACRValues = []string{"eidas3"} })
	b.get(only).wants(t, `data-code="PF-CA-023"`, `id="card-not-here"`)
	if p := b.get(only + "/card"); p.status != http.StatusNotFound {
		t.Errorf("status %d", p.status)
	}
}

func TestEnglishByWishOfServiceBrowserOrPerson(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.get(b.login(func(r *grant.Request) { r.UILocales = "en-GB fr" })).wants(t, `<html lang="en">`, "Continue with e-CPS")
	path := b.login()
	b.get(path+"?ui_locales=en").wants(t, `<html lang="en">`, `action="`+path+`/ecps?ui_locales=en"`)
	b.lang = "en"
	b.get(b.login()).wants(t, "Sign in to")
	b.get(b.login(func(r *grant.Request) { r.UILocales = "fr" })).wants(t, "Se connecter à")
}

func TestTextPages(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/aide", "/accessibilite", "/confidentialite"} {
		w.browser().get(path).wants(t, `<html lang="fr">`, "Système indépendant", "<h1>")
		w.browser().get(path+"?ui_locales=en").wants(t, `<html lang="en">`)
	}
}
