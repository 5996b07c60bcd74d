// Package cards is the provider's side of login by card: the life of a
// challenge, from the page that asked to the card that leaves the reader, and
// the cards that an operator has put in opposition.
//
// A challenge is one record of the short-lived store, moved by named
// transitions (challenge.go):
//
//	waiting --consume--> judged --open--> open
//	    \________________pull (the card has left the reader)________/ -> pulled
//
// so that a pulled card closes its login whichever of the two comes first. A
// card is one row of the durable database (opposition.go). What an answer
// proves is judged by package cps.
package cards

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Judge weighs the answer of a card (cps.Verifier).
type Judge interface {
	Judge(ctx context.Context, origin string, challenge [32]byte, answer []byte) (cps.Verdict, error)
}

// Deps is what New needs; all are required but KeepSessions.
type Deps struct {
	KV     store.KV
	DB     *db.DB
	Keys   cps.Signer
	Judge  Judge
	Clock  clock.Clock
	Rand   io.Reader
	Audit  audit.Recorder
	Log    *slog.Logger
	Origin string // of the login pages: what a browser sends and a card signs
	// SessionLife is how long a session may live at most: so long its card is remembered.
	SessionLife time.Duration
	// KeepSessions leaves sessions open when their card is pulled.
	KeepSessions bool
}

// Cards serves login pages (Challenge, Prove, Open), bridges (Pull) and
// operators (Oppose, Reinstate, List).
type Cards struct {
	Deps
	challenges store.Records[challenge]
	opened     store.Records[opened]
}

// New checks its dependencies. Errors: fault.Internal.
func New(d Deps) (*Cards, error) {
	missing := d.KV == nil || d.DB == nil || d.Keys == nil || d.Judge == nil || d.Clock == nil || d.Rand == nil || d.Audit == nil || d.Log == nil
	if missing || !cps.IsOrigin(d.Origin) || d.SessionLife <= 0 {
		return nil, fault.New(fault.Internal, "", "cards: a dependency is missing")
	}
	return &Cards{
		Deps: d, challenges: store.NewRecords[challenge](d.KV, "cps.challenge"), opened: store.NewRecords[opened](d.KV, "cps.opened"),
	}, nil
}

// Ask is what a login page wants a card to answer.
type Ask struct {
	Login   string // handle of the login
	Browser string // hash of the browser's secret
	Service string // name of the asking service, as the window shows it
	ACR     string // level asked, for the window
}

// Challenge makes a challenge bound to one login of one browser. The token is
// what the page gives to the bridge; id names it when the answer comes.
// Errors: fault.Unavailable.
func (c *Cards) Challenge(ctx context.Context, a Ask) (token, id string, err error) {
	ask, err := cps.NewChallenge(c.Rand, c.Clock.Now(), c.Origin, txn(a.Login), a.Service)
	if err != nil {
		return "", "", err
	}
	ask.ACR = a.ACR
	if token, err = ask.Sign(c.Keys); err != nil {
		return "", "", err
	}
	digest := cps.Digest(token)
	err = c.challenges.Put(ctx, ask.ID, challenge{
		State: waiting, Login: a.Login, Browser: a.Browser, Digest: digest[:], Removal: hash(ask.Removal),
		Expires: time.Unix(ask.Expires, 0),
	}, challengeMemory)
	return token, ask.ID, err
}

// Answer is what a login page brings back from the bridge.
type Answer struct {
	ID      string // of the challenge, as the page was given it
	Login   string
	Browser string // hash of the browser's secret
	Body    []byte // cps.Answer as the bridge wrote it
}

// Prove consumes the challenge, before anything else and for one caller, then
// judges the answer. The verdict says who may be behind a refusal.
// Errors: fault.Denied, Used, Expired, Invalid or Unavailable with a code of cps.
func (c *Cards) Prove(ctx context.Context, a Answer) (cps.Verdict, error) {
	asked, err := c.consume(ctx, a)
	if err != nil {
		return cps.Verdict{Check: 1}, err
	}
	v, err := c.Judge.Judge(ctx, c.Origin, [32]byte(asked.Digest), a.Body)
	if err != nil {
		return v, err
	}
	return v, c.admit(ctx, v.Card)
}
