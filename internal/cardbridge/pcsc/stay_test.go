//go:build pcsc

package pcsc_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// The card leaves while its holder types, when no command is under way: the
// reader sees the next card all the same.
func TestCardPulledWhileTheHolderTypes(t *testing.T) {
	b := newBench(t)
	for _, model := range []string{"cps3", "cps4"} {
		pull := b.insert(0, model, nil)
		link, err := b.readers.Connect(t.Context(), b.Readers[0])
		must(t, err)
		s, err := card.Open(t.Context(), link)
		must(t, err)
		pull()
		b.until(0, cardbridge.Empty)
		if model == "cps4" { // the holder goes on, or his window was closed before
			if err := s.Verify(t.Context(), []byte("1234")); fault.CodeOf(err) != cps.CodeCardRemoved {
				t.Errorf("%v", err)
			}
		}
		must(t, link.Close())
		again := b.insert(0, model, nil)
		_, _, err = b.login(t.Context(), 0, "1234")
		must(t, err)
		again()
		b.until(0, cardbridge.Empty)
	}
}

// A window that was closed sends nothing any more, and no PIN of all things.
func TestNothingIsSentAfterCancellation(t *testing.T) {
	b := newBench(t)
	var sent atomic.Int32
	b.insert(0, "cps3", func(int, []byte) softcard.Event {
		sent.Add(1)
		return softcard.Answer
	})
	link, err := b.readers.Connect(t.Context(), b.Readers[0])
	must(t, err)
	before := sent.Load()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if _, err := link.Transmit(ctx, []byte{0x00, 0x20, 0x00, 0x01}); err == nil {
			t.Error("sent")
		}
	}
	must(t, link.Close())
	if n := sent.Load(); n != before {
		t.Errorf("%d commands were sent", n-before)
	}
}

// A card that hangs holds nobody: the command is given up, Close too, and the
// card is reset as soon as it answers.
func TestCardThatHangs(t *testing.T) {
	b := newBench(t)
	answer, asked := make(chan struct{}), make(chan struct{})
	b.insert(0, "cps3", func(_ int, c []byte) softcard.Event {
		if c[1] == 0xb0 {
			select {
			case <-answer:
			default:
				close(asked)
				<-answer
			}
		}
		return softcard.Answer
	})
	link, err := b.readers.Connect(t.Context(), b.Readers[0])
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := card.Open(ctx, link); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := link.Close(); fault.CodeOf(err) != cps.CodeCardError {
		t.Errorf("%v", err)
	}
	close(answer)
	_, _, err = b.login(t.Context(), 0, "1234")
	must(t, err)
}

// Several watch at once, as a login and the sessions that stand on a card do:
// each sees the card leave.
func TestManyWatchers(t *testing.T) {
	b := newBench(t)
	for range 3 {
		pull := b.insert(0, "cps3", nil)
		seen, err := b.readers.Readers(t.Context())
		must(t, err)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if err := b.readers.Changed(t.Context(), seen); err != nil {
					t.Errorf("%v", err)
				}
			})
		}
		for range 20 {
			_, err := b.readers.Readers(t.Context())
			must(t, err)
			runtime.GC()
		}
		pull()
		all.Wait()
		b.until(0, cardbridge.Empty)
	}
}

func TestReaderThatIsNotThere(t *testing.T) {
	b := newBench(t)
	for name, code := range map[string]string{"Lecteur absent": cps.CodeNoReader, b.Readers[0]: cps.CodeNoCard} {
		if _, err := b.readers.Connect(t.Context(), name); !fault.Is(err, fault.NotFound) || fault.CodeOf(err) != code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
