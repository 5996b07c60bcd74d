package wallet

import (
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// Ask is what a login page wants from a holder's phone.
type Ask struct {
	Holder     rpps.NationalID // as typed; any identifier the register knows
	ClientID   string          // the asking service
	Service    string          // its name, as the phone shows it
	AskerKind  string          // computer, phone, tablet or unknown
	Browser    string          // value of the known-browser cookie, empty if none
	Source     string          // network source, for limits of unknown browsers
	Login      string          // handle of the login that asks, for the trace
	Supersedes string          // earlier request of this browser, empty if none
}

// Pending is a request as the page that asked may see it. Typed, Delivery and
// a telling Reason are filled only for a browser the holder has used: to all
// others a holder who cannot answer looks like a phone that does not
// (architecture, point 7).
type Pending struct {
	ID        string // for the server side of the page; never in a URL
	Number    string // two digits, shown on the page
	Typed     bool   // known browsers only: the phone wants the digits typed; others say "pick or type"
	State     State
	Delivery  Delivery // known browsers only
	Known     bool     // the browser is one this holder has used
	Reason    string   // public code once the request has failed (ecps.Code...)
	ExpiresAt time.Time
	Started   bool // a phone came to the page: by its QR, or by a link on the phone itself
	Here      bool // the page is in the browser of that phone
	Arriving  bool // approved, but that browser has not come back with its code
}

// State is where a request stands.
type State string

// The states; all but Open and Approved are final.
const (
	Open       State = "open"
	Approved   State = "approved"
	Refused    State = "refused"
	Expired    State = "expired"
	Superseded State = "superseded"
	Cancelled  State = "cancelled"
	Consumed   State = "consumed"
)

// Delivery is how far the request came on its way to the holder's eyes.
type Delivery string

// The steps of delivery.
const (
	Sent     Delivery = "sent"     // published; no phone has it yet
	Received Delivery = "received" // a phone has fetched it
	Opened   Delivery = "opened"   // the holder looks at it
)

// Proof is what an approved request proves, given out once.
type Proof struct {
	Holder rpps.NationalID // canonical identifier of the person
	Device string          // reference of the phone, for the trace
	At     time.Time       // when the approval was accepted
}

// Invitation lets one phone be enrolled for one holder, once.
type Invitation struct {
	Code      string // 256 random bits; a secret of the holder
	URL       string // where a phone redeems it; the code stands in the fragment
	ExpiresAt time.Time
}

// Limits bound what browsers the holder has never used may send to his phone.
// A known browser is never limited (architecture, point 7).
type Limits struct {
	Open      int             // requests of unknown browsers waiting at once, per holder
	PerHolder int             // requests of unknown browsers per holder and Window
	PerSource int             // requests of unknown browsers per network source and Window
	Window    time.Duration   // over which the two above count
	BackOff   []time.Duration // silence after the first, second, ... refusal; the last one repeats
	Resends   int             // times one request may be sent again
}

// DefaultLimits suit a hospital: hundreds of staff behind one address, no holder
// woken more than a few times by strangers (PG-18).
func DefaultLimits() Limits {
	return Limits{
		Open: 3, PerHolder: 6, PerSource: 300, Window: 10 * time.Minute,
		BackOff: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute},
		Resends: 3,
	}
}
