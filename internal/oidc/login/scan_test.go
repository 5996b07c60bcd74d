package login_test

import (
	"image"
	"image/color"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	qr "github.com/piglig/go-qr"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/trust/audit"
)

var (
	qrSize = regexp.MustCompile(`<svg class="qr"[^>]*viewBox="0 0 (\d+) `)
	qrRun  = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`)
)

// scan reads the QR on the page as a camera would: from its picture.
func (p page) scan(t *testing.T) string {
	t.Helper()
	m := qrSize.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no QR on the page (status %d):\n%s", p.status, p.body)
	}
	const scale = 4
	side, err := strconv.Atoi(m[1])
	must(t, err)
	img := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for _, run := range qrRun.FindAllStringSubmatch(p.body, -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		n, _ := strconv.Atoi(run[3])
		for dy := range scale {
			for dx := range n * scale {
				img.SetGray(x*scale+dx, y*scale+dy, color.Gray{})
			}
		}
	}
	text, err := qr.Decode(img)
	must(t, err)
	return text
}

// token is what stands after the last = of an address for the app.
func token(address string) string { return address[strings.LastIndex(address, "=")+1:] }

// Nobody types an identifier: the app scans the page, the number is compared, the
// service gets its answer. The page never says who scanned before he approves.
func TestLoginByScan(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.get(path).wants(t, `id="submit-scan" class="button" href="`+path+`/scan"`)
	shown := b.get(path + "/scan")
	shown.wants(t, `<noscript><meta http-equiv="refresh"`, `role="img"`, "scan.")
	first := shown.scan(t)
	w.clock.Advance(5 * time.Second)
	if again := b.get(path + "/scan").scan(t); again == first {
		t.Error("the QR does not change")
	}
	r, err := p.Start(t.Context(), token(first), false)
	must(t, err)
	if moved := b.get(path + "/scan-state"); !strings.Contains(moved.body, `"moved":true`) {
		t.Errorf("the script is told %s", moved.body)
	}
	if next := b.get(path + "/scan"); next.status != http.StatusSeeOther || next.location != path {
		t.Fatalf("%d %s", next.status, next.location)
	}
	waiting := b.get(path)
	if strings.Contains(waiting.body, "8997") || strings.Contains(waiting.body, `id="resend"`) {
		t.Errorf("the page says who scanned, or offers to send again:\n%s", waiting.body)
	}
	_, err = p.Approve(t.Context(), r, waiting.number(t), pin)
	must(t, err)
	b.press(path, "continue")
	b.get(path)
	b.get(path).wants(t, "Bonjour")
	if b.state(path).Auth.Means != authn.ECPS {
		t.Error("another means")
	}
}

// On the phone itself: out to the app, back with a code that is good once, in the
// browser that began the login and in no other.
func TestLoginOnThePhoneItself(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	out := b.press(path, "here")
	address, err := url.Parse(out.location)
	must(t, err)
	if !strings.HasPrefix(address.Fragment, "h=") {
		t.Fatalf("leads to %s", out.location)
	}
	r, err := p.Start(t.Context(), token(address.Fragment), true)
	must(t, err)
	receipt, err := p.Approve(t.Context(), r, r.Choices[0], pin)
	must(t, err)
	victim := w.browser()
	if got := victim.get(receipt.Return); got.status != http.StatusForbidden {
		t.Errorf("another browser: %d", got.status)
	}
	if got := b.get(path + "/arrive?code=" + strings.Repeat("A", 43)); got.status != http.StatusForbidden || b.state(path).Progress != grant.Pending {
		t.Errorf("any code: %d", got.status)
	}
	if got := b.get(receipt.Return); got.status != http.StatusSeeOther || got.location != path {
		t.Fatalf("%d %s\n%s", got.status, got.location, got.body)
	}
	b.get(path)
	b.get(path).wants(t, "Bonjour")
}

// The attacker keeps the login page open and sends its link to a victim, who
// approves: the page goes nowhere, for the code is on the victim's phone.
func TestAttackLinkSentToAVictim(t *testing.T) {
	w := newWorld(t)
	attacker, victim := w.browser(), w.phone(camille)
	path := attacker.login()
	out := attacker.press(path, "here")
	r, err := victim.Start(t.Context(), token(out.location), true)
	must(t, err)
	receipt, err := victim.Approve(t.Context(), r, r.Choices[0], pin)
	must(t, err)
	attacker.get(path + "/scan")
	for range 3 {
		attacker.get(path)
		attacker.press(path, "continue")
	}
	if attacker.state(path).Progress != grant.Pending || attacker.cookie("egide-session") != "" {
		t.Fatal("the attacker is in")
	}
	attacker.get(path).wants(t, "dans le navigateur du téléphone")
	if receipt.Return == "" {
		t.Fatal("the victim's phone has no way back")
	}
}

// The offline code: only where the service opted in, only its own level.
func TestLoginWithAnOfflineCode(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	must(t, p.SetOffline(t.Context(), pin))
	if strict := b.get(b.login()); strings.Contains(strict.body, `id="offline"`) {
		t.Error("offered to a service that did not opt in")
	}
	path := b.login(func(r *grant.Request) { r.ClientID = "offline" })
	b.get(path).wants(t, `id="offline-code"`, `autocomplete="one-time-code"`)
	code, err := p.OfflineCode("9182")
	must(t, err)
	if got := b.send(path, "offline", "login", camille, "code", code); got.status != http.StatusForbidden {
		t.Errorf("a wrong PIN's code: %d", got.status)
	}
	code, err = p.OfflineCode(pin)
	must(t, err)
	b.press(path, "offline", "login", camille, "code", code[:4]+" "+code[4:])
	b.get(path).wants(t, "Bonjour")
	if r := b.state(path); r.Auth.Means != authn.ECPSOffline || r.Auth.Ref != p.ID() {
		t.Errorf("%+v", r.Auth)
	}
	if b.cookie("egide-known") != "" {
		t.Error("a browser is known after an offline code")
	}
	w.wantEvent(t, func(e audit.Event) bool {
		x, ok := e.(audit.LoginSucceeded)
		return ok && x.Means == "ecps-offline" && x.ACR == "offline-otp"
	})
}

// To a browser that the holder has not used, a wrong code and nobody are one answer.
func TestPG5AttackOfflineCodeTellsNobody(t *testing.T) {
	w := newWorld(t)
	p := w.phone(camille)
	must(t, p.SetOffline(t.Context(), pin))
	var first string
	for _, who := range []string{camille, noemie, nobody} {
		b := w.browser()
		path := b.login(func(r *grant.Request) { r.ClientID = "offline" })
		got := b.send(path, "offline", "login", who, "code", "00000000")
		body := strings.NewReplacer(strings.TrimPrefix(path, "/login/"), "H", csrfOfBody(got.body), "T", who, "ID").Replace(got.body)
		if first == "" {
			first = body
		} else if body != first {
			t.Errorf("%s looks different:\n%s", who, body)
		}
	}
}

// Every login stands in the holder's own history, by whichever means (PG-69).
func TestLoginIsInTheHistory(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	w.approve(p, b.ask(path, camille))
	b.get(path)
	history, err := p.History(t.Context())
	must(t, err)
	if len(history.SignIns) != 1 || history.SignIns[0].Service != "DMP de démonstration" || history.SignIns[0].Asker != ecps.AskerComputer {
		t.Fatalf("%+v", history)
	}
}

// After "this was not me" of a login by card, the card opens nothing.
func TestFrozenCardOpensNothing(t *testing.T) {
	w := newWorld(t)
	must(t, w.wallet.SignedIn(t.Context(), id(camille), "", wallet.SignIn{At: w.clock.Now(), Client: "dmp", Means: authn.Card, Ref: "c", SID: "s"}))
	all, err := w.wallet.SignIns(t.Context(), id(camille))
	must(t, err)
	_, err = w.wallet.Freeze(t.Context(), id(camille), all[0].ID, authn.ECPS, "p")
	must(t, err)
	b := w.browser()
	path := b.login()
	b.present(path, "camille")
	if r := b.state(path); r.Progress != grant.Denied || r.Reason != ecps.CodeFrozen {
		t.Errorf("%+v", r)
	}
}
