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
	"context"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
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
	openingWait    = 48 * time.Hour       // S-37
	ticketLife     = 90 * time.Second
	confirmLife    = 5 * time.Minute // for the holder to compare the two digits on the portal
	contactLife    = 15 * time.Minute
	leaveAfter     = 24 * time.Hour // the phone one moves away from (ux.md 7, idea 9)
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
	AppURL    string // of the app; empty: the issuer's host
	// Seal closes offline seeds; nil: this provider gives no offline code.
	Seal Sealer
	// VAPID is the public key of pushes (RFC 8292), empty if none are sent.
	VAPID string
	// Contact gives a person's mail and mobile, masked, empty where none can be
	// written to.
	Contact func(person rpps.Professional) (mail, mobile string)
	// EndAll ends every session and token of a person and tells the services.
	EndAll func(ctx context.Context, person rpps.Professional) (Ended, error)
	// Post tells a holder what happened to his e-CPS; it never fails the act.
	Post   func(ctx context.Context, n News)
	Limits Limits // zero: DefaultLimits
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
	offline   store.Records[index] // tries of offline codes, apart from all else
	starts    store.Records[begun]
	nobody    device // stands in where there is no phone, so that the work is the same
	// nobodySeed is tried for every offline code, so that there is work where there is no phone.
	nobodySeed []byte
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
	if d.AppURL == "" {
		d.AppURL = (&url.URL{Scheme: issuer.Scheme, Host: issuer.Host}).String()
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
		d.Notifier = NewBusNotifier(d.Bus, d.Log)
	}
	if err := d.DB.Warm(context.Background(), selectDevice, updateDevice, updateTyped); err != nil {
		return nil, err
	}
	nobody, err := newNobody(d.Rand)
	if err != nil {
		return nil, err
	}
	seed, err := ecps.NewSecret(d.Rand)
	if err != nil {
		return nil, err
	}
	return &Wallet{
		Deps:      d,
		requests:  store.NewRecords[record](d.KV, "ecps.request"),
		friends:   store.NewRecords[index](d.KV, "ecps.friends"),
		strangers: store.NewRecords[index](d.KV, "ecps.strangers"),
		sources:   store.NewRecords[index](d.KV, "ecps.source"),
		offline:   store.NewRecords[index](d.KV, "ecps.offline"),
		starts:    store.NewRecords[begun](d.KV, "ecps.start"),
		nobody:    nobody, nobodySeed: []byte(seed),
	}, nil
}

// sandboxOnly guards what no production may do.
func (w *Wallet) sandboxOnly() error {
	if !w.Sandbox {
		return fault.New(fault.Denied, "", "only the sandbox may do this")
	}
	return nil
}
