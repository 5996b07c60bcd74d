package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// kept gives a member of what the phone keeps, as text.
func (s *screen) kept(member string) string {
	s.t.Helper()
	return ask(s, chromedp.Evaluate[string](`new Promise((done) => {
		const r = indexedDB.open("egide-ecps", 1);
		r.onsuccess = () => {
			const q = r.result.transaction("phone").objectStore("phone").get("phone");
			q.onsuccess = () => { r.result.close(); done(String(q.result?.`+member+`)); };
		};
	})`, chromedp.EvalAwaitPromise))
}

// loses makes this window lose answers: of calls that end in a path, the nth one
// arrives and its answer does not.
func (s *screen) loses(path string, nth int) {
	s.t.Helper()
	ask(s, chromedp.Evaluate[int](`(() => {
		const real = window.fetch;
		let left = `+string(rune('0'+nth))+`;
		window.fetch = async (url, init) => {
			const res = await real(url, init);
			if (String(url).endsWith("`+path+`") && --left === 0) throw new TypeError("Failed to fetch");
			return res;
		};
		return 0;
	})()`))
}

// Never delete first, then hope: an e-CPS stays until a new one takes its place,
// whichever way leads to the activation.
func TestPhoneKeepsItsECPSUntilANewOne(t *testing.T) {
	phone := handset(t)
	phone.activate(nurse, false)
	mine := phone.kept("device")
	home := chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`))

	phone.do(chromedp.Click(id("history-open")), chromedp.WaitVisible(id("history")))
	ask(phone, chromedp.Evaluate[int](`history.back(), 0`))
	phone.do(home)

	ask(phone, chromedp.Evaluate[int](`location.hash = "i=`+strings.Repeat("A", 43)+`", 0`))
	phone.do(chromedp.WaitVisible(id("replace")))
	phone.accessible("1-replace")
	phone.do(chromedp.Click(id("home")), home)

	phone.do(chromedp.Click(id("change-pin")), chromedp.WaitVisible(id("forgotten")), chromedp.Click(id("forgotten")), chromedp.WaitVisible(id("activate-again")))
	phone.do(chromedp.Click(id("activate-again")), chromedp.WaitVisible(id("way-qr")))
	phone.accessible("2-ways")
	phone.do(chromedp.Click(id("way-codes")), chromedp.WaitVisible(id("identifier")), chromedp.Click(id("back")), chromedp.WaitVisible(id("home")), chromedp.Click(id("home")), home)
	if got := phone.kept("device"); got != mine {
		t.Errorf("the phone was %s and is %s", mine, got)
	}
}

// An answer that is lost on its way: the phone asks what became of it, and no PIN
// is typed twice. An offline code that is lost is made again, never shown wrong.
func TestPhoneLosesAnAnswer(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	phone.activate(nurse, false)
	phone.loses("/answer", 1)
	phone.picks(computer.asks(nurse.login), true)
	phone.pin(holderPIN)
	phone.do(chromedp.WaitVisible(id("done")), chromedp.Click(id("home")), chromedp.WaitVisible(id("change-pin")))

	phone.loses("/acts", 2) // the first one changes the PIN
	phone.do(chromedp.Click(id("change-pin")), chromedp.WaitVisible(id("pin-1")))
	phone.pin(holderPIN)
	phone.heading("Nouveau code")
	phone.pin("2580")
	phone.heading("Tapez-le encore une fois")
	phone.pin("2580")
	phone.do(chromedp.WaitVisible(id("notice")))
	if got := phone.shows("notice"); got != "Code changé." {
		t.Errorf("the phone says %q", got)
	}
	if got := phone.kept("masked"); got != "" {
		t.Errorf("an offline code that may be wrong is kept: %q", got)
	}
	phone.do(chromedp.Click(id("offline")), chromedp.WaitVisible(id("pin-1")))
	phone.pin("2580")
	phone.do(chromedp.WaitVisible(id("offline-code")))
}

// A phone that was closed before its digits were compared shows them again; one
// that was refused on the portal says so and has a way on.
func TestPhonePendingShowsItsDigitsAgain(t *testing.T) {
	phone, computer := handset(t), open(t, 1280, 900, true)
	computer.byCard("P8")
	computer.do(chromedp.Click(id("ticket")), chromedp.WaitVisible(id("activation-qr")))
	phone.do(chromedp.Navigate(computer.reads()))
	phone.newPIN(holderPIN)
	phone.do(chromedp.WaitVisible(id("finish")), chromedp.Click(id("finish")))
	digits := phone.shows("check")
	phone.do(chromedp.Navigate(demo.AppURL + "/?again"))
	if got := phone.shows("check"); got != digits {
		t.Errorf("digits %s, then %s", digits, got)
	}
	computer.do(chromedp.WaitVisible(id("refuse")), chromedp.Click(id("refuse")), chromedp.WaitVisible(id("refused")))
	phone.told("PF-EC-030")
	phone.accessible("1-refused")
	phone.do(chromedp.Click(id("erase")), chromedp.WaitVisible(id("ask-no")))
	phone.accessible("2-sure")
	phone.do(chromedp.Click(id("ask-no")), chromedp.WaitNotPresent(id("ask-no")))
	if phone.kept("device") == "undefined" {
		t.Error("the keys went without a yes")
	}
	phone.do(chromedp.Click(id("erase")), chromedp.WaitVisible(id("ask-yes")), chromedp.Click(id("ask-yes")), chromedp.WaitVisible(id("way-codes")))
	if got := phone.kept("device"); got != "undefined" {
		t.Errorf("the keys stay: %s", got)
	}
}

// Every screen of a holder in English, at 320 pixels and in the dark; the PIN by
// the keyboard alone.
func TestPhoneNarrowEnglishDarkByKeyboard(t *testing.T) {
	phone := open(t, 320, 640, true)
	phone.do(chromedp.Navigate(demo.AppURL+"/"), chromedp.WaitVisible(id("way-codes")))
	phone.activate(nurse, false)
	phone.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
		})
		return err
	}))
	phone.do(chromedp.Click(id("language")), chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))
	phone.accessible("1-home")
	for i, at := range []struct{ open, shows string }{
		{"history-open", "history"}, {"devices-open", "devices"}, {"test", "support-code"}, {"scan", "no-scan"}, {"change-pin", "forgotten"},
	} {
		phone.do(chromedp.Click(id(at.open)), chromedp.WaitVisible(id(at.shows)))
		phone.accessible(string(rune('2'+i)) + "-" + at.shows)
		ask(phone, chromedp.Evaluate[int](`history.back(), 0`))
		phone.do(chromedp.WaitVisible(chromedp.CSS(`#state[data-state="active"]`)))
	}
	if got := ask(phone, chromedp.Evaluate[string](`document.documentElement.lang`)); got != "en" {
		t.Errorf("the page says it is in %q", got)
	}
	phone.do(chromedp.Click(id("offline")), chromedp.WaitVisible(id("pin-1")))
	phone.accessible("7-pad")
	phone.do(chromedp.KeyEvent(holderPIN+"\r"), chromedp.WaitVisible(id("offline-code")))
	phone.accessible("8-code")
}
