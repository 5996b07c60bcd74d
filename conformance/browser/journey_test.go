package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// pace is how fast a person presses: pages that follow one another faster than
// the browser can tell them apart are pressed in vain.
const pace = 150 * time.Millisecond

func id(name string) chromedp.CSS { return chromedp.CSS("#" + name) }

// signIn goes from the DMP's front page to the waiting page.
func (s *screen) signIn(login string) {
	s.t.Helper()
	s.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")))
	s.accessible("1-dmp")
	s.do(chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("login")))
	s.accessible("2-choice")
	s.do(
		chromedp.SendKeys(id("login"), login),
		chromedp.Click(id("submit-ecps")),
		chromedp.WaitVisible(id("match-number")),
	)
}

// decision waits for the DMP's word, going on by the scriptless button when
// there is no script to do it.
func (s *screen) decision(want string) {
	s.t.Helper()
	if !s.script {
		s.goOn()
	}
	s.do(chromedp.WaitVisible(id("consult")))
	s.accessible("5-dmp-inside")
	s.do(chromedp.Click(id("consult")), chromedp.WaitVisible(id("dmp-decision")))
	s.accessible("6-decision")
	if got := ask(s, chromedp.AttributeValue(id("dmp-decision"), "data-decision")).Value; got != want {
		s.t.Errorf("decision %q, want %q", got, want)
	}
}

// goOn presses "continue" until the service is reached.
func (s *screen) goOn() {
	s.t.Helper()
	for range 40 {
		s.do(chromedp.WaitReady(chromedp.CSS("body")))
		if !strings.Contains(ask(s, chromedp.OuterHTML(chromedp.CSS("body"))), `id="continue"`) {
			return
		}
		s.do(chromedp.Click(id("continue")), chromedp.Sleep(pace))
	}
	s.t.Fatal("the waiting page never ended")
}

func TestDMPOpensForADoctor(t *testing.T) {
	s := open(t, 1280, 900, true)
	s.signIn(persona(t, "approve-300ms"))
	s.decision("granted")
}

func TestDMPOpensAt320Pixels(t *testing.T) {
	s := open(t, 320, 640, true)
	s.signIn(persona(t, "approve-300ms"))
	s.decision("granted")
}

func TestDMPOpensWithoutScript(t *testing.T) {
	s := open(t, 1280, 900, false)
	s.signIn(persona(t, "approve-300ms"))
	s.shoot("3-waiting")
	s.decision("granted")
}

func TestWaitingPageStands(t *testing.T) {
	s := open(t, 1280, 900, true)
	s.signIn(persona(t, "ignore"))
	s.accessible("3-waiting")
	s.do(chromedp.Click(id("cancel")), chromedp.WaitNotPresent(id("match-number")))
	s.accessible("4-cancelled")
}

// A person without a mouse reaches everything with Tab and Enter.
func TestLoginByKeyboardAlone(t *testing.T) {
	s := open(t, 1280, 900, true)
	s.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")))
	s.tabTo("login-egide")
	s.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(id("login")))
	s.tabTo("login")
	s.do(chromedp.KeyEvent(persona(t, "approve-300ms")))
	s.tabTo("submit-ecps")
	s.shoot("focus")
	s.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(id("consult")))
	s.tabTo("consult")
	s.do(chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(id("dmp-decision")))
}

func (s *screen) tabTo(name string) {
	s.t.Helper()
	for range 40 {
		if ask(s, chromedp.Evaluate[string](`document.activeElement ? document.activeElement.id : ""`)) == name {
			return
		}
		s.do(chromedp.KeyEvent(kb.Tab))
	}
	s.t.Fatalf("#%s cannot be reached with Tab", name)
}
