package softcard_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
)

// Whatever happens to a card, three wrong PINs in a row are the most it takes,
// resets give none back, and the PIN opens nothing but until the next reset.
func TestPINCounter(t *testing.T) {
	const maxTries = 3
	rapid.Check(t, func(t *rapid.T) {
		model := rapid.SampledFrom([]string{"cps3", "cps4"}).Draw(t, "model")
		class := map[string]string{"cps3": "00", "cps4": "01"}[model]
		e := newCard(t, model, softcard.Options{})
		left, open := maxTries, false
		steps := map[string]func(*rapid.T){
			"wrong": func(t *rapid.T) {
				digits := rapid.SliceOfN(rapid.ByteRange('0', '9'), 1, 8).Filter(func(b []byte) bool { return string(b) != "1234" }).Draw(t, "PIN")
				want := uint16(0x6983)
				if left > 0 {
					want = 0x63c0 | uint16(left-1)
				}
				left, open = max(0, left-1), false
				expect(t, e, want, class+"200001", digits...)
			},
			"right": func(t *rapid.T) {
				want := uint16(0x6983)
				if left > 0 {
					left, open, want = maxTries, true, 0x9000
				}
				expect(t, e, want, class+verifyPIN[2:])
			},
			"reset": func(*rapid.T) { e.Reset(); open = false },
			"": func(t *rapid.T) {
				want := asked(left)
				if open {
					want = 0x9000
				}
				expect(t, e, want, class+"200001")
			},
		}
		t.Repeat(steps)
	})
}

// asked is the status that tells how many tries are left.
func asked(left int) uint16 {
	if left == 0 {
		return 0x6983
	}
	return 0x63c0 | uint16(left)
}

func TestPresetCounters(t *testing.T) {
	for name, c := range map[string]struct {
		o           softcard.Options
		asked, then uint16
	}{
		"fresh":            {softcard.Options{}, 0x63c3, 0x9000},
		"one try":          {softcard.Options{Tries: 1}, 0x63c1, 0x9000},
		"blocked":          {softcard.Options{Tries: -1}, 0x6983, 0x6983},
		"uses counted":     {softcard.Options{Uses: 2}, 0x63c3, 0x9000},
		"no use left":      {softcard.Options{Uses: -1}, 0x6984, 0x6984},
		"blocked and used": {softcard.Options{Tries: -1, Uses: -1}, 0x6983, 0x6983},
	} {
		t.Run(name, func(t *testing.T) {
			e := newCard(t, "cps3", c.o)
			expect(t, e, c.asked, "00200001")
			expect(t, e, c.then, verifyPIN)
		})
	}
}

// The use counter counts good PINs, tells itself by tag 9D, and ends the card's
// use though tries remain [C].
func TestUseCounter(t *testing.T) {
	e := newCard(t, "cps3", softcard.Options{Uses: 2})
	for _, want := range []byte{2, 1, 0} {
		counters := fetch(t, e, "00cb3fff0a4d087006bf810102a080")
		if got := counters[14:17]; got[0] != 0x9d || got[2] != want {
			t.Errorf("% x, want %d uses left", counters, want)
		}
		if want > 0 {
			expect(t, e, 0x9000, verifyPIN)
		}
	}
	expect(t, e, 0x6984, verifyPIN)
}
