package card

import (
	"context"
	"fmt"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Bounds against a card that never comes to an end: a login takes some forty
// commands, most of them reads.
const (
	maxCommands = 400
	maxAnswer   = 4 << 10
	maxFile     = 8 << 10
	maxChunk    = 0xe7 // of one read [C]
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

const swOK = 0x9000

// command builds a short APDU; want is the expected length, none if negative.
func (s *Session) command(ins, p1, p2 byte, data []byte, want int) []byte {
	b := []byte{s.model.class, ins, p1, p2}
	if len(data) > 0 {
		b = append(append(b, byte(len(data))), data...) //nolint:gosec // at most 255, held by callers
	}
	if want >= 0 && (len(data) == 0 || !s.link.T0()) {
		b = append(b, byte(want)) //nolint:gosec // 256 is written 0
	}
	return b
}

// send exchanges one command, with what T=0 needs after it: 61xx is fetched,
// 6Cxx asked again with the right length.
func (s *Session) send(ctx context.Context, command []byte) (data []byte, sw int, err error) {
	data, sw, err = s.once(ctx, command)
	if err == nil && sw>>8 == 0x6c && len(data) == 0 {
		repeat := append([]byte{}, command...)
		const bare = 4 // a command without body carries Le alone, or nothing
		if len(repeat) == bare {
			repeat = append(repeat, 0)
		}
		repeat[len(repeat)-1] = byte(sw)
		data, sw, err = s.once(ctx, repeat)
	}
	for err == nil && sw>>8 == 0x61 {
		if len(data) > maxAnswer {
			return nil, 0, faulty("its answer has no end")
		}
		var more []byte
		more, sw, err = s.once(ctx, []byte{s.model.class &^ 0x10, insGetResponse, 0, 0, byte(sw)})
		data = append(data, more...)
	}
	return data, sw, err
}

// once exchanges one APDU and nothing more.
func (s *Session) once(ctx context.Context, command []byte) ([]byte, int, error) {
	if s.sent++; s.sent > maxCommands {
		return nil, 0, faulty("it wants too many commands")
	}
	answer, err := s.link.Transmit(ctx, command)
	if err != nil {
		return nil, 0, err
	}
	n := len(answer) - 2
	if n < 0 {
		return nil, 0, faulty("its answer has no status")
	}
	return answer[:n:n], int(answer[n])<<8 | int(answer[n+1]), nil
}

// chained sends data longer than one command takes (ISO 7816-4, 5.3.3).
func (s *Session) chained(ctx context.Context, ins, p1, p2 byte, data []byte) ([]byte, int, error) {
	const part = 0xf0
	for len(data) > part {
		c := s.command(ins, p1, p2, data[:part], -1)
		c[0] |= 0x10
		if _, sw, err := s.once(ctx, c); err != nil || sw != swOK {
			return nil, sw, err
		}
		data = data[part:]
	}
	return s.send(ctx, s.command(ins, p1, p2, data, 0))
}

// expect turns any status but success into a failure that names the step, the
// instruction and the status, and no data.
func expect(step string, ins byte, sw int, err error) error {
	if err != nil {
		return err
	}
	if sw != swOK {
		return faulty(fmt.Sprintf("%s: instruction %02X answered %04X", step, ins, sw))
	}
	return nil
}

func faulty(why string) error {
	return fault.New(fault.Unavailable, cps.CodeCardError, "card: "+why)
}
