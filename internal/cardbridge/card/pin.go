package card

import (
	"context"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Digits gives how long a PIN may be.
func (s *Session) Digits() (shortest, longest int) {
	return s.objects.pin.shortest, s.objects.pin.longest
}

// Verify sends one PIN, once. pin is wiped, whatever comes of it.
// Errors: fault.Invalid for what cannot be a PIN, which costs no try;
// fault.Denied with CodePINWrong or CodePINBlocked (TriesLeft); as Open.
func (s *Session) Verify(ctx context.Context, pin []byte) error {
	defer clear(pin)
	if !s.possible(pin) {
		return fault.New(fault.Invalid, cps.CodePINWrong, "no PIN of this card")
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.tried = true
	_, sw, err := s.once(ctx, apdu{ins: insVerify, p2: s.objects.pin.reference, data: pin, want: none}) // ASCII, not padded [I]
	return verified(sw, err)
}

// possible tells a PIN by its length and digits: a wrong one would cost a try.
func (s *Session) possible(pin []byte) bool {
	for _, d := range pin {
		if d < '0' || d > '9' {
			return false
		}
	}
	return len(pin) >= s.objects.pin.shortest && len(pin) <= s.objects.pin.longest
}

// ready selects the application anew before a PIN is sent: a card that was reset
// while its holder typed (Windows resets one whose transaction rests for five
// seconds) is found out by this command, and not by the one that carries the PIN.
func (s *Session) ready(ctx context.Context) error { return s.begin(ctx, s.enter) }

// PINPad tells that the holder may type on the reader itself.
func (s *Session) PINPad() bool { return s.link.PINPad() }

// VerifyOnPad lets the holder type on the reader. Errors: as Verify; fault.Denied
// with CodeCancelled and fault.Expired with CodeTimeout by the holder;
// fault.Unavailable without a PIN pad.
func (s *Session) VerifyOnPad(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.tried = true
	template := []byte{s.model.class, insVerify, 0, s.objects.pin.reference, 0} // the reader fills in the length and the digits
	answer, err := s.link.VerifyOnPad(ctx, template, s.objects.pin.shortest, s.objects.pin.longest)
	if err != nil {
		return verified(0, err)
	}
	if len(answer) != 2 {
		return faulty("the reader's answer has no status")
	}
	switch word(answer) { // the reader's own (PC/SC part 10, 2.5.2)
	case 0x6400:
		return fault.New(fault.Expired, cps.CodeTimeout, "no PIN was typed on the reader")
	case 0x6401:
		return fault.New(fault.Denied, cps.CodeCancelled, "the holder stopped at the reader")
	case 0x6403:
		return fault.New(fault.Invalid, cps.CodePINWrong, "no PIN of this card")
	}
	return verified(word(answer), nil)
}

// verified reads the answer to a VERIFY.
func verified(sw int, err error) error {
	if fault.Is(err, fault.Conflict) {
		return disturbed(err)
	}
	if err != nil || sw == swOK {
		return err
	}
	if left, known := triesOf(sw); known {
		return refused(left)
	}
	return expect("verify PIN", insVerify, sw, nil)
}
