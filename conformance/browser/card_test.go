package browser

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// move has a hand put a persona's card into a reader, pull it, or mistype.
func move(t *testing.T, persona, order string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, demo.CardsURL+"cards/"+persona+"/"+order, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", order, persona, res.StatusCode, body, err)
	}
}

// insert puts a card in for the length of a test.
func insert(t *testing.T, persona string) {
	t.Helper()
	move(t, persona, "insert")
	t.Cleanup(func() {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, demo.CardsURL+"cards/"+persona+"/remove", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	})
}

// toCard goes from the DMP's front page to the card step.
func (s *screen) toCard() {
	s.t.Helper()
	s.do(chromedp.Navigate(demo.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("submit-card")))
	s.do(chromedp.Click(id("submit-card")), chromedp.WaitVisible(chromedp.CSS("main.card")))
}

// at waits until the page stands before that link, in that state.
func (s *screen) at(link, state string) {
	s.t.Helper()
	s.do(chromedp.WaitVisible(chromedp.CSS(`[data-link="` + link + `"][data-state="` + state + `"]`)))
}

// refused waits for a failure of one link and tells what is wrong with its page.
func (s *screen) refused(link, code, words string) {
	s.t.Helper()
	s.at(link, "failed")
	s.do(chromedp.WaitVisible(id("alert")))
	if got := ask(s, chromedp.AttributeValue(id("alert"), "data-code")).Value; got != code {
		s.t.Errorf("code %q, want %s", got, code)
	}
	if got := ask(s, chromedp.Text(id("alert"))); !strings.Contains(got, words) || !strings.Contains(got, code) {
		s.t.Errorf("the alert says %q, want %q", got, words)
	}
	if n := ask(s, chromedp.Evaluate[int](`document.querySelectorAll('[data-state="failed"][data-link]').length`)); n != 1 {
		s.t.Errorf("%d links have failed", n)
	}
}

func (s *screen) focused() string {
	return ask(s, chromedp.Evaluate[string](`document.activeElement?.id ?? ""`))
}

// The page waits for the card, and goes on by itself when one is put in.
func TestCardOpensTheDMP(t *testing.T) {
	for name, width := range map[string]int64{"wide": 1280, "320 pixels": 320} {
		t.Run(name, func(t *testing.T) {
			s := open(t, width, 800, true)
			s.toCard()
			s.at("card", "now")
			s.accessible("1-waiting-for-card")
			insert(t, "P1")
			s.decision("granted")
		})
	}
}

// A wrong PIN says what is left, has the focus, and asks for nothing by itself.
func TestWrongPINWaitsForTheHolder(t *testing.T) {
	s := open(t, 1280, 900, true)
	insert(t, "P1")
	move(t, "P1", "wrong-pin")
	s.toCard()
	s.refused("pin", "PF-CA-021", "il reste 2 essais avant blocage")
	if got := s.focused(); got != "alert" {
		t.Errorf("the focus is on %q", got)
	}
	s.accessible("1-wrong-pin")
	s.do(chromedp.Click(id("retry")))
	s.decision("granted")
}

// What the provider finds is told at the link it blames. Back at the choice, the
// means used last comes first and has the focus.
func TestRevokedCardIsTold(t *testing.T) {
	s := open(t, 320, 800, true)
	insert(t, "B-card-revoked")
	s.toCard()
	s.refused("revocation", "PF-CA-050", "révoquée")
	if got := s.focused(); got != "alert" {
		t.Errorf("the focus is on %q", got)
	}
	s.accessible("1-revoked")
	s.do(chromedp.Click(id("other")), chromedp.WaitVisible(id("submit-ecps")))
	s.accessible("2-card-first")
	if first := ask(s, chromedp.Evaluate[string](`document.querySelector(".means").firstElementChild.id`)); first != "mean-card" || s.focused() != "submit-card" {
		t.Errorf("%s is first, the focus is on %q", first, s.focused())
	}
}

// Without a bridge the page says what to start, and goes on when it is there.
func TestAbsentBridgeIsTold(t *testing.T) {
	s := open(t, 1280, 900, true)
	block := func(blocked bool) {
		s.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{
				URLPatterns: []*network.BlockPattern{{URLPattern: "http://127.0.0.1:*/v1/status", Block: blocked}},
			})
			return err
		}))
	}
	block(true)
	s.toCard()
	s.refused("bridge", "PF-CA-019", "ne répond pas")
	s.accessible("1-no-bridge")
	if !ask(s, chromedp.Evaluate[bool](`document.getElementById("other") !== null`)) {
		t.Error("no other means is offered")
	}
	block(false)
	s.at("card", "now")
	insert(t, "P1")
	s.do(chromedp.WaitVisible(id("consult")))
}

// Without script the page says what it cannot do, and offers what can.
func TestCardStepWithoutScript(t *testing.T) {
	s := open(t, 1280, 900, false)
	s.toCard()
	if body := ask(s, chromedp.OuterHTML(chromedp.CSS("noscript"))); !strings.Contains(body, "Sans script") {
		t.Errorf("noscript says %q", body)
	}
	s.shoot("1-no-script")
	s.do(chromedp.Click(id("other")), chromedp.WaitVisible(id("submit-ecps")))
}
