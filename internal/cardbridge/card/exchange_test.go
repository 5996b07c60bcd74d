package card_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// hostile is a card that answers what it likes.
type hostile struct {
	answer func(n int) []byte
	t1     bool
	sent   [][]byte
}

func (h *hostile) ATR() []byte { return cps3ATR }
func (h *hostile) T0() bool    { return !h.t1 }
func (h *hostile) Transmit(_ context.Context, c []byte) ([]byte, error) {
	h.sent = append(h.sent, bytes.Clone(c))
	return h.answer(len(h.sent)), nil
}
func (h *hostile) VerifyOnPad(context.Context, []byte, int, int) ([]byte, error) {
	return nil, errors.New("none")
}
func (h *hostile) PINPad() bool                    { return false }
func (h *hostile) Reconnect(context.Context) error { return nil }
func (h *hostile) Close() error                    { return nil }

// pins counts the commands that carry a PIN.
func pins(sent [][]byte) int {
	n := 0
	for _, c := range sent {
		if len(c) > 5 && c[1] == 0x20 {
			n++
		}
	}
	return n
}

// A card that goes on for ever is left.
func TestEndlessCard(t *testing.T) {
	for name, answer := range map[string][]byte{
		"more data, always": append(make([]byte, 200), 0x61, 0x00), "no data, always more": {0x61, 0x01},
		"another length, always": {0x6c, 0x01}, "a file without end": append(make([]byte, 0xe7), 0x90, 0x00),
		"no status": {0x90}, "nothing": {},
	} {
		h := &hostile{answer: func(int) []byte { return answer }}
		if _, err := card.Open(t.Context(), h); err == nil || len(h.sent) > 400 {
			t.Errorf("%s: %v after %d commands", name, err, len(h.sent))
		}
	}
}

// Where no length was said, none can be corrected: the last byte of the data
// would be overwritten, and another message signed, or another PIN sent.
func TestOtherLengthNeverChangesData(t *testing.T) {
	for _, ins := range []byte{0x20, 0x22, 0x88} {
		s := insert(t, "cps3", noOptions)
		link := tamper(t, s, func(c []byte) []byte {
			if c[1] == ins && len(c) > 5 {
				return unhex("6C10")
			}
			return nil
		})
		_, _, err := loginTo(t.Context(), link, "1234")
		if fault.CodeOf(err) != cps.CodeCardError {
			t.Errorf("%02x: %v", ins, err)
		}
		n := 0
		for _, c := range link.sent {
			if c[1] == ins && len(c) > 5 {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%02x was sent %d times", ins, n)
		}
	}
}

// A login whose every step is refused with any status ends in a code of the
// closed list, and its error tells neither PIN nor signed bytes.
func TestEveryStatusAtEveryCommand(t *testing.T) {
	total := len(recorded(t, "cps3"))
	for _, sw := range []string{"6281", "6300", "6400", "6581", "6700", "6881", "6982", "6985", "6A80", "6A82", "6A88", "6B00", "6C00", "6D00", "6E00", "6F00"} {
		for at := 1; at <= total; at++ {
			s, n := insert(t, "cps3", noOptions), 0
			link := tamper(t, s, func([]byte) []byte {
				if n++; n == at {
					return unhex(sw)
				}
				return nil
			})
			_, _, err := loginTo(t.Context(), link, "1234")
			if pins(link.sent) > 1 {
				t.Fatalf("%s at %d: a second PIN", sw, at)
			}
			if err == nil {
				continue // a missing EF.DIR or directory is no obstacle
			}
			switch fault.CodeOf(err) {
			case cps.CodeCardError, cps.CodeCardUnknown, cps.CodeContactless:
			default:
				t.Errorf("%s at %d: %v", sw, at, err)
			}
			if text := err.Error(); bytes.Contains([]byte(text), []byte("1234")) || bytes.Contains([]byte(text), []byte("31323334")) {
				t.Errorf("the PIN is in %q", text)
			}
		}
	}
}

// FuzzExchange lets a card answer a script: a length and as many bytes, again
// and again.
func FuzzExchange(f *testing.F) {
	f.Add([]byte{2, 0x61, 0x10, 9, 0x5a, 0x0a, 0x80, 0x25, 0, 0, 1, 0x90, 0}, false)
	f.Add([]byte{2, 0x90, 0, 2, 0x6c, 0x0c, 9, 0x5a, 0x0a, 0x80, 0x25, 0, 0, 1, 0x90, 0, 2, 0x90, 0, 6, 0xa0, 0x82, 0xff, 0xff, 0x90, 0x00}, true)
	f.Fuzz(func(t *testing.T, script []byte, t1 bool) {
		at := 0
		h := &hostile{t1: t1, answer: func(int) []byte {
			if len(script) == 0 {
				return nil
			}
			if at >= len(script) {
				at = 0
			}
			n := min(int(script[at]), len(script)-at-1)
			answer := script[at+1 : at+1+n]
			at += 1 + n
			return answer
		}}
		if _, signature, err := loginTo(t.Context(), h, "1234"); err == nil {
			t.Errorf("a signature out of noise: %x", signature)
		}
		if len(h.sent) > 400 || pins(h.sent) > 1 {
			t.Errorf("%d commands, %d PINs", len(h.sent), pins(h.sent))
		}
	})
}
