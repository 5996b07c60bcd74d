//go:build pcsc

package pcsc

import (
	"encoding/hex"
	"testing"
)

// The list of features of a reader: tag, length, control code (PC/SC part 10).
func TestFeatures(t *testing.T) {
	for list, want := range map[string]uint32{
		"": 0, "0604": 0, "060442330006": 0x42330006, "0704423300070604423300061204423300ff": 0x42330006,
		"07044233000712044233000a": 0, "06024233060442330006": 0x42330006, "060442": 0,
	} {
		b, err := hex.DecodeString(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := verifyCode(b); got != want {
			t.Errorf("%s: %08x, want %08x", list, got, want)
		}
	}
}

// PIN_VERIFY, byte by byte (PC/SC part 10, 2.5.2): little-endian.
func TestVerifyStructure(t *testing.T) {
	got := hex.EncodeToString(verifyStructure([]byte{0x00, 0x20, 0x00, 0x01, 0x00}, 4, 8))
	const want = "1e1e" + // seconds: first key, next keys
		"82" + "00" + "00" + // ASCII, left, bytes; no block; no length to insert
		"0804" + // wPINMaxExtraDigit 0408: at least 4, at most 8
		"02" + "00" + "0c04" + "00" + "000000" + // validation key, no message, French
		"05000000" + "0020000100"
	if got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}
