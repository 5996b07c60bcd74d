package sandbox

import "time"

// Behaviour is what a persona's phone or card does with a request, the same each time.
type Behaviour string

// Behaviours, as the table of test persons names them.
const (
	Approve      Behaviour = "approve-300ms"
	ApproveLate  Behaviour = "approve-20s"
	Refuse       Behaviour = "refuse"
	Ignore       Behaviour = "ignore"
	WrongNumber  Behaviour = "wrong-number"
	WrongPIN     Behaviour = "wrong-pin"
	Locked       Behaviour = "locked"
	Expired      Behaviour = "expired"
	Suspended    Behaviour = "suspended"
	CardOnly     Behaviour = "card-only"
	ClosedRecord Behaviour = "closed-record"
	NoLogin      Behaviour = "no-login"

	CardPulled     Behaviour = "card-pulled" // leaves the reader 3 s after its login
	CardRevoked    Behaviour = "card-revoked"
	CardExpired    Behaviour = "card-expired"
	CardPINBlocked Behaviour = "card-pin-blocked"
)

// HasPhone tells whether a phone is enrolled for the persona.
func (b Behaviour) HasPhone() bool {
	switch b {
	case Approve, ApproveLate, Refuse, Ignore, WrongNumber, WrongPIN, Locked, Expired, Suspended:
		return true
	case CardOnly, ClosedRecord, NoLogin, CardPulled, CardRevoked, CardExpired, CardPINBlocked:
		return false
	}
	return false
}

// delay is how long the phone takes to answer.
func (b Behaviour) delay() time.Duration {
	if b == ApproveLate {
		return 20 * time.Second
	}
	return 300 * time.Millisecond
}
