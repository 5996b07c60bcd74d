package dmp

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// Bounds on logins that were begun: per browser, so that no one's tabs push out
// each other's, and in all.
const (
	maxPerBrowser = 10
	maxPending    = 10_000
)

// pending is a login that went to the provider and has not come back.
type pending struct {
	browser  [32]byte // hash of the browser's cookie
	nonce    string
	verifier string // PKCE (RFC 7636)
	next     string // where the person wanted to go
	begun    time.Time
}

// logins are kept by state, so that two tabs live side by side.
type logins struct {
	clock clock.Clock
	mu    sync.Mutex
	all   map[string]pending
}

func newLogins(c clock.Clock) *logins { return &logins{clock: c, all: map[string]pending{}} }

// begin keeps a login under its state.
func (l *logins) begin(state string, p pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.begun = l.clock.Now()
	l.makeRoom(p.browser, p.begun)
	l.all[state] = p
}

// makeRoom drops what is over, then the oldest of this browser, then of all.
func (l *logins) makeRoom(browser [32]byte, now time.Time) {
	var mine int
	var myOldest, oldest string
	for state, p := range l.all {
		if now.Sub(p.begun) >= loginLife {
			delete(l.all, state)
			continue
		}
		if oldest == "" || p.begun.Before(l.all[oldest].begun) {
			oldest = state
		}
		if p.browser == browser {
			mine++
			if myOldest == "" || p.begun.Before(l.all[myOldest].begun) {
				myOldest = state
			}
		}
	}
	switch {
	case mine >= maxPerBrowser:
		delete(l.all, myOldest)
	case len(l.all) >= maxPending:
		delete(l.all, oldest)
	}
}

// take consumes the login of a state, once, and only for the browser that
// began it: a callback link sent to somebody else logs him into nothing
// (login CSRF, RFC 6749 section 10.12).
func (l *logins) take(state, browser string) (pending, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.all[state]
	hash := sha256.Sum256([]byte(browser))
	if !ok || browser == "" || subtle.ConstantTimeCompare(p.browser[:], hash[:]) != 1 {
		return pending{}, false
	}
	delete(l.all, state)
	return p, l.clock.Now().Sub(p.begun) < loginLife
}
