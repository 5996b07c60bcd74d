package login_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/igc"
)

func TestLoginByCard(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login(func(r *grant.Request) { r.ACRValues = []string{"eidas3"} })
	step := b.get(path + "/card")
	step.wants(t, `data-ports="17651 17652 17653"`, `data-protocol="cps-auth:1"`, `data-words="pin_blocked"`, "<noscript>", `data-link="revocation"`)
	if policy := step.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' http://127.0.0.1:17651 http://127.0.0.1:17652 http://127.0.0.1:17653;") {
		t.Errorf("the script cannot reach the bridge: %s", policy)
	}
	if policy := b.get("/aide").header.Get("Content-Security-Policy"); strings.Contains(policy, "17651") {
		t.Errorf("another page may reach the bridge: %s", policy)
	}
	if got := b.present(path, "camille"); got.status != http.StatusSeeOther || got.location != path {
		t.Fatalf("%d to %q\n%s", got.status, got.location, got.body)
	}
	b.get(path).wants(t, "Dr\u00a0Camille EXEMPLE")
	r := b.state(path)
	s, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session"))
	if err != nil || r.Progress != grant.Authenticated || s.SID != r.SID || r.Auth.Subject.String() != camille || r.Auth.Ref != igc.CardIssuer+"/"+number(t, "camille") {
		t.Errorf("request %+v, session %v", r, err)
	}
	w.wantEvent(t, func(e audit.Event) bool {
		x, ok := e.(audit.LoginSucceeded)
		return ok && x.SID == r.SID && x.Means == "card" && x.Subject == camille && x.ACR == "eidas3" && len(x.Serial) == 32 &&
			x.Issuer == "TEST AC IGC-SANTE FORT PERSONNES" && x.Txn != ""
	})
}

func number(t *testing.T, card string) string {
	t.Helper()
	made, err := cardsMade()
	must(t, err)
	return made[card].Number
}

// Each check refuses with its own code, on the page and in the trace; the login
// goes on with another card.
func TestCardRefused(t *testing.T) {
	w := newWorld(t)
	w.people.close(noemie)
	b := w.browser()
	path := b.login()
	for card, want := range map[string]struct {
		code    string
		subject string
	}{
		"expired": {"PF-CA-046", camille}, "revoked": {"PF-CA-050", camille}, "nobody": {"PF-CA-052", nobody}, "noemie": {"PF-CA-053", noemie},
	} {
		got := b.present(path, card)
		if got.status != http.StatusForbidden {
			t.Errorf("%s: status %d", card, got.status)
		}
		got.wants(t, `data-code="`+want.code+`"`, `id="retry"`, `id="other"`)
		w.wantEvent(t, func(e audit.Event) bool {
			x, ok := e.(audit.LoginRefused)
			return ok && x.Reason == want.code && x.Subject == want.subject && x.Device == igc.CardIssuer+"/"+number(t, card) && x.Serial != "" && x.Txn != ""
		})
	}
	if b.cookie("egide-session") != "" || b.state(path).Progress != grant.Pending {
		t.Error("a refused card moved the login")
	}
	if got := b.present(path, "camille"); got.status != http.StatusSeeOther {
		t.Errorf("a good card afterwards: %d", got.status)
	}
}

