// Package deviceapi is what a phone calls: enrolment, the requests that wait
// for its holder, his answers. Every call but the first two is signed by the
// device key. The specification with an example of each message is
// docs/protocols/ecps.md.
package deviceapi

import (
	"context"
	"log/slog"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Deps is what the API needs. Failures, which counts what strangers try in
// vain, and what comes after it may be nil; the rest is required.
type Deps struct {
	Wallet   *wallet.Wallet
	Clock    clock.Clock
	Log      *slog.Logger
	Failures func(context.Context, audit.Failure)
	// Activations is way B; nil: this provider can write to nobody.
	Activations Activations
	// CheckPush refuses a subscription that no push may go to; nil: none is sent.
	CheckPush func(ecps.PushSubscription) error
}

// Activations lets a holder activate an e-CPS with the contact data on record.
type Activations interface {
	Begin(ctx context.Context, identifier, source string) (ecps.Activation, error)
	Prove(ctx context.Context, id string, s ecps.ActivationSecret) (ecps.ActivationState, error)
}

// API serves phones.
type API struct {
	deps    Deps
	closing chan struct{}
	once    sync.Once

	mu      sync.Mutex
	streams map[string]int // open streams of each phone on this node
}

// New checks its dependencies. Errors: fault.Invalid.
func New(d Deps) (*API, error) {
	if d.Wallet == nil || d.Clock == nil || d.Log == nil {
		return nil, fault.New(fault.Invalid, "", "deviceapi: a dependency is missing")
	}
	if d.Failures == nil {
		d.Failures = func(context.Context, audit.Failure) {}
	}
	return &API{deps: d, closing: make(chan struct{}), streams: map[string]int{}}, nil
}

// Mount serves the API in a group whose path is wallet.BasePath. It may be
// mounted on the app's host and on the issuer's.
func (a *API) Mount(g *echo.Group) {
	g.Use(a.deadlines)
	g.GET(ecps.PathParameters, a.parameters)
	g.POST(ecps.PathActivations, a.activate)
	g.POST(ecps.PathActivations+"/:id/secrets", a.prove)
	g.POST(ecps.PathDevices, a.enrol)
	g.GET(ecps.PathDevices, a.signed(a.devices))
	g.POST(ecps.PathDevice+"/label", a.signed(tell(a.label)))
	g.GET(ecps.PathHistory, a.signed(a.history))
	g.POST(ecps.PathActs, a.signed(ask(a.act)))
	g.POST(ecps.PathStarts, a.signed(ask(a.start)))
	g.POST(ecps.PathFreeze, a.signed(ask(a.freeze)))
	g.POST(ecps.PathPush, a.signed(tell(a.subscribe)))
	g.POST(ecps.PathPush+"/remove", a.signed(tell(a.unsubscribe)))
	g.POST(ecps.PathDiagnoses, a.signed(ask(a.diagnose)))
	g.GET(ecps.PathDevice, a.signed(a.device))
	g.GET(ecps.PathRequests, a.signed(a.requests))
	g.GET(ecps.PathRequests+"/:id", a.signed(a.request))
	g.POST(ecps.PathRequests+"/:id/received", a.signed(a.delivered(wallet.Received)))
	g.POST(ecps.PathRequests+"/:id/opened", a.signed(a.delivered(wallet.Opened)))
	g.POST(ecps.PathRequests+"/:id/answer", a.signed(a.answer))
	g.GET(ecps.PathEvents, a.signed(a.events))
}

// Close ends the open streams, so that a server that shuts down waits for none.
// Phones connect again, to another node.
func (a *API) Close() { a.once.Do(func() { close(a.closing) }) }
