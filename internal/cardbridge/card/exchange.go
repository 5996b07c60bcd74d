package card

import (
	"context"
	"errors"
	"fmt"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Bounds against a card that never comes to an end: a login takes some forty
// commands, most of them reads.
const (
	maxCommands = 400
	maxAnswer   = 4 << 10
)

// Instructions (ISO 7816-4 and -8).
const (
	insVerify       = 0x20
	insMSE          = 0x22
	insPSO          = 0x2a
	insInternalAuth = 0x88
	insSelect       = 0xa4
	insReadBinary   = 0xb0
	insGetResponse  = 0xc0
	insGetData      = 0xcb
)

// Status words (cps-card.md section 4; ISO 7816-4).
const (
	swOK           = 0x9000
	swEnd          = 0x6282 // the file ended before the length asked for
	swNotFound     = 0x6a82
	swPast         = 0x6b00
	sw1MoreData    = 0x61
	sw1OtherLength = 0x6c
)

// none is the length of an answer that is not expected.
const none = -1

// apdu is one short command.
type apdu struct {
	ins, p1, p2 byte
	data        []byte // at most 255 bytes
	want        int    // expected length, up to 256, or none
	more        bool   // another part follows (ISO 7816-4, 5.3.3)
}

// encode writes the command; T=0 knows no length of the answer after data.
func (s *Session) encode(c apdu) []byte {
	b := make([]byte, 0, 4+1+len(c.data)+1) // in one piece: no copy of a PIN is left behind by growing
	b = append(b, s.model.class, c.ins, c.p1, c.p2)
	if c.more {
		b[0] |= 0x10
	}
	if len(c.data) > 0 {
		b = append(append(b, byte(len(c.data))), c.data...) //nolint:gosec // at most 255, held by callers
	}
	if s.saysLength(c) {
		b = append(b, byte(c.want)) //nolint:gosec // 256 is written 0
	}
	return b
}

func (s *Session) saysLength(c apdu) bool {
	return c.want >= 0 && (len(c.data) == 0 || !s.link.T0())
}

// send exchanges one command, with what T=0 needs after it: 61xx is fetched,
// 6Cxx asked again with the right length, once.
func (s *Session) send(ctx context.Context, c apdu) (answer []byte, sw int, err error) {
	for corrected := false; len(answer) <= maxAnswer; {
		data, sw, err := s.once(ctx, c)
		if err != nil {
			return nil, 0, err
		}
		answer = append(answer, data...)
		switch {
		case sw>>8 == sw1MoreData:
			c, corrected = apdu{ins: insGetResponse, want: sw & 0xff}, false
		case sw>>8 == sw1OtherLength && len(data) == 0 && s.saysLength(c) && !corrected:
			c.want, corrected = sw&0xff, true
		default:
			return answer, sw, nil
		}
	}
	return nil, 0, faulty("its answer has no end")
}

// once exchanges one APDU and nothing more, and wipes what was sent.
func (s *Session) once(ctx context.Context, c apdu) (data []byte, sw int, err error) {
	if s.sent++; s.sent > maxCommands {
		return nil, 0, faulty("it wants too many commands")
	}
	command := s.encode(c)
	defer clear(command)
	answer, err := s.link.Transmit(ctx, command)
	if err != nil {
		return nil, 0, err
	}
	n := len(answer) - 2
	if n < 0 {
		return nil, 0, faulty("its answer has no status")
	}
	return answer[:n:n], word(answer[n:]), nil
}

// word reads the two bytes of a status.
func word(b []byte) int { return int(b[0])<<8 | int(b[1]) }

// chained sends data longer than one command takes.
func (s *Session) chained(ctx context.Context, c apdu) (answer []byte, sw int, err error) {
	const part = 0xf0
	data := c.data
	for ; len(data) > part; data = data[part:] {
		_, sw, err := s.once(ctx, apdu{ins: c.ins, p1: c.p1, p2: c.p2, data: data[:part], want: none, more: true})
		if err != nil || sw != swOK {
			return nil, sw, err
		}
	}
	c.data = data
	return s.send(ctx, c)
}

// errAbsent is the cause of a failure by a file that is not there.
var errAbsent = errors.New("no such file")

// expect turns any status but success into a failure that names the step, the
// instruction and the status, and no data.
func expect(step string, ins byte, sw int, err error) error {
	if err != nil || sw == swOK {
		return err
	}
	detail := fmt.Sprintf("card: %s: instruction %02X answered %04X", step, ins, sw)
	if sw == swNotFound {
		return fault.Wrap(fault.Unavailable, cps.CodeCardError, detail, errAbsent)
	}
	return fault.New(fault.Unavailable, cps.CodeCardError, detail)
}

func faulty(why string) error {
	return fault.New(fault.Unavailable, cps.CodeCardError, "card: "+why)
}
