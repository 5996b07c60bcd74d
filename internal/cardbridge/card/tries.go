package card

import (
	"bytes"
	"context"
	"errors"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// wrongPIN is a refused PIN and how many more the card takes.
type wrongPIN struct {
	cause *fault.Error
	left  int
}

func (e *wrongPIN) Error() string { return e.cause.Error() }

// Unwrap gives the fault: Denied with CodePINWrong or CodePINBlocked.
func (e *wrongPIN) Unwrap() error { return e.cause }

// TriesLeft gives the tries left after a refused PIN; false for other failures.
func TriesLeft(err error) (left int, ok bool) {
	if wrong, ok := errors.AsType[*wrongPIN](err); ok {
		return wrong.left, true
	}
	return 0, false
}

func refused(left int) error {
	if left == 0 {
		return &wrongPIN{cause: fault.New(fault.Denied, cps.CodePINBlocked, "the PIN is blocked")}
	}
	return &wrongPIN{cause: fault.New(fault.Denied, cps.CodePINWrong, "the PIN is wrong"), left: left}
}

// Tries gives how many PINs the card still takes. It costs none.
// Errors: as Open.
func (s *Session) Tries(ctx context.Context) (int, error) {
	left := 0
	err := s.begin(ctx, func(ctx context.Context) error {
		var err error
		left, err = s.model.tries(ctx, s)
		return err
	})
	return left, err
}

// askCounters asks CPS3 for the PIN's counters [C OSC#2275].
var askCounters = []byte{0x4d, 0x08, 0x70, 0x06, 0xbf, 0x81, 0x01, 0x02, 0xa0, 0x80}

// triesByData is CPS3: the counters are read at the root.
func triesByData(ctx context.Context, s *Session) (int, error) {
	if err := selectFromRoot(ctx, s, root); err != nil {
		return 0, err
	}
	data, sw, err := s.send(ctx, apdu{ins: insGetData, p1: 0x3f, p2: 0xff, data: askCounters, want: 0})
	if err := expect("read PIN counter", insGetData, sw, err); err != nil {
		return 0, err
	}
	left, ok := counters(data)
	if !ok {
		return 0, faulty("its PIN counter cannot be read")
	}
	return left, s.enter(ctx)
}

// counters reads 70 { BF8101 { A0 { 9B tries left, 9D uses left } } }. Only some
// cards count their uses: none left blocks, whatever tries remain [C CL].
func counters(data []byte) (left int, ok bool) {
	for _, tag := range []int{0x70, 0xbf8101, 0xa0} {
		if data, ok = (object{value: data}).first(tag); !ok {
			return 0, false
		}
	}
	pin := object{value: data}
	tries, _ := pin.first(0x9b)
	n, ok := small(tries)
	if uses, counted := pin.first(0x9d); counted && len(bytes.Trim(uses, "\x00")) == 0 {
		n = 0
	}
	return int(n), ok
}

// triesByVerify is CPS4: a VERIFY without data asks [C CL card-cps4.c].
func triesByVerify(ctx context.Context, s *Session) (int, error) {
	_, sw, err := s.send(ctx, apdu{ins: insVerify, p2: s.objects.pin.reference, want: none})
	if err != nil {
		return 0, err
	}
	if left, known := triesOf(sw); known {
		return left, nil
	}
	return 0, expect("read PIN counter", insVerify, sw, nil)
}

// triesOf reads 63Cx, 6983 and 6984 (not usable).
func triesOf(sw int) (left int, known bool) {
	switch {
	case sw&0xfff0 == 0x63c0:
		return sw & 0x0f, true
	case sw == 0x6983, sw == 0x6984:
		return 0, true
	}
	return 0, false
}
