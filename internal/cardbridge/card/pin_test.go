package card_test

import (
	"bytes"
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Whatever happens to the card and at whichever command, one Verify sends one
// PIN at most, and a login too: no sequence of resets, refusals and removals
// makes the driver try again by itself.
func TestNeverASecondPINByItself(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		model := rapid.SampledFrom([]string{"cps3", "cps4"}).Draw(r, "model")
		s := insert(t, model, noOptions)
		link := tamper(t, s, func([]byte) []byte {
			switch rapid.IntRange(0, 60).Draw(r, "event") {
			case 0:
				return []byte{rapid.SampledFrom([]byte{0x61, 0x62, 0x63, 0x64, 0x67, 0x69, 0x6a, 0x6c, 0x6f, 0x90}).Draw(r, "sw1"), rapid.Byte().Draw(r, "sw2")}
			case 1:
				s.Remove(reader)
			}
			return nil
		})
		s.Intercept(reader, func(int, []byte) softcard.Event {
			if rapid.IntRange(0, 30).Draw(r, "reset") == 0 {
				return softcard.Reset
			}
			return softcard.Answer
		})
		_, _, err := loginTo(t.Context(), link, "1234")
		if n := pins(link.sent); n > 1 || err == nil && n != 1 {
			r.Fatalf("%d PINs, %v", n, err)
		}
	})
}

// What cannot be a PIN is never sent: it would cost a try.
func TestImpossiblePINCostsNoTry(t *testing.T) {
	s := insert(t, "cps3", noOptions)
	for _, pin := range []string{"", "123", "123456789", "12a4", "é12", "1234\n", "12 34"} {
		if _, _, err := login(t.Context(), s, pin); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", pin, err)
		}
	}
	session, err := connect(t, s)
	must(t, err)
	if left, err := session.Tries(t.Context()); err != nil || left != 3 {
		t.Errorf("%d tries left, %v", left, err)
	}
}

// keeper is a link that keeps the very buffers it was given.
type keeper struct {
	cardbridge.Card
	buffers [][]byte
}

func (k *keeper) Transmit(ctx context.Context, c []byte) ([]byte, error) {
	k.buffers = append(k.buffers, c[:cap(c)])
	return k.Card.Transmit(ctx, c)
}

func TestPINBufferIsWiped(t *testing.T) {
	link, err := insert(t, "cps3", noOptions).Connect(t.Context(), reader)
	must(t, err)
	k := &keeper{Card: link}
	session, err := card.Open(t.Context(), k)
	must(t, err)
	for _, typed := range []string{"9999", "1234", "12345678901"} {
		pin := []byte(typed)
		if err := session.Verify(t.Context(), pin); err != nil {
			t.Logf("%s: %v", typed, err)
		}
		if len(bytes.Trim(pin, "\x00")) != 0 {
			t.Errorf("the PIN stays in memory: %q", pin)
		}
	}
	for _, b := range k.buffers {
		if len(bytes.Trim(b, "\x00")) != 0 {
			t.Errorf("a command stays in memory: %x", b)
		}
	}
}

// The reader resets the card while its holder types (Windows does after five
// seconds of rest): found out before the PIN is sent, which then is, once.
func TestResetWhileTheHolderTypes(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		s := insert(t, model, noOptions)
		typing := false
		s.Intercept(reader, func(int, []byte) softcard.Event {
			if typing {
				typing = false
				return softcard.Reset
			}
			return softcard.Answer
		})
		link := tamper(t, s, func([]byte) []byte { return nil })
		session, err := card.Open(t.Context(), link)
		must(t, err)
		_, err = session.Certificate(t.Context())
		must(t, err)
		typing = true
		must(t, session.Verify(t.Context(), []byte("1234")))
		_, err = session.Sign(t.Context(), cps.DigestInfo([]byte("message")))
		must(t, err)
		if pins(link.sent) != 1 {
			t.Errorf("%s: %d PINs", model, pins(link.sent))
		}
	}
}

// Once a PIN was sent nothing begins anew: the driver cannot know what became of it.
func TestResetAfterAPIN(t *testing.T) {
	s := insert(t, "cps3", noOptions)
	session, err := connect(t, s)
	must(t, err)
	if _, known := card.TriesLeft(session.Verify(t.Context(), []byte("9999"))); !known {
		t.Fatal("not refused")
	}
	sent := 0
	s.Intercept(reader, func(_ int, c []byte) softcard.Event {
		sent++
		if sent == 1 {
			return softcard.Reset
		}
		return softcard.Answer
	})
	if err := session.Verify(t.Context(), []byte("1234")); fault.CodeOf(err) != cps.CodeCardError || sent != 1 {
		t.Errorf("%v after %d commands", err, sent)
	}
}

// The answers of a reader with keys of its own (PC/SC part 10, 2.5.2).
func TestPINPad(t *testing.T) {
	for answer, code := range map[string]string{
		"9000": "", "63C2": cps.CodePINWrong, "63C0": cps.CodePINBlocked, "6983": cps.CodePINBlocked, "6400": cps.CodeTimeout,
		"6401": cps.CodeCancelled, "6403": cps.CodePINWrong, "6F00": cps.CodeCardError, "90": cps.CodeCardError,
	} {
		p := newPlain()
		p.pad = unhex(answer)
		s, err := card.Open(t.Context(), p)
		must(t, err)
		if err := s.VerifyOnPad(t.Context()); fault.CodeOf(err) != code {
			t.Errorf("%s: %v", answer, err)
		}
		if template := p.sent[len(p.sent)-1]; !bytes.Equal(template, unhex("0020000100")) {
			t.Errorf("template %x", template)
		}
	}
}

func TestReaderWithoutPINPad(t *testing.T) {
	s, err := connect(t, insert(t, "cps3", noOptions))
	must(t, err)
	if err := s.VerifyOnPad(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

// The counters of CPS3, whose use counter only some cards have [C CL].
func TestCounters(t *testing.T) {
	for answer, want := range map[string]int{
		"7016BF810112A0109A01039B0103A1088C067E0000000000": 3,
		"700CBF810108A0069A01039B0102":                     2,
		"700FBF81010BA0099A01039B01029D0100":               0, // no use left
		"7010BF81010CA00A9A01039B01029D020000":             0,
		"7010BF81010CA00A9A01039B01029D020100":             2,
		"7013BF81010FA00D9A01039B01029D05FFFFFFFFFF":       2, // a count without end
		"700CBF810108A0069A01039B0100":                     0,
	} {
		p := newPlain()
		p.before = func(c []byte) []byte {
			if c[1] == 0xcb {
				return unhex(answer + "9000")
			}
			return nil
		}
		s, err := card.Open(t.Context(), p)
		must(t, err)
		if left, err := s.Tries(t.Context()); err != nil || left != want {
			t.Errorf("%s: %d left, %v", answer, left, err)
		}
	}
}

// A counter that cannot be read is no counter of three.
func TestUnreadableCounter(t *testing.T) {
	for _, answer := range []string{"9000", "70009000", "7006BF810102A0009000", "700CBF810108A0069A01039B00039000", "6A88"} {
		p := newPlain()
		p.before = func(c []byte) []byte {
			if c[1] == 0xcb {
				return unhex(answer)
			}
			return nil
		}
		s, err := card.Open(t.Context(), p)
		must(t, err)
		if left, err := s.Tries(t.Context()); fault.CodeOf(err) != cps.CodeCardError {
			t.Errorf("%s: %d left, %v", answer, left, err)
		}
	}
}
