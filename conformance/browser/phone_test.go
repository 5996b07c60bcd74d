package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

const holderPIN = "4711"

// someone is an invented person of the table who has no phone yet.
type someone struct{ login, mail, mobile string }

var (
	nurse    = someone{"899700991047", "basile.double@exemple.invalid", "+33639980005"}
	director = someone{"899700991054", "dominique.modele@exemple.invalid", "+33639980006"}
	intern   = someone{"899700991062", "jeanne.internat@exemple.invalid", "+33639980008"}
)

// offline takes the provider away from this window.
func (s *screen) offline() {
	s.t.Helper()
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{
			URLPatterns: []*network.BlockPattern{{URLPattern: "http://localhost:*/*", Block: true}},
		})
		return err
	}))
}

// letter reads the newest letter to an address in the demonstration's inbox.
func letter(t *testing.T, to, code string, after time.Time) string {
	t.Helper()
	for range 200 {
		res, err := http.Get(demo.InboxURL + ".json?to=" + url.QueryEscape(to))
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			Body string
			At   time.Time
		}
		err = json.NewDecoder(res.Body).Decode(&list)
		_ = res.Body.Close()
		if err == nil && len(list) > 0 && list[0].At.After(after) {
			if found := regexp.MustCompile(code).FindString(list[0].Body); found != "" {
				return found
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no letter to %s", to)
	return ""
}

// handset is a window of a phone's size, on the app's own host.
func handset(t *testing.T) *screen {
	t.Helper()
	s := open(t, 390, 844, true)
	s.do(chromedp.Navigate(demo.AppURL+"/"), chromedp.WaitVisible(id("way-codes")))
	return s
}

// pin presses the keys of the pad.
func (s *screen) pin(pin string) {
	s.t.Helper()
	for _, d := range pin {
		s.do(chromedp.Click(id("pin-" + string(d))))
	}
	s.do(chromedp.Click(id("pin-ok")))
}

// newPIN chooses one, twice.
func (s *screen) newPIN(pin string) {
	s.t.Helper()
	s.do(chromedp.WaitVisible(id("pin-1")))
	s.pin(pin)
	s.heading("Tapez-le encore une fois")
	s.pin(pin)
}

// heading waits until the screen has that title.
func (s *screen) heading(title string) {
	s.t.Helper()
	for range 400 {
		if ask(s, chromedp.Evaluate[string](`document.querySelector("h1")?.textContent ?? ""`)) == title {
			return
		}
		s.do(chromedp.Sleep(25 * time.Millisecond))
	}
	s.shoot("failed")
	s.t.Fatalf("no screen %q; at %s", title, s.where())
}

// activate makes an e-CPS by way B.
func (s *screen) activate(who someone, look bool) {
	s.t.Helper()
	began := time.Now()
	if look {
		s.accessible("01-welcome")
	}
	s.do(chromedp.Click(id("way-codes")), chromedp.WaitVisible(id("identifier")), chromedp.SendKeys(id("identifier"), strings.TrimPrefix(who.login, "8")))
	if look {
		s.accessible("02-identifier")
	}
	s.do(chromedp.Click(id("start-activation")), chromedp.WaitVisible(id("secret-mail")))
	if look {
		s.accessible("03-codes")
	}
	s.do(chromedp.SendKeys(id("secret-mail"), letter(s.t, who.mail, `[2-9A-Z]{4}-[2-9A-Z]{4}`, began)), chromedp.Click(id("prove-mail")), chromedp.WaitVisible(id("proven-mail")))
	s.do(chromedp.SendKeys(id("secret-sms"), letter(s.t, who.mobile, `\d{4} \d{4}`, began)), chromedp.Click(id("prove-sms")), chromedp.WaitVisible(id("pin-1")))
	if look {
		s.accessible("04-pin")
		s.pin("1234")
		s.do(chromedp.WaitVisible(id("alert")))
		if got := ask(s, chromedp.AttributeValue(id("alert"), "data-code")).Value; got != "PF-EC-039" {
			s.t.Errorf("a trivial PIN: %q", got)
		}
		s.accessible("05-trivial")
	}
	s.newPIN(holderPIN)
	s.do(chromedp.WaitVisible(id("finish")))
	if look {
		s.accessible("06-label")
	}
	s.do(chromedp.Click(id("finish")), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))
	if look {
		s.accessible("07-home")
	}
}

// asks goes from the DMP to the number on the waiting page.
func (s *screen) asks(login string) (number string) {
	s.t.Helper()
	s.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("login")))
	s.do(chromedp.SetValue(id("login"), login), chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("match-number")))
	return strings.TrimSpace(ask(s, chromedp.Text(id("match-number"))))
}

// picks chooses a number that is the one of the page, or one that is not.
func (s *screen) picks(number string, right bool) {
	s.t.Helper()
	s.do(chromedp.WaitVisible(id("request")))
	if ask(s, chromedp.Evaluate[bool](`document.getElementById("typed") !== null`)) {
		typed := number
		if !right {
			typed = string('0'+(number[0]-'0'+1)%10) + number[1:]
		}
		s.do(chromedp.SendKeys(id("typed"), typed), chromedp.Click(id("number-ok")))
	} else {
		for i := range 3 {
			choice := id("choice-" + string(rune('1'+i)))
			if (strings.TrimSpace(ask(s, chromedp.Text(choice))) == number) == right {
				s.do(chromedp.Click(choice))
				break
			}
		}
	}
	s.do(chromedp.WaitVisible(id("pin-1")))
}