// What nobody is proven to have signed is counted, never a record of its own (PG-60).
func TestAnswerOfAStrangerIsCounted(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	made, err := cardsMade()
	must(t, err)
	for name, tc := range map[string]struct {
		answer func(a asked) string
		code   string
	}{
		"altered origin":               {func(a asked) string { return signed(t, "camille", "https://elsewhere.example", a.Challenge) }, "PF-CA-049"},
		"another challenge":            {func(asked) string { return signed(t, "camille", w.server.URL, b.challenge(path).Challenge) }, "PF-CA-049"},
		"certificate of the signature": {func(a asked) string { return signedBy(t, made["camille"].Signature, w.server.URL, a.Challenge) }, "PF-CA-047"},
		"certificate of somebody else": {func(a asked) string {
			return signedBy(t, igc.KeyPair{Key: made["camille"].Authentication.Key, Certificate: made["noemie"].Authentication.Certificate}, w.server.URL, a.Challenge)
		}, "PF-CA-049"},
		"no JSON":   {func(asked) string { return "certificate" }, "PF-CA-042"},
		"oversized": {func(asked) string { return `{"protocol":"` + strings.Repeat("x", 17<<10) + `"}` }, "PF-CA-042"},
	} {
		before := w.countEvents("login.refused")
		a := b.challenge(path)
		got := b.send(path, "card", "jti", a.JTI, "answer", tc.answer(a))
		got.wants(t, `data-code="`+tc.code+`"`)
		if proven := name == "certificate of the signature"; w.countEvents("login.refused") != before && !proven {
			t.Errorf("%s: a stranger wrote a trace", name)
		}
	}
	if b.cookie("egide-session") != "" {
		t.Error("a stranger has a session")
	}
}

func TestTokenForOneLoginUsedInAnother(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	one, two := b.login(), b.login()
	a := b.challenge(one)
	b.send(two, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge)).wants(t, `data-code="PF-CA-041"`)
	thief := w.browser()
	stolen := thief.login()
	thief.send(stolen, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge)).wants(t, `data-code="PF-CA-041"`)
	if got := b.send(one, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge)); got.status != http.StatusSeeOther {
		t.Errorf("the rightful answer: %d", got.status)
	}
}

func TestReplayedCardAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	a := b.challenge(path)
	bad := signed(t, "expired", w.server.URL, a.Challenge)
	b.send(path, "card", "jti", a.JTI, "answer", bad).wants(t, `data-code="PF-CA-046"`)
	b.send(path, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge)).wants(t, `data-code="PF-CA-040"`)
}

func TestCardFormOfAnotherSite(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	a := b.challenge(path)
	got := b.do(http.MethodPost, path+"/card", map[string][]string{"csrf": {"forged"}, "jti": {a.JTI}, "answer": {signed(t, "camille", w.server.URL, a.Challenge)}})
	if got.status != http.StatusSeeOther || b.state(path).Progress != grant.Pending {
		t.Errorf("%d, %s", got.status, b.state(path).Progress)
	}
	if p := b.do(http.MethodPost, path+"/card-challenge", map[string][]string{"csrf": {"forged"}}); p.status != http.StatusForbidden || !strings.Contains(p.body, `"code"`) {
		t.Errorf("a forged form got a challenge: %d %s", p.status, p.body)
	}
}

// Pulling the card ends the session it opened, from the bridge alone.
func TestPulledCardEndsItsSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	a := b.challenge(path)
	removal := b.removal(a.Challenge)
	b.send(path, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge))
	sid := b.state(path).SID
	if code := w.pull(cps.Removal{ID: removal.ID, Secret: "guess"}); code != http.StatusNoContent || len(w.ended) != 0 {
		t.Fatalf("a guess: %d, ended %v", code, w.ended)
	}
	if code := w.pull(removal); code != http.StatusNoContent || len(w.ended) != 1 || w.ended[0] != sid+" card_removed" {
		t.Errorf("%d, ended %v", code, w.ended)
	}
	if code := w.pull(removal); code != http.StatusNoContent {
		t.Errorf("reported twice: %d", code)
	}
	if _, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session")); err == nil {
		t.Error("the session lives on")
	}
}

func TestCardPulledBeforeItsAnswerCame(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	a := b.challenge(path)
	w.pull(b.removal(a.Challenge))
	b.send(path, "card", "jti", a.JTI, "answer", signed(t, "camille", w.server.URL, a.Challenge)).wants(t, `data-code="PF-CA-054"`)
	if b.cookie("egide-session") != "" {
		t.Error("a session stands on a card that is gone")
	}
}

