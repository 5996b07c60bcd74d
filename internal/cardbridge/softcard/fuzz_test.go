package softcard_test

import (
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
)

// maxAnswer is what a short answer holds: 256 bytes and a status.
const maxAnswer = 258

// Whatever bytes come, a card answers a status and at most 256 bytes.
func FuzzTransmit(f *testing.F) {
	for _, seed := range []string{
		"00a4040c0de828bd080f8025000001ff0010", "00a4090406" + "3f0000017001", "00b00000e7", "00cb3fff0a4d087006bf810102a080", verifyPIN,
		"002241a406800102840182", "0088000004" + "00010203", "00c0000000", "102a8086028131", "002a90a0059000800131", "002c00010c313233343536373831323334",
		"0122 81b6 04 91022890",
	} {
		f.Add([]byte(unhex(f, seed)), []byte{0x00, 0x2a, 0x9e, 0x9a, 0x00})
	}
	cards := map[string]*softcard.Emulator{}
	for _, m := range models() {
		cards[m] = newCard(f, m, softcard.Options{Uses: 255})
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for m, e := range cards {
			e.Reset()
			for _, command := range [][]byte{first, second, {0x00, 0xc0, 0x00, 0x00, 0x00}} {
				if n := len(e.Transmit(command)); n < 2 || n > maxAnswer {
					t.Fatalf("%s answered %d bytes to % x", m, n, command)
				}
			}
		}
	})
}
