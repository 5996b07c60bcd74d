package wallet

import (
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
)

// Phone is one phone of a holder, as he, or support, may see it.
type Phone struct {
	ID         string
	Label      string
	State      string // pending, active, locked, suspended, frozen, expired, leaving
	Code       string // public code of what keeps it from answering, or empty
	Way        Way
	EnrolledAt time.Time
	UsedAt     time.Time
	ExpiresAt  time.Time
	LeavesAt   time.Time // zero, or when it goes because another took its place
	Offline    bool      // has an offline code
	Push       bool      // a push service reaches it
}

// Way is how a phone was activated.
type Way string

// The ways (S-62, S-63; a transfer keeps the end date of the phone it came from).
const (
	WayCard     Way = "card"     // A: card in the reader, QR on the portal
	WayContact  Way = "contact"  // B: one secret by mail and one by SMS
	WayTransfer Way = "transfer" // side by side with a phone that is already good
	WaySandbox  Way = "sandbox"
)

// Holding is what a person has of the e-CPS, and what comes next (ux.md 7, ideas 2 and 3).
type Holding struct {
	Holder   rpps.NationalID
	Phones   []Phone
	FrozenAt time.Time // zero: not frozen
	FrozenBy authn.Means
	Mail     string // masked, empty if none is on record
	Mobile   string // masked, empty if none is on record or it is a landline
	Step     Step
}

// Step is where an activation stands, the date of the next step and who acts.
type Step struct {
	State StepState
	At    time.Time // of the next step; zero when nobody knows
	Actor Actor     // who has the ball
}

// StepState names a state of identities.md section 4.
type StepState string

// The states of an e-CPS.
const (
	StepNotEligible StepState = "not-eligible" // closed record (S-94)
	StepWaiting48h  StepState = "waiting-48h"  // registered less than 48 h ago (S-37)
	StepEligible    StepState = "eligible"
	StepNoContact   StepState = "no-contact" // eligible, but only the card can activate: no usable mail or mobile
	StepPairing     StepState = "pairing"
	StepActive      StepState = "active"
	StepEndingSoon  StepState = "ending-soon" // less than 60 days left
	StepEnded       StepState = "ended"
	StepSuspended   StepState = "suspended"
	StepLockedOut   StepState = "locked"
	StepFrozen      StepState = "frozen"
)

// Actor is who can make the next step.
type Actor string

// The actors.
const (
	ActorHolder   Actor = "holder"
	ActorRegister Actor = "register" // employer or order, who keep the register
	ActorProvider Actor = "provider" // the clock: nothing to do but wait
)

// Ticket is a QR of the portal: good for one phone, for 90 seconds.
type Ticket struct {
	ID        string // for the server side of the page
	URL       string // what the QR says
	ExpiresAt time.Time
}

// TicketState is what became of a ticket.
type TicketState struct {
	State     string // shown, enrolled (waits for confirmation), confirmed, refused, expired
	Device    string
	Label     string
	Check     string // two digits: the same on the phone
	ExpiresAt time.Time
}

// SignIn is one login of the holder, by whatever means (PG-69).
type SignIn struct {
	ID      string
	At      time.Time
	Client  string // client_id
	Service string // its name then
	Means   authn.Means
	Asker   string // kind of device: computer, phone, tablet, unknown
	Ref     string // phone or card
	Label   string // of the phone, if it still exists
	SID     string
	State   string // good, contested
}
