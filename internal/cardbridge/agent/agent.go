// Package agent is the bridge: a server on the loopback interface that lets the
// login page of a pinned provider ask a card in a reader of this computer, and
// no other page (cps-card.md sections 7 and 8, protocol "cps-auth:1").
//
// The order of a request is that of the reference: Host, Origin, the preflight
// header, the challenge, one at a time; then the window, the PIN, the card. What
// is signed is built here from what the browser says of itself and what the
// provider has signed: no caller can hand in a hash. HTTP is one way in
// (http.go); Authenticate is the same for any other that wakes the bridge.
package agent

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Provider is one login page that may ask: its exact origin, and the keys that
// sign its challenges.
type Provider struct {
	Origin string
	Keys   Keys
}

// Options is what New needs; all are required but Version and French.
type Options struct {
	Providers []Provider
	Transport cardbridge.Transport
	Prompter  pin.Prompter
	HTTP      *http.Client // reaches providers when a card is pulled; bounded in time
	Clock     clock.Clock
	Log       *slog.Logger
	Version   string
	French    bool // language of the window
}

// Agent is a running bridge.
type Agent struct {
	Options
	seen  seen
	stays *stays

	mu      sync.Mutex
	current *running // the one request, nil if none
	closed  bool
}

// running is the request that holds the window.
type running struct {
	id     string
	cancel context.CancelFunc
}

// New checks its options. Errors: fault.Invalid for a provider that is none,
// fault.Internal for a missing part.
func New(o Options) (*Agent, error) {
	if o.Transport == nil || o.Prompter == nil || o.HTTP == nil || o.Clock == nil || o.Log == nil {
		return nil, fault.New(fault.Internal, "", "card bridge: a dependency is missing")
	}
	for _, p := range o.Providers {
		if !cps.IsOrigin(p.Origin) || p.Keys == nil {
			return nil, fault.New(fault.Invalid, "", "card bridge: "+p.Origin+" is no origin, or its keys are missing")
		}
	}
	a := &Agent{Options: o, seen: seen{at: map[string]int64{}}}
	a.stays = newStays(a)
	return a, nil
}

// provider finds the provider of a page by its exact origin.
func (a *Agent) provider(origin string) (Provider, bool) {
	for _, p := range a.Providers {
		if p.Origin == origin && origin != "" {
			return p, true
		}
	}
	return Provider{}, false
}

// take makes the request the one that holds the window, or tells that another does.
func (a *Agent) take(id string, cancel context.CancelFunc) (release func(), ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil || a.closed {
		return nil, false
	}
	mine := &running{id: id, cancel: cancel}
	a.current = mine
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.current == mine {
			a.current = nil
		}
	}, true
}

// Cancel closes the window of a request. Only who knows its challenge's id can:
// the page that asked. Cancelling what is not there is no error.
func (a *Agent) Cancel(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil && a.current.id == id {
		a.current.cancel()
	}
}

// Close ends the request under way and takes no other, and reports every card
// that it watched as pulled, within ctx: from now on nobody would see it leave.
func (a *Agent) Close(ctx context.Context) {
	a.mu.Lock()
	a.closed = true
	if a.current != nil {
		a.current.cancel()
	}
	a.mu.Unlock()
	a.stays.close(ctx)
}