// Activation with two codes, then a login with everything on the screens; the
// whole way in French, on a phone's screen, every screen looked at by axe.
func TestPhoneActivatedByTwoCodesOpensTheDMP(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	phone.activate(nurse, true)
	number := computer.asks(nurse.login)
	phone.do(chromedp.WaitVisible(id("request")))
	phone.accessible("08-request")
	if got := ask(phone, chromedp.Text(id("service"))); got != "DMP de démonstration" {
		t.Errorf("service %q", got)
	}
	phone.picks(number, true)
	phone.accessible("09-request-pin")
	phone.pin(holderPIN)
	phone.do(chromedp.WaitVisible(id("done")))
	phone.accessible("10-done")
	computer.do(chromedp.WaitVisible(id("situation-0")), chromedp.Click(id("situation-0")), chromedp.Click(id("submit-situation")))
	computer.decision("granted")
}

// approves answers the request on the screen as its holder should.
func (s *screen) approves(number string) {
	s.t.Helper()
	s.picks(number, true)
	s.pin(holderPIN)
	s.do(chromedp.WaitVisible(id("done")), chromedp.Click(id("home")), chromedp.WaitVisible(id("change-pin")))
}

// inside waits until the DMP has let its user in, and leaves it again.
func (s *screen) inside() {
	s.t.Helper()
	s.do(chromedp.WaitVisible(id("logout")), chromedp.Click(id("logout")), chromedp.WaitNotPresent(id("logout")))
}

// told waits for an alert with that code.
func (s *screen) told(code string) {
	s.t.Helper()
	s.do(chromedp.WaitVisible(chromedp.CSS(`#alert[data-code="` + code + `"]`)))
}

// In a browser that he has used: one wrong number refuses, the next request wants
// the digits typed; a wrong PIN says what is left, and is told after the right
// one; a refusal ends the login; three wrong PINs lock, and the way out is there.
func TestPhoneWrongNumberWrongPINRefusalLock(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	phone.activate(director, false)
	phone.approves(computer.asks(director.login))
	computer.inside()

	phone.picks(computer.asks(director.login), false)
	phone.pin(holderPIN)
	phone.told("PF-EC-012")
	phone.accessible("1-wrong-number")
	phone.do(chromedp.Click(id("home")))

	number := computer.asks(director.login)
	phone.do(chromedp.WaitVisible(id("typed")))
	phone.accessible("2-typed")
	phone.picks(number, true)
	phone.pin("9182")
	phone.told("PF-EC-036")
	if got := ask(phone, chromedp.Text(id("tries"))); !strings.Contains(got, "2 essais") {
		t.Errorf("tries: %q", got)
	}
	phone.accessible("3-wrong-pin")
	phone.pin(holderPIN)
	phone.do(chromedp.WaitVisible(id("wrong-pins")))
	phone.accessible("4-told")
	phone.do(chromedp.Click(id("home")), chromedp.WaitVisible(id("change-pin")))
	computer.inside()

	computer.asks(director.login)
	phone.do(chromedp.WaitVisible(id("refuse")), chromedp.Click(id("refuse")), chromedp.WaitVisible(id("done")))
	phone.accessible("5-refused")
	computer.do(chromedp.WaitNotPresent(id("match-number")))
	phone.do(chromedp.Click(id("home")), chromedp.WaitVisible(id("change-pin")))

	phone.picks(computer.asks(director.login), true)
	for i, pin := range []string{"9182", "9183", "9184"} {
		phone.pin(pin)
		phone.told([]string{"PF-EC-036", "PF-EC-036", "PF-EC-015"}[i])
		phone.do(chromedp.Sleep(pace))
	}
	phone.accessible("6-locked")
	phone.do(chromedp.Click(id("home")), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="locked"]`)), chromedp.Click(id("renew")), chromedp.WaitVisible(id("activate-again")))
	phone.accessible("7-again")
}

// The app scans the login page; here by the link, for who cannot scan: the QR's
// own reading is held by the login's tests and by the reader's.
func TestPhoneScansTheLoginPageThenFreezes(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	phone.activate(intern, false)
	computer.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("submit-scan")))
	computer.do(chromedp.Click(id("submit-scan")), chromedp.WaitVisible(id("qr")))
	computer.accessible("1-scan")
	link := computer.reads()
	phone.do(chromedp.Click(id("scan")), chromedp.WaitVisible(id("no-scan")))
	phone.accessible("2-camera")
	phone.do(chromedp.Click(id("no-scan")), chromedp.SendKeys(id("typed-code"), link), chromedp.Click(id("use-code")), chromedp.WaitVisible(id("request")))
	computer.do(chromedp.WaitVisible(id("match-number")))
	computer.accessible("3-number")
	phone.approves(strings.TrimSpace(ask(computer, chromedp.Text(id("match-number")))))
	computer.do(chromedp.WaitVisible(id("consult")))

	phone.do(chromedp.Click(id("history-open")), chromedp.WaitVisible(id("not-me-0")))
	phone.accessible("4-history")
	phone.do(chromedp.Click(id("not-me-0")), chromedp.WaitVisible(id("ask-yes")))
	phone.accessible("5-not-me")
	phone.do(chromedp.Click(id("ask-yes")), chromedp.WaitVisible(id("frozen")))
	phone.accessible("6-frozen")
	computer.do(chromedp.Click(id("consult")), chromedp.WaitNotPresent(id("consult")))
	phone.do(chromedp.Click(id("home")), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="frozen"]`)))
	phone.do(chromedp.Click(id("test")), chromedp.WaitVisible(id("support-code")))
	phone.accessible("7-help")
	if got := ask(phone, chromedp.AttributeValue(id("broken"), "data-link")).Value; got != "right" {
		t.Errorf("broken link %q", got)
	}
}
