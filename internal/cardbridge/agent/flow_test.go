package agent_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestSignatureIsOverThePageThatAsked(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			b := newBed(t)
			b.slots.Insert(one, newCard(t, model, noOptions))
			_, token := b.challenge()
			if a := b.answered(token, b.ask(token)); a.Card.Type != model {
				t.Errorf("%+v", a.Card)
			}
			w := b.windows(1)[0]
			want := pin.Window{Service: "Mon espace de santé", Provider: b.provider.origin, Reader: one, Tries: 3, Shortest: w.Shortest, Longest: w.Longest, French: true}
			if w != want || w.Shortest != 4 || w.Longest < len(rightPIN) {
				t.Errorf("the holder saw %+v", w)
			}
		})
	}
}

// One window at a time, however often pages ask.
func TestHundredRequestsAtOnce(t *testing.T) {
	b := newBed(t)
	opened, type1 := make(chan struct{}, 100), make(chan struct{})
	b.holder.Type = func(ctx context.Context, _ pin.Window) (string, error) {
		opened <- struct{}{}
		select {
		case <-type1:
			return rightPIN, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	const requests = 100
	replies, tokens := make(chan reply, requests), map[string]string{}
	for range requests {
		c, token := b.challenge()
		tokens[c.ID] = token
		req := b.request(http.MethodPost, "/v1/authenticate", asked(token))
		go func() { replies <- b.send(req) }()
	}
	for range requests - 1 {
		b.refused(wait(t, replies, "busy"), cps.BridgeBusy)
	}
	wait(t, opened, "window")
	close(type1)
	if r := wait(t, replies, "answer"); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.windows(1)
	b.login() // and the bridge is free again
}

func TestContactlessCard(t *testing.T) {
	b := newBed(t)
	b.slots.Insert(one, newCard(t, "cps3-contactless", noOptions))
	_, token := b.challenge()
	b.early(b.ask(token), cps.ContactlessRefused)
}

// early wants a refusal before any window.
func (b *bed) early(r reply, word cps.BridgeError, tries ...int) {
	b.Helper()
	b.refused(r, word, tries...)
	b.windows(0)
}

// foreign gives every card the answer to reset of a bank card.
type foreign struct{ cardbridge.Transport }

var bankATR = []byte{0x3b, 0x65, 0x00, 0x00, 0x20, 0x63, 0xcb, 0x68, 0x00}

func (f foreign) Readers(ctx context.Context) ([]cardbridge.Reader, error) {
	all, err := f.Transport.Readers(ctx)
	for i := range all {
		if all[i].ATR != nil {
			all[i].ATR = bankATR
		}
	}
	return all, err
}

func (f foreign) Connect(ctx context.Context, reader string) (cardbridge.Card, error) {
	c, err := f.Transport.Connect(ctx, reader)
	return foreignCard{c}, err
}

type foreignCard struct{ cardbridge.Card }

func (foreignCard) ATR() []byte { return bankATR }

func TestForeignCard(t *testing.T) {
	var sent atomic.Bool
	b := newBed(t, through(func(x cardbridge.Transport) cardbridge.Transport { return foreign{x} }))
	b.slots.Intercept(one, func(int, []byte) softcard.Event { sent.Store(true); return softcard.Answer })
	_, token := b.challenge()
	b.early(b.ask(token), cps.CardNotSupported)
	if sent.Load() {
		t.Error("a command was sent to somebody else's card")
	}
}

func TestExpiredCertificate(t *testing.T) {
	b := newBed(t)
	b.clock.Advance(4 * 366 * 24 * 3600e9)
	_, token := b.challenge()
	b.early(b.ask(token), cps.CertificateExpired)
}

func TestNoReaderNoCardMutedCard(t *testing.T) {
	for word, prepare := range map[cps.BridgeError]func(*bed){
		cps.NoCard:           func(b *bed) { b.slots.Remove(one) },
		cps.CardNotSupported: func(b *bed) { b.slots.Mute(one) },
	} {
		t.Run(string(word), func(t *testing.T) {
			b := newBed(t)
			prepare(b)
			_, token := b.challenge()
			b.early(b.ask(token), word)
		})
	}
	t.Run(string(cps.NoReader), func(t *testing.T) {
		b := newBed(t, func(o *agent.Options) { o.Transport = softcard.NewSlots() })
		_, token := b.challenge()
		b.early(b.ask(token), cps.NoReader)
	})
}

func TestAnotherProgramHoldsTheCard(t *testing.T) {
	b := newBed(t)
	other, err := b.slots.Connect(t.Context(), one)
	must(t, err)
	_, token := b.challenge()
	b.early(b.ask(token), cps.BridgeBusy)
	must(t, other.Close())
	b.login()
}

func TestWrongPINToBlocking(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			b := newBed(t)
			b.slots.Insert(one, newCard(t, model, noOptions))
			b.holder.types(wrongPIN, wrongPIN, wrongPIN, rightPIN)
			_, token := b.challenge()
			b.refused(b.ask(token), cps.PINBlocked, 0)
			for i, w := range b.windows(3) {
				if w.Tries != 3-i || w.Wrong != (i > 0) {
					t.Errorf("window %d: %+v", i, w)
				}
			}
			_, token = b.challenge()
			b.refused(b.ask(token), cps.PINBlocked, 0)
			b.windows(3) // nothing to type any more
		})
	}
}

