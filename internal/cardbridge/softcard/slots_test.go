package softcard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

const reader, other = "Lecteur 1", "Lecteur 2"

func newSlots(t testing.TB, o softcard.Options) *softcard.Slots {
	t.Helper()
	s := softcard.NewSlots(reader, other)
	s.Insert(reader, newCard(t, "cps3", o))
	return s
}

func connect(t testing.TB, s *softcard.Slots) cardbridge.Card {
	t.Helper()
	c, err := s.Connect(t.Context(), reader)
	must(t, err)
	return c
}

// transmit sends to an open card and gives the status, 0 with an error.
func transmit(t testing.TB, c cardbridge.Card, command string) (uint16, error) {
	t.Helper()
	b, err := c.Transmit(t.Context(), unhex(t, command))
	if err != nil {
		return 0, err
	}
	return uint16(b[len(b)-2])<<8 | uint16(b[len(b)-1]), nil
}

func state(t testing.TB, s *softcard.Slots, n int) cardbridge.State {
	t.Helper()
	all, err := s.Readers(t.Context())
	must(t, err)
	return all[n].State
}

func TestReaderStates(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	card := connect(t, s)
	s.Mute(other)
	if state(t, s, 0) != cardbridge.Busy || state(t, s, 1) != cardbridge.Mute {
		t.Error(s.Readers(t.Context()))
	}
	must(t, card.Close())
	s.Remove(other)
	if state(t, s, 0) != cardbridge.Present || state(t, s, 1) != cardbridge.Empty {
		t.Error(s.Readers(t.Context()))
	}
}

func TestConnectRefusals(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	connect(t, s)
	for name, want := range map[string]string{reader: cps.CodeBusy, other: cps.CodeNoCard, "Lecteur 3": cps.CodeNoReader} {
		if _, err := s.Connect(t.Context(), name); fault.CodeOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Mute(other)
	if _, err := s.Connect(t.Context(), other); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// The PIN does not stay open for the next program (cps-card.md section 4).
func TestClosedCardForgetsThePIN(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	first := connect(t, s)
	if sw, err := transmit(t, first, verifyPIN); err != nil || sw != 0x9000 {
		t.Fatal(sw, err)
	}
	must(t, first.Close())
	if sw, err := transmit(t, connect(t, s), "00200001"); err != nil || sw != 0x63c3 {
		t.Errorf("the next program is answered %04X, %v", sw, err)
	}
}

// A card that was pulled and put back belongs to whoever opens it next: the
// first holder neither uses nor resets it.
func TestPulledCardIsLostToItsHolder(t *testing.T) {
	s := softcard.NewSlots(reader)
	card := newCard(t, "cps3", softcard.Options{})
	s.Insert(reader, card)
	first := connect(t, s)
	s.Remove(reader)
	s.Insert(reader, card)
	second := connect(t, s)
	if sw, err := transmit(t, second, verifyPIN); err != nil || sw != 0x9000 {
		t.Fatal(sw, err)
	}
	if _, err := transmit(t, first, "00200001"); fault.CodeOf(err) != cps.CodeCardRemoved {
		t.Errorf("the first holder still talks to the card: %v", err)
	}
	if err := first.Reconnect(t.Context()); fault.CodeOf(err) != cps.CodeCardRemoved {
		t.Error(err)
	}
	must(t, first.Close())
	if sw, err := transmit(t, second, "00200001"); err != nil || sw != 0x9000 {
		t.Errorf("the first holder has reset the card: %04X, %v", sw, err)
	}
	if state(t, s, 0) != cardbridge.Busy {
		t.Error("the first holder has freed the card")
	}
}

// A reset by another program is told until the card is opened anew.
func TestResetByAnotherProgram(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	s.Intercept(reader, func(n int, _ []byte) softcard.Event {
		if n == 2 {
			return softcard.Reset
		}
		return softcard.Answer
	})
	c := connect(t, s)
	if sw, err := transmit(t, c, verifyPIN); err != nil || sw != 0x9000 {
		t.Fatal(sw, err)
	}
	for range 2 {
		if _, err := transmit(t, c, "00200001"); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
	}
	must(t, c.Reconnect(t.Context()))
	if sw, err := transmit(t, c, "00200001"); err != nil || sw != 0x63c3 {
		t.Errorf("%04X, %v", sw, err)
	}
}

func TestPulledAtACommand(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	s.Intercept(reader, func(_ int, command []byte) softcard.Event {
		if command[1] == 0x20 {
			return softcard.Pulled
		}
		return softcard.Answer
	})
	c := connect(t, s)
	if _, err := transmit(t, c, "00a4090c023f00"); err != nil {
		t.Fatal(err)
	}
	if _, err := transmit(t, c, verifyPIN); fault.CodeOf(err) != cps.CodeCardRemoved {
		t.Error(err)
	}
	if state(t, s, 0) != cardbridge.Empty {
		t.Error("the card is still there")
	}
}

func TestPINPad(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	template := []byte{0x00, 0x20, 0x00, 0x01}
	c := connect(t, s)
	if _, err := c.VerifyOnPad(t.Context(), template, 4, 8); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	s.PINPad(reader) // the card stays open
	for _, least := range []int{5, 4} {
		sw, err := c.VerifyOnPad(t.Context(), template, least, 8)
		if ok := err == nil && string(sw) == "\x90\x00"; ok != (least == 4) {
			t.Errorf("at least %d digits: % x, %v", least, sw, err)
		}
	}
}

// Who waits wakes for a card put in, taken out or swapped, and for no other reason.
func TestChanged(t *testing.T) {
	s := newSlots(t, softcard.Options{})
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"removed", func() { s.Remove(reader) }},
		{"put in", func() { s.Insert(reader, newCard(t, "cps3", softcard.Options{})) }},
		{"swapped", func() { s.Insert(reader, newCard(t, "cps4", softcard.Options{})) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen, err := s.Readers(t.Context())
			must(t, err)
			woken := make(chan error, 1)
			go func() { woken <- s.Changed(t.Context(), seen) }()
			c.change()
			must(t, <-woken)
			must(t, s.Changed(t.Context(), seen)) // what has happened before is not missed
		})
	}
	seen, err := s.Readers(t.Context())
	must(t, err)
	card := connect(t, s)
	s.Intercept(reader, nil)
	must(t, card.Close())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Changed(ended, seen); !errors.Is(err, context.Canceled) {
		t.Errorf("woken for nothing: %v", err)
	}
}

// Nothing is sent for a caller who has gone.
func TestTransmitAfterDeadline(t *testing.T) {
	c := connect(t, newSlots(t, softcard.Options{Tries: 1}))
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := c.Transmit(late, unhex(t, "002000010430303030")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if sw, err := transmit(t, c, "00200001"); err != nil || sw != 0x63c1 {
		t.Errorf("%04X, %v", sw, err)
	}
}
