// Package wallet is the provider's side of the e-CPS: enrolment, the life of a
// phone, the life of a login request.
//
// A request is one record of the short-lived store, moved by named transitions
// (record.go). A phone is one row of the durable database, moved by attempts
// (attempt.go). What a page may see of a request depends on one question only:
// has the holder used this browser before? To any other browser every holder,
// existing or not, able or not, is a phone that does not answer (resolve.go).
package wallet

import (
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Lifetimes (architecture, point 15; S-68; PG-13).
const (
	requestLife    = 120 * time.Second
	approvedLife   = 120 * time.Second // for the page to come back after the approval
	recordLife     = 15 * time.Minute  // as long as the login that asked
	invitationLife = 24 * time.Hour
	deviceYears    = 3
	browserLife    = 395 * 24 * time.Hour // browsers keep a cookie 400 days at most
	openingWait    = 48 * time.Hour
)

// BasePath is where the device API lives on the issuer's host.
const BasePath = "/ecps/v1"

// Deps is what a wallet needs. KV, Bus, DB, Directory, Clock, Rand, Audit, Log
// and Issuer are required.
type Deps struct {
	KV        store.KV
	Bus       store.Bus
	DB        *db.DB
	Directory directory.Directory
	Clock     clock.Clock
	Rand      io.Reader
	Audit     audit.Recorder
	Notifier  Notifier // nil: phones are woken over Bus
	Log       *slog.Logger
	Issuer    string
	BaseURL   string // of the device API; empty: BasePath on the issuer's host
	Limits    Limits // zero: DefaultLimits
	// RequestLife is how long a holder has to answer; zero: 120 s.
	RequestLife time.Duration
	Rounds      int // least PBKDF2 rounds of a new phone; zero: ecps.ProductionRounds
	// Sandbox declares the environment (architecture, point 14). Only then are
	// Invite, Forget, Lock, Suspend and Expire served, may Rounds be low, and
	// does a phone's view of a request carry the right number, so that phones
	// nobody looks at can answer.
	Sandbox bool
}

// Wallet serves pages (Open to Consume) and phones (Authenticate to Answer).
type Wallet struct {
	Deps
	requests  store.Records[record]
	friends   store.Records[index]
	strangers store.Records[index]
	sources   store.Records[index]
	nobody    device // stands in where there is no phone, so that the work is the same
}

// New checks what it is given. Errors: fault.Invalid.
func New(d Deps) (*Wallet, error) {
	if d.KV == nil || d.Bus == nil || d.DB == nil || d.Directory == nil || d.Clock == nil || d.Rand == nil || d.Audit == nil || d.Log == nil {
		return nil, fault.New(fault.Invalid, "", "wallet: a dependency is missing")
	}
	issuer, err := url.Parse(d.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fault.New(fault.Invalid, "", "wallet: the issuer is not an absolute URL")
	}
	if d.BaseURL == "" {
		d.BaseURL = (&url.URL{Scheme: issuer.Scheme, Host: issuer.Host, Path: BasePath}).String()
	}
	if d.Limits.Window == 0 {
		d.Limits = DefaultLimits()
	}
	if d.RequestLife == 0 {
		d.RequestLife = requestLife
	}
	if d.RequestLife < 0 || d.RequestLife > recordLife/2 {
		return nil, fault.New(fault.Invalid, "", "wallet: a request lives at most half as long as its record")
	}
	d.Limits.Open = min(d.Limits.Open, maxLive)
	if d.Rounds == 0 {
		d.Rounds = ecps.ProductionRounds
	}
	if d.Rounds < ecps.ProductionRounds && !d.Sandbox {
		return nil, fault.New(fault.Invalid, "", "wallet: too few PBKDF2 rounds outside the sandbox")
	}
	if d.Notifier == nil {
		d.Notifier = busNotifier{bus: d.Bus, log: d.Log}
	}
	nobody, err := newNobody(d.Rand)
	if err != nil {
		return nil, err
	}
	return &Wallet{
		Deps:      d,
		requests:  store.NewRecords[record](d.KV, "ecps.request"),
		friends:   store.NewRecords[index](d.KV, "ecps.friends"),
		strangers: store.NewRecords[index](d.KV, "ecps.strangers"),
		sources:   store.NewRecords[index](d.KV, "ecps.source"),
		nobody:    nobody,
	}, nil
}

// sandboxOnly guards what no production may do.
func (w *Wallet) sandboxOnly() error {
	if !w.Sandbox {
		return fault.New(fault.Denied, "", "only the sandbox may do this")
	}
	return nil
}