func TestWrongPINThenTheWindowIsClosed(t *testing.T) {
	b := newBed(t)
	b.holder.types(wrongPIN)
	_, token := b.challenge()
	b.refused(b.ask(token), cps.PINIncorrect, 2)
	b.windows(2)
}

func TestWrongPINThenTheRightOne(t *testing.T) {
	b := newBed(t)
	b.holder.types(wrongPIN, rightPIN, rightPIN)
	b.login()
	b.login()
	if w := b.windows(3)[2]; w.Tries != 3 || w.Wrong {
		t.Errorf("the right PIN gives all tries back: %+v", w)
	}
}

func TestImpossiblePINCostsNoTry(t *testing.T) {
	b := newBed(t)
	b.holder.types("12", "", "123456789", "12a4", strings.Repeat("1", 300), rightPIN)
	b.login()
	for i, w := range b.windows(6) {
		if w.Tries != 3 || w.Wrong || w.Length != (i > 0) {
			t.Errorf("window %d: %+v", i, w)
		}
	}
}

func TestLastTryIsAskedAboutFirst(t *testing.T) {
	b := newBed(t)
	b.slots.Insert(one, newCard(t, "cps3", softcard.Options{Tries: 1}))
	var asked atomic.Int32
	var yes atomic.Bool
	b.holder.confirm = func(w pin.Window) error {
		asked.Add(1)
		if w.Tries != 1 || len(b.holder.Shown()) != 0 {
			t.Errorf("asked after %d windows, of %d tries", len(b.holder.Shown()), w.Tries)
		}
		if !yes.Load() {
			return closedWindow()
		}
		return nil
	}
	_, token := b.challenge()
	b.early(b.ask(token), cps.UserCancelled)
	yes.Store(true)
	b.login()
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// A page cannot use up the tries: each needs a window, and what is typed there.
func TestPageCannotExhaustThePIN(t *testing.T) {
	b := newBed(t)
	b.holder.types() // who has not asked for it closes the window
	var sent atomic.Int32
	b.slots.Intercept(one, func(_ int, c []byte) softcard.Event {
		if c[1] == 0x20 {
			sent.Add(1)
		}
		return softcard.Answer
	})
	const requests = 10
	for range requests {
		_, token := b.challenge()
		b.refused(b.ask(token), cps.UserCancelled)
	}
	b.holder.types(rightPIN)
	b.login()
	if w := b.windows(requests + 1)[requests]; w.Tries != 3 || sent.Load() != 1 {
		t.Errorf("%d tries left after %d PINs", w.Tries, sent.Load())
	}
}

// Each window is one PIN at most: none is kept and sent by itself.
func TestPINIsNeverSentTwice(t *testing.T) {
	for _, at := range []softcard.Event{softcard.Reset, softcard.Pulled} {
		b := newBed(t)
		var sent atomic.Int32
		b.slots.Intercept(one, func(_ int, c []byte) softcard.Event {
			if c[1] == 0x20 {
				sent.Add(1)
				return at
			}
			return softcard.Answer
		})
		_, token := b.challenge()
		word := map[softcard.Event]cps.BridgeError{softcard.Reset: cps.CardError, softcard.Pulled: cps.CardRemoved}[at]
		b.refused(b.ask(token), word)
		if sent.Load() != 1 {
			t.Errorf("%d PINs", sent.Load())
		}
		b.windows(1)
	}
}

func TestCancelOfSomebodyElse(t *testing.T) {
	b := newBed(t)
	opened, closed := b.holder.hesitates()
	_, token := b.challenge()
	pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)))
	wait(t, opened, "window")
	other, _ := b.challenge()
	if r := b.send(b.request(http.MethodPost, "/v1/cancel", `{"jti":"`+other.ID+`"}`)); r.status != http.StatusNoContent || len(r.body) != 0 {
		t.Errorf("%d %s", r.status, r.body) // as if it were there: nothing is learnt
	}
	if len(closed) != 0 || len(pending) != 0 {
		t.Error("another's cancel closed the window")
	}
	b.stop()
	b.refused(wait(t, pending, "answer"), cps.UserCancelled)
}

func TestCancelClosesTheWindow(t *testing.T) {
	b := newBed(t)
	opened, closed := b.holder.hesitates()
	c, token := b.challenge()
	pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)))
	wait(t, opened, "window")
	if r := b.send(b.request(http.MethodPost, "/v1/cancel", `{"jti":"`+c.ID+`"}`)); r.status != http.StatusNoContent {
		t.Errorf("%d %s", r.status, r.body)
	}
	wait(t, closed, "window closed")
	b.refused(wait(t, pending, "answer"), cps.UserCancelled)
}

