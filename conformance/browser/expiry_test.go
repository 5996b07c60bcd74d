package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A request that nobody answers ends on both screens by itself: the phone goes
// home and says so, the login page says so and asks anew without a word typed.
// The time is real, the shortest that a provider allows. The phone's clock is ten
// minutes ahead: it counts by the provider's, or nothing would ever be answered.
func TestPhoneRequestThatNobodyAnswersExpires(t *testing.T) {
	short, stop, err := demonstrate("--request-life", "30s")
	if err != nil {
		t.Fatal(err)
	}
	shared := demo
	demo = short
	defer func() {
		demo = shared
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	phone, computer := open(t, 390, 844, true), open(t, 1280, 900, true)
	phone.clockAhead(10 * time.Minute)
	phone.do(chromedp.Navigate(demo.AppURL+"/"), chromedp.WaitVisible(id("way-codes")))
	phone.activate(director, false)
	computer.asks(director.login)
	phone.do(chromedp.WaitVisible(id("request")))

	phone.do(chromedp.WaitNotPresent(id("request")), chromedp.WaitVisible(id("change-pin")))
	phone.accessible("1-phone")
	if said := ask(phone, chromedp.Text(chromedp.CSS("body"))); !strings.Contains(said, "La demande a expiré") {
		t.Errorf("the phone says %q", said)
	}
	if ask(phone, chromedp.Evaluate[bool](`document.querySelector(".asking") !== null`)) {
		t.Error("the phone still offers what is over")
	}
	computer.told("PF-EC-010")
	computer.accessible("2-computer")
	if typed := ask(computer, chromedp.Value(id("login"))); typed != director.login {
		t.Errorf("the identifier is to be typed again: %q", typed)
	}
	computer.do(chromedp.Click(id("submit-ecps")), chromedp.WaitVisible(id("match-number")))
	phone.approves(strings.TrimSpace(ask(computer, chromedp.Text(id("match-number")))))
	computer.inside()
}

// clockAhead makes this window's clock wrong for every page that follows.
func (s *screen) clockAhead(by time.Duration) {
	s.t.Helper()
	s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: fmt.Sprintf("{ const now = Date.now; Date.now = () => now() + %d; }", by.Milliseconds()),
		})
		return err
	}))
}
