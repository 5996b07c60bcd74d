package card_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/card"
)

// The table of cps-card.md section 1.
func TestIdentify(t *testing.T) {
	for atr, want := range map[string]card.Kind{
		"3B AC 00 40 2A 00 12 25 00 64 80 00 03 10 00 90 00":          card.CPS3,
		"3B AC 00 40 2A 00 12 25 00 64 80 82 02 12 00 90 00":          card.CPS3,    // older, same family
		"3B AD 11 22 33 00 12 25 00 64 80 01 02 03 00 90 00":          card.CPS3,    // bits that do not count
		"3B AC 00 40 2A 01 12 25 00 64 80 00 03 10 00 90 00":          card.Unknown, // one that does
		"3B AC 00 40 2A 00 12 25 00 64 81 00 03 10 00 90 00":          card.Unknown, // another family
		"3B AC 00 40 2A 00 12 25 00 64 80 00 03 10 00 90":             card.Unknown,
		"3B 8F 80 01 00 31 B8 64 04 B0 EC C1 73 94 01 80 82 90 00 0E": card.Contactless,
		"3B 8F 80 01 00 31 B8 64 FF FF EC FF 73 94 01 80 82 90 00 0E": card.Contactless,
		"2B 8F 80 01 00 31 B8 64 04 B0 EC C1 73 94 01 80 82 90 00 0E": card.Unknown, // a misprint seen elsewhere
		"3B 9B 18 80 01 00 12 25 00 64 80 04 01 00 00 90 44":          card.CPS4,
		"3B 9B 18 80 01 00 12 25 00 64 80 00 04 01 00 90 44":          card.CPS4,    // release candidate
		"3B DC 18 FF 00 00 12 25 00 64 80 00 04 01 00 90 00":          card.CPS4,    // T=0 only
		"3B 9B 18 80 01 00 12 25 00 64 80 04 01 00 01 90 44":          card.Unknown, // exact
		"3B 65 00 00 9C 02 02 07 02":                                  card.Unknown,
		"3B":                                                          card.Unknown,
		"":                                                            card.None,
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(atr, " ", ""))
		must(t, err)
		if got := card.Identify(b); got != want {
			t.Errorf("%s is a %s, want %s", atr, got, want)
		}
	}
}