func TestPageThatGoesAwayTakesItsWindow(t *testing.T) {
	b := newBed(t)
	opened, closed := b.holder.hesitates()
	_, token := b.challenge()
	page, leave := context.WithCancel(t.Context())
	pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)).WithContext(page))
	wait(t, opened, "window")
	leave()
	wait(t, closed, "window closed")
	if r := wait(t, pending, "page"); !errors.Is(r.err, context.Canceled) {
		t.Error(r)
	}
}

func TestCardPulledWhileTheWindowIsOpen(t *testing.T) {
	for name, pull := range map[string]func(*bed){
		"pulled":                func(b *bed) { b.slots.Remove(one) },
		"pulled and put back":   func(b *bed) { b.slots.Insert(one, newCard(t, "cps3", noOptions)) },
		"turned the wrong way":  func(b *bed) { b.slots.Mute(one) },
		"another in its place":  func(b *bed) { b.slots.Insert(one, newCard(t, "cps4", noOptions)) },
		"and one in the second": func(b *bed) { b.slots.Remove(one); b.slots.Insert(two, newCard(t, "cps4", noOptions)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			opened, closed := b.holder.hesitates()
			_, token := b.challenge()
			pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)))
			wait(t, opened, "window")
			pull(b)
			wait(t, closed, "window closed")
			b.refused(wait(t, pending, "answer"), cps.CardRemoved)
		})
	}
}

// A card that comes or goes in the other reader is nobody's business.
func TestChangeInTheOtherReaderDisturbsNothing(t *testing.T) {
	b := newBed(t)
	b.holder.Type = func(ctx context.Context, _ pin.Window) (string, error) {
		b.slots.Mute(two)
		b.slots.Remove(two)
		return rightPIN, ctx.Err()
	}
	b.login()
}

func TestPINPad(t *testing.T) {
	b := newBed(t)
	b.slots.PINPad(one)
	b.holder.Type = func(context.Context, pin.Window) (string, error) {
		t.Error("the PIN was asked for on the screen")
		return "", closedWindow()
	}
	b.login()
}

func TestTwoReadersTheChosenOneIsUsed(t *testing.T) {
	b := newBed(t)
	b.slots.Insert(two, newCard(t, "cps4", noOptions))
	b.holder.choose = func(readers []string) (int, error) {
		if !slices.Equal(readers, []string{one, two}) {
			t.Errorf("the holder was offered %v", readers)
		}
		return 1, nil
	}
	_, token := b.challenge()
	if a := b.answered(token, b.ask(token)); a.Card.Type != "cps4" {
		t.Errorf("signed by the %s", a.Card.Type)
	}
	if w := b.windows(1)[0]; w.Reader != two {
		t.Errorf("%+v", w)
	}
}

func TestTwoReadersNoneChosen(t *testing.T) {
	b := newBed(t)
	b.slots.Insert(two, newCard(t, "cps4", noOptions))
	b.holder.choose = func([]string) (int, error) { return 0, closedWindow() }
	_, token := b.challenge()
	b.early(b.ask(token), cps.UserCancelled)
}

// A badge in the second reader is nobody's choice.
func TestForeignCardInTheSecondReaderIsNoChoice(t *testing.T) {
	b := newBed(t)
	b.slots.Insert(two, newCard(t, "cps3-contactless", noOptions))
	b.holder.choose = func(readers []string) (int, error) {
		t.Errorf("asked to choose of %v", readers)
		return 0, nil
	}
	b.login()
}

// Failures of the window itself, in the protocol's words.
func TestWindowThatFails(t *testing.T) {
	for word, failure := range map[cps.BridgeError]error{
		cps.WindowUnavailable: fault.New(fault.Unavailable, cps.CodeNoWindow, "no display"),
		cps.Timeout:           fault.New(fault.Expired, cps.CodeTimeout, "the window gave up"),
		cps.UserCancelled:     closedWindow(),
		cps.CardError:         errors.New("a fault of ours"),
	} {
		t.Run(string(word), func(t *testing.T) {
			b := newBed(t)
			b.holder.Type = func(context.Context, pin.Window) (string, error) { return "", failure }
			_, token := b.challenge()
			b.refused(b.ask(token), word)
			b.windows(1)
			b.holder.types(rightPIN)
			b.login()
		})
	}
}

// Who stops the bridge finds the window closed and no request taken afterwards.
func TestStoppedBridgeTakesNoRequest(t *testing.T) {
	b := newBed(t)
	b.stop()
	_, token := b.challenge()
	_, err := b.agent.Authenticate(t.Context(), b.provider.origin, token)
	if wordOf(err) != cps.BridgeBusy {
		t.Error(err)
	}
	if r := b.ask(token); r.err == nil {
		t.Errorf("answered %d", r.status)
	}
	b.windows(0)
}
