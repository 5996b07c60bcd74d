package wallet

import (
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Rejection is an answer of a phone that did not lead where its holder wanted.
type Rejection struct {
	Fault     error
	TriesLeft *int // after a wrong PIN
	Moved     bool // the phone's ratchet has moved nevertheless
}

// Error implements error.
func (r *Rejection) Error() string { return r.Fault.Error() }

// Unwrap gives the fault.
func (r *Rejection) Unwrap() error { return r.Fault }

// traces are the events an outcome leaves, in order.
func traces(o outcome, r record, d device) []audit.Event {
	no := func(reason string) audit.Event {
		return audit.ApprovalRefused{Subject: r.Holder, Device: d.id, Client: r.Client, Request: r.ID, Reason: reason}
	}
	failed := audit.DevicePINFailed{Subject: r.Holder, Device: d.id, Request: r.ID, Failures: d.failures}
	switch o {
	case approved:
		return []audit.Event{audit.ApprovalGiven{Subject: r.Holder, Device: d.id, Client: r.Client, Request: r.ID}}
	case refused:
		return []audit.Event{no("refused")}
	case wrongNumber:
		return []audit.Event{no("wrong_number")}
	case wrongPIN:
		return []audit.Event{failed}
	case nowLocked:
		return []audit.Event{failed, audit.DeviceLocked{Subject: r.Holder, Device: d.id, Reason: reasonPIN}}
	case cloned:
		return []audit.Event{audit.DeviceSuspended{Subject: r.Holder, Device: d.id, Reason: reasonCloned}}
	case wrongState:
	}
	return nil
}

// answered turns the outcome into the phone's words.
func answered(o outcome, was, is device, now time.Time) (ecps.Receipt, error) {
	left := is.triesLeft()
	deny := func(code, detail string) error { return fault.New(fault.Denied, code, detail) }
	switch o {
	case approved:
		return ecps.Receipt{V: ecps.Version, State: string(Approved), WrongPINs: was.failures}, nil
	case refused:
		return ecps.Receipt{V: ecps.Version, State: string(Refused), WrongPINs: was.failures}, nil
	case wrongNumber:
		return ecps.Receipt{}, &Rejection{Fault: deny(ecps.CodeWrongNumber, "the number is not the one of the page"), Moved: true}
	case wrongPIN:
		return ecps.Receipt{}, &Rejection{Fault: deny(ecps.CodeWrongPIN, "the PIN is wrong"), TriesLeft: &left, Moved: true}
	case nowLocked:
		return ecps.Receipt{}, &Rejection{Fault: deny(ecps.CodeLocked, "three wrong PINs in a row: locked"), TriesLeft: &left, Moved: true}
	case cloned:
		return ecps.Receipt{}, &Rejection{Fault: deny(ecps.CodeCloned, "another copy of this phone was used: suspended")}
	case wrongState:
	}
	return ecps.Receipt{}, &Rejection{Fault: deny(is.obstacle(now), "this phone may not answer now")}
}

// unavailable: an act that cannot be traced is refused.
func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, "", "the act could not be recorded", err)
}
