package card

import (
	"context"
	"crypto"
	"crypto/rsa"
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
	var wrong *wrongPIN
	if errors.As(err, &wrong) {
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

func contactless() error {
	return fault.New(fault.Denied, cps.CodeContactless, "a contactless card proves no person")
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

// triesByData reads them: 9B tries left, and 9D uses left where a card counts
// its uses: none left blocks, whatever tries remain [C CL].
func triesByData(ctx context.Context, s *Session) (int, error) {
	_, sw, err := s.send(ctx, s.command(insSelect, 0x09, 0x0c, application[:2], -1))
	if err := expect("select card", insSelect, sw, err); err != nil {
		return 0, err
	}
	data, sw, err := s.send(ctx, s.command(insGetData, 0x3f, 0xff, askCounters, 0))
	if err := expect("read PIN counter", insGetData, sw, err); err != nil {
		return 0, err
	}
	left, uses, ok := counters(data)
	if !ok {
		return 0, faulty("its PIN counter cannot be read")
	}
	if uses == 0 {
		left = 0
	}
	return left, s.model.enter(ctx, s)
}

// counters finds 9B and 9D in 70 { BF8101 { A0 { ... } } }; uses is -1 on a card
// that does not count them.
func counters(data []byte) (left, uses int, ok bool) {
	uses = -1
	outer, _, good := next(data)
	if !good || len(outer.value) < 4 || outer.value[0] != 0xbf {
		return 0, uses, false
	}
	inner, _, good := next(append([]byte{0xa0}, outer.value[3:]...)) // the two-byte rest of the long tag is behind us
	if !good {
		return 0, uses, false
	}
	for _, o := range inner.children() {
		if o.tag != 0xa0 {
			continue
		}
		if b, found := o.first(0x9b); found {
			left, ok = small(b), true
		}
		if b, found := o.first(0x9d); found {
			uses = small(b)
		}
	}
	return left, uses, ok
}

// triesByVerify asks with a VERIFY without data [C].
func triesByVerify(ctx context.Context, s *Session) (int, error) {
	_, sw, err := s.send(ctx, s.command(insVerify, 0, s.objects.pin, nil, -1))
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

// Digits gives how long a PIN may be.
func (s *Session) Digits() (shortest, longest int) { return s.objects.shortest, s.objects.longest }

// Verify sends one PIN, once. pin is wiped, whatever comes of it.
// Errors: fault.Invalid for an impossible length, which costs no try;
// fault.Denied with CodePINWrong or CodePINBlocked (TriesLeft); as Open.
func (s *Session) Verify(ctx context.Context, pin []byte) error {
	defer clear(pin)
	if len(pin) < s.objects.shortest || len(pin) > s.objects.longest {
		return fault.New(fault.Invalid, cps.CodePINWrong, "a PIN of another length")
	}
	s.tried = true
	command := s.command(insVerify, 0, s.objects.pin, pin, -1) // ASCII, not padded [I]
	defer clear(command)
	_, sw, err := s.once(ctx, command)
	return s.verified(sw, err)
}

// VerifyOnPad lets the holder type on the reader. Errors: as Verify;
// fault.Unavailable without a PIN pad.
func (s *Session) VerifyOnPad(ctx context.Context) error {
	s.tried = true
	template := []byte{s.model.class, insVerify, 0, s.objects.pin}
	answer, err := s.link.VerifyOnPad(ctx, template, s.objects.shortest, s.objects.longest)
	if err == nil && len(answer) != 2 {
		return faulty("the reader's answer has no status")
	}
	if err != nil {
		return err
	}
	return s.verified(int(answer[0])<<8|int(answer[1]), nil)
}

func (s *Session) verified(sw int, err error) error {
	if fault.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Unavailable, cps.CodeCardError, "another program disturbs the card", err)
	}
	if err != nil || sw == swOK {
		return err
	}
	if left, known := triesOf(sw); known {
		return refused(left)
	}
	return expect("verify PIN", insVerify, sw, nil)
}

// Sign signs a DigestInfo with the authentication key, after Certificate and
// Verify, and checks the signature before it gives it away: a card that signs
// wrong must not look like an attack.
// Errors: fault.Unavailable with CodeCardError; as Open.
func (s *Session) Sign(ctx context.Context, digestInfo []byte) ([]byte, error) {
	if s.key == nil {
		return nil, fault.New(fault.Internal, "", "card: the certificate is read before signing")
	}
	signature, err := s.model.sign(ctx, s, digestInfo)
	if fault.Is(err, fault.Conflict) {
		return nil, fault.Wrap(fault.Unavailable, cps.CodeCardError, "another program disturbs the card", err)
	}
	if err != nil {
		return nil, err
	}
	if rsa.VerifyPKCS1v15(s.key, crypto.Hash(0), digestInfo, signature) != nil {
		return nil, faulty("its signature does not fit its certificate")
	}
	return signature, nil
}
