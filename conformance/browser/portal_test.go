package browser

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// byCard signs in to the portal with a persona's card.
func (s *screen) byCard(persona string) {
	s.t.Helper()
	insert(s.t, persona)
	s.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("portal-card")))
	s.do(chromedp.Click(id("portal-card")), chromedp.WaitVisible(id("ticket")))
}

// shows gives the text of an element.
func (s *screen) shows(name string) string {
	s.t.Helper()
	s.do(chromedp.WaitVisible(id(name)))
	return strings.TrimSpace(ask(s, chromedp.Text(id(name))))
}

// Way A, then side by side, then a lost phone: the card on the portal makes the
// first phone, that phone makes a second one, the portal stops both in two
// presses and makes one good again.
func TestPhoneByCardThenASecondOneThenLost(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	computer.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("portal-login")))
	computer.accessible("01-portal")
	computer.byCard("P8")
	computer.accessible("02-add-phone")
	computer.do(chromedp.Click(id("ticket")), chromedp.WaitVisible(id("activation-qr")))
	computer.accessible("03-qr")
	phone.do(chromedp.Navigate(computer.reads()))
	phone.newPIN(holderPIN)
	phone.do(chromedp.WaitVisible(id("finish")), chromedp.Click(id("finish")))
	digits := phone.shows("check")
	phone.accessible("04-digits")
	if got := computer.shows("check"); got != digits {
		t.Errorf("the portal shows %s, the phone %s", got, digits)
	}
	computer.accessible("05-compare")
	computer.do(chromedp.Click(id("confirm")), chromedp.WaitVisible(id("confirmed")))
	phone.do(chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))

	second := handset(t)
	second.do(chromedp.Click(id("way-transfer")))
	offer := second.shows("offer-link")
	second.accessible("06-offer")
	if got := second.reads(); got != offer {
		t.Errorf("the QR says %s", got)
	}
	phone.do(chromedp.Click(id("devices-open")), chromedp.WaitVisible(id("add-phone")))
	phone.accessible("07-phones")
	phone.do(chromedp.Click(id("add-phone")), chromedp.WaitVisible(id("no-scan")), chromedp.Click(id("no-scan")), chromedp.SendKeys(id("typed-code"), offer), chromedp.Click(id("use-code")), chromedp.WaitVisible(id("pin-1")))
	phone.pin(holderPIN)
	answer := phone.shows("invitation-link")
	phone.accessible("08-invitation")
	second.do(chromedp.Click(id("scan-answer")), chromedp.WaitVisible(id("no-scan")), chromedp.Click(id("no-scan")), chromedp.SendKeys(id("typed-code"), answer), chromedp.Click(id("use-code")))
	second.newPIN("2580")
	second.do(chromedp.WaitVisible(id("finish")), chromedp.Click(id("finish")), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))
	phone.do(chromedp.Navigate(demo.AppURL+"/"), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))

	computer.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("lost")))
	computer.accessible("09-home")
	computer.do(chromedp.Click(id("lost")), chromedp.WaitVisible(id("suspend-all")))
	computer.accessible("10-lost")
	computer.do(chromedp.Click(id("suspend-all")), chromedp.WaitVisible(id("resume-0")))
	phone.do(chromedp.WaitVisible(chromedp.CSS(`#obstacle[data-code="PF-EC-016"]`)))
	computer.do(chromedp.Click(id("resume-1")), chromedp.WaitVisible(id("suspend-1")))
	computer.do(chromedp.Click(id("why-link")), chromedp.WaitVisible(id("support-code")))
	computer.accessible("11-why")
	computer.do(chromedp.Navigate(demo.PortalURL+"/historique"), chromedp.WaitVisible(id("sign-ins")))
	computer.accessible("12-history")
	computer.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("logout")), chromedp.Click(id("logout")))
	computer.do(chromedp.WaitNotPresent(id("logout")))
}

// The portal stands at 320 pixels, and without script.
func TestPortalNarrowAndWithoutScript(t *testing.T) {
	narrow := open(t, 320, 640, true)
	narrow.byCard("P8")
	narrow.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("who")))
	narrow.accessible("1-narrow")
	plain := open(t, 1280, 900, false)
	plain.do(chromedp.Navigate(demo.PortalURL), chromedp.WaitVisible(id("portal-login")))
	plain.shoot("2-no-script")
}

// A phone without a network: the app is there, the PIN gives eight digits, and a
// service that opted in takes them, at their own level.
func TestPhoneWithoutNetworkGivesACode(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	who := someone{"500099900000029/ING012", "louison.logiciel@exemple.invalid", "+33639980007"}
	phone.activate(who, false)
	kept := ask(phone, chromedp.Evaluate[bool](`navigator.serviceWorker.ready.then(async () => {
		const page = await caches.match("/");
		return Boolean(page) && Boolean(await caches.match(document.querySelector("script").src));
	})`, chromedp.EvalAwaitPromise))
	if !kept {
		t.Error("the app is not kept for a phone without a network")
	}
	phone.offline()
	phone.do(chromedp.Click(id("offline")), chromedp.WaitVisible(id("pin-1")))
	phone.accessible("1-offline-pin")
	phone.pin(holderPIN)
	code := phone.shows("offline-code")
	phone.accessible("2-offline-code")
	sum := sha256.Sum256([]byte(strings.Repeat("v", 43)))
	q := url.Values{
		"response_type": {"code"}, "client_id": {"demo-offline"}, "redirect_uri": {"http://127.0.0.1:9404/callback"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"acr_values": {"offline-otp"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	arrived := callback(t, "127.0.0.1:9404")
	computer.do(chromedp.Navigate(demo.Authorization+"?"+q.Encode()), chromedp.WaitVisible(id("mean-card")))
	computer.do(chromedp.WaitVisible(id("offline-code")))
	computer.accessible("3-typed")
	computer.do(chromedp.SetValue(id("offline-login"), who.login), chromedp.SendKeys(id("offline-code"), code), chromedp.Click(id("submit-offline")))
	select {
	case q := <-arrived:
		if q.Get("code") == "" {
			t.Errorf("the service is told %v", q)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("the service is not reached; at %s", computer.where())
	}
}

// On one phone: from the service to the app and back, with the PIN and nothing to
// compare, in the browser that began.
func TestPhoneItselfIsTheScreen(t *testing.T) {
	phone := handset(t)
	phone.activate(someone{"899700991013", "camille.exemple@exemple.invalid", "+33639980001"}, false)
	phone.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("submit-scan")))
	phone.do(chromedp.Click(id("submit-scan")), chromedp.WaitVisible(id("submit-here")), chromedp.Click(id("submit-here")))
	phone.do(chromedp.WaitVisible(id("request")))
	if got := phone.shows("asker"); got != "ce téléphone" {
		t.Errorf("from %q", got)
	}
	phone.accessible("1-here")
	phone.do(chromedp.Click(id("choice-1")), chromedp.WaitVisible(id("pin-1")))
	phone.pin(holderPIN)
	phone.do(chromedp.WaitVisible(id("consult")))
}

// callback stands where the demonstration's service would be.
func callback(t *testing.T, address string) <-chan url.Values {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan url.Values, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			arrived <- r.URL.Query()
		}
		_, _ = w.Write([]byte("ok"))
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return arrived
}
