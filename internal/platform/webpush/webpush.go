// Package webpush wakes browsers: it sends pushes (RFC 8030) with encrypted
// payloads (RFC 8291) in the name of this server (RFC 8292). It knows nothing of
// health.
//
// A push is a hint. It waits in memory, is lost when the node stops, and may
// arrive late, twice or never: who is woken asks for what there is. The payload
// is encrypted for the browser and padded to one size, but a phone may show it on
// a locked screen, and the push service sees who is woken and when. It must
// therefore say nothing of a person: no name, no identifier, no client. That is
// the caller's to hold.
package webpush

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// Bounds of what is sent and kept.
const (
	MaxPayload = 3 << 10             // bytes; with its wrapping below the 4096 that RFC 8030 7.2 asks services to take
	MaxTTL     = 28 * 24 * time.Hour // the large services keep nothing longer
	maxHeld    = 24 * time.Hour      // a push is not held here longer
	queued     = 1 << 14             // pushes waiting or under way
	perHost    = 32                  // calls at once to one push service
	inAll      = 512                 // calls at once
	patience   = 10 * time.Second    // of one call
)

// Push is one message for one browser.
type Push struct {
	Subscription
	Payload []byte        // at most MaxPayload bytes; nothing personal
	TTL     time.Duration // how long the push service keeps it; whole seconds (RFC 8030 5.2)
	Topic   string        // a newer one of the same ID and Topic replaces it (RFC 8030 5.4); empty: none does
	Urgency string        // "very-low", "low", "normal", "high" (RFC 8030 5.3), or empty
	Expires time.Time     // after it nothing is tried or kept; zero: now + TTL
}

// Kind is what became of a push.
type Kind uint8

// The kinds; all but Later are final.
const (
	Accepted Kind = iota // the push service has it
	Gone                 // 404 or 410: forget the subscription
	Later                // not now; it is tried again After
	Refused              // the service, or our own rules, will never take it
	Failed               // it expired, or was tried too often
)

var kinds = [...]string{"accepted", "gone", "later", "refused", "failed"}

// String names the kind as logs spell it.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return "unknown"
}

// Outcome is what became of one try, or of the push.
type Outcome struct {
	Kind  Kind
	After time.Duration // of Later: until the next try
}

// Options is what New needs; all but Allow, Resolver and Results are required.
type Options struct {
	// HTTP gives its TLS settings. Its dialling, proxy, cookies and redirects
	// are not used: the guard must see the address that is dialled.
	HTTP     *http.Client
	Key      *VAPIDKey
	Subject  string // whom a push service may write to: "mailto:..." or an https URL (RFC 8292 2.1)
	Clock    clock.Clock
	Rand     io.Reader // safe for concurrent use
	Log      *slog.Logger
	Allow    Allow         // the sandbox's leave; nothing in production
	Resolver *net.Resolver // nil: the system's
	// Results hears of each try and each end, from several goroutines at once;
	// it must return soon. A push that a newer one replaced has no end of its
	// own, nor has one that the node's stop cut off.
	Results func(ctx context.Context, id string, o Outcome)
}

// New makes a sender; it sends once Run runs. Errors: fault.Internal for a
// missing part, fault.Invalid for a subject that RFC 8292 2.1 does not know.
func New(o Options) (*Sender, error) {
	if o.HTTP == nil || o.Key == nil || o.Clock == nil || o.Rand == nil || o.Log == nil {
		return nil, fault.New(fault.Internal, "", "webpush: a dependency is missing")
	}
	if !subject(o.Subject) {
		return nil, fault.New(fault.Invalid, "", "the contact for push services is neither a mailto: nor an https: address")
	}
	if o.Results == nil {
		o.Results = func(context.Context, string, Outcome) {}
	}
	client, err := outbound.Guarded(o.HTTP, o.Allow, o.Resolver, patience, perHost)
	if err != nil {
		return nil, err
	}
	return &Sender{
		o: o, http: client, queue: newQueue(), wake: make(chan struct{}, 1),
		tokens: tokens{key: o.Key, subject: o.Subject, held: map[string]token{}},
	}, nil
}

func subject(s string) bool {
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > 256:
		return false
	case u.Scheme == "https":
		return u.Host != ""
	}
	return u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")
}

// check holds what a push must be. Errors: fault.Invalid.
func (p Push) check(allow Allow) error {
	if err := p.Subscription.Check(allow); err != nil {
		return err
	}
	switch {
	case len(p.Payload) > MaxPayload:
		return invalid("payload is too large")
	case p.TTL < 0 || p.TTL > MaxTTL:
		return invalid("time to live is out of bounds")
	case len(p.Topic) > 32 || strings.Trim(p.Topic, base64url) != "":
		return invalid("topic is not 32 characters of base64url") // RFC 8030 5.4
	}
	switch p.Urgency {
	case "", "very-low", "low", "normal", "high":
		return nil
	}
	return invalid("urgency is unknown")
}