// Step-up: an e-CPS session goes on under the same sid once the card has
// answered; cancelling leaves it whole (AZ10).
func TestStepUpFromPhoneToCard(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	first := b.state(b.enter(p, camille)).SID
	again := b.login(func(r *grant.Request) { r.ACRValues, r.Reauth = []string{"eidas3"}, true })
	b.get(again).wants(t, `data-challenge=`, "Vous êtes", "Camille EXEMPLE")
	cancelled := b.login(func(r *grant.Request) { r.ACRValues, r.Reauth = []string{"eidas3"}, true })
	b.press(cancelled, "cancel")
	if s, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session")); err != nil || s.SID != first {
		t.Fatalf("cancelling cost the session: %v", err)
	}
	b.present(again, "camille")
	s, err := w.sessions.ByCookie(t.Context(), b.cookie("egide-session"))
	if err != nil || s.SID != first || s.Auth.Means != "card" {
		t.Errorf("%+v %v", s, err)
	}
}

// Another person's card does not take over the session that is here.
func TestCardOfAnotherPersonBeginsAnew(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	first := b.state(b.enter(p, camille)).SID
	path := b.login()
	b.present(path, "noemie")
	if s := b.state(path); s.SID == first || s.Auth.Subject.String() != noemie {
		t.Errorf("%+v", s)
	}
	if len(w.ended) != 1 || w.ended[0] != first+" replaced" {
		t.Errorf("ended %v", w.ended)
	}
}

func TestSharedPostByCard(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	b.present(path, "camille", "shared", "1")
	if b.cookie("egide-session") != "" || !b.state(path).Shared {
		t.Error("something stays for the next person")
	}
}

// A phone that was asked first is let go.
func TestCardInsteadOfThePhone(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.ask(path, camille)
	b.get(path+"/card").wants(t, "data-challenge=")
	b.present(path, "camille")
	if all, err := p.Waiting(t.Context()); err != nil || len(all.Requests) != 0 {
		t.Errorf("%v %v", all, err)
	}
}

func TestCardInOppositionOnThePage(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	_, err := w.cards.Oppose(t.Context(), cards.Opposition{Operator: "o1", Number: number(t, "camille"), Reason: "lost"})
	must(t, err)
	b.present(b.login(), "camille").wants(t, `data-code="PF-CA-022"`)
}

// Every code that a card login can end with has words of its own in both languages.
func TestEveryCardCodeHasWords(t *testing.T) {
	for _, code := range []string{
		cps.CodePermission, cps.CodeNoBridge, cps.CodeNoReader, cps.CodePINWrong, cps.CodeNoCard, cps.CodeCardUnknown, cps.CodeContactless,
		cps.CodePINBlocked, cps.CodeCardRemoved, cps.CodeCancelled, cps.CodeTimeout, cps.CodeBusy, cps.CodeCardError, cps.CodeNotAllowed,
		cps.CodeChallengeInvalid, cps.CodeChallengeExpired, cps.CodeCardExpired, cps.CodeNoWindow, cps.CodeNotWaiting, cps.CodeForeign, cps.CodeAnswerInvalid,
		cps.CodeCertMalformed, cps.CodeUntrusted, cps.CodeTestCard, cps.CodeNotValidNow, cps.CodeWrongKey, cps.CodeNotAccepted,
		cps.CodeSignature, cps.CodeRevoked, cps.CodeUnconfirmed, cps.CodeOpposed, cps.CodeUnknownHolder, cps.CodeClosedHolder, cps.CodePulled,
	} {
		unknown := web.TextOf("PF-XX-999", web.French)
		for _, lang := range []string{web.French, web.English} {
			if x := web.TextOf(code, lang); x.Cause == "" || x.Action == "" || x.Cause == unknown.Cause {
				t.Errorf("%s in %s: %+v", code, lang, x)
			}
		}
	}
}

// Hundred presses of one answer give one login.
func TestHundredAnswersOfOneCard(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	path := b.login()
	a := b.challenge(path)
	answer := signed(t, "camille", w.server.URL, a.Challenge)
	var running sync.WaitGroup
	for range 100 {
		running.Go(func() { b.send(path, "card", "jti", a.JTI, "answer", answer) })
	}
	running.Wait()
	if n := w.countEvents("login.succeeded"); n != 1 {
		t.Errorf("%d logins", n)
	}
}
