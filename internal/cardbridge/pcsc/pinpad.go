//go:build pcsc

package pcsc

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/platform/fault"
)

// PC/SC part 10: a reader with keys lists what it can do as tag, length 4,
// big-endian control code.
const (
	featureRequest   = 3400
	featureVerifyPIN = 0x06
	forTyping        = 60 * time.Second
)

// pinPad gives the control code of FEATURE_VERIFY_PIN_DIRECT, 0 without one.
func pinPad(card *scard.Card) uint32 {
	list, err := card.Control(scard.CtlCode(featureRequest), nil)
	if err != nil {
		return 0 // a reader without features
	}
	return verifyCode(list)
}

func verifyCode(list []byte) uint32 {
	const head, code = 2, 4
	for len(list) >= head {
		tag, n := list[0], int(list[1])
		if len(list) < head+n {
			return 0
		}
		if tag == featureVerifyPIN && n == code {
			return binary.BigEndian.Uint32(list[head:])
		}
		list = list[head+n:]
	}
	return 0
}

// VerifyOnPad implements cardbridge.Card: the reader puts what is typed into the
// command and sends it.
func (c *connection) VerifyOnPad(ctx context.Context, template []byte, least, most int) ([]byte, error) {
	if c.verify == 0 {
		return nil, fault.New(fault.Unavailable, "", "the reader has no PIN pad")
	}
	return c.bounded(ctx, forTyping, verifyStructure(template, least, most), func(structure []byte) ([]byte, error) {
		return c.card.Control(c.verify, structure)
	})
}

// verifyStructure is PIN_VERIFY (PC/SC part 10, 2.5.2), little-endian: ASCII, not
// padded, and as many digits as the card wants.
func verifyStructure(template []byte, least, most int) []byte {
	const (
		timeout   = 30   // seconds
		ascii     = 0x82 // system units are bytes, position 0, left, ASCII
		validate  = 0x02 // by the key for validation
		french    = 0x040c
		noMessage = 0x00
	)
	b := []byte{timeout, timeout, ascii, 0x00, 0x00}
	b = append(b, byte(most), byte(least), validate, noMessage) //nolint:gosec // PIN lengths
	b = binary.LittleEndian.AppendUint16(b, french)
	b = append(b, 0x00, 0x00, 0x00, 0x00)                                                  // message index, T=1 prologue
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(template))), template...) //nolint:gosec // four bytes
}
