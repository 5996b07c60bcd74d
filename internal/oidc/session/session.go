// Package session keeps the SSO session: one browser, one proven person, for
// at most four hours and thirty minutes of inactivity (EXI RIE-PS 13).
//
// A session is known by its sid, which tokens carry, and is opened by a cookie,
// which only the browser holds. The record is kept under the sid and holds a
// hash of the cookie's secret: who reads the store or a token cannot become
// the browser, and the sid never equals the cookie (SE2).
package session

import (
	"context"
	"crypto/subtle"
	"io"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Limits by default (EXI RIE-PS 13).
const (
	DefaultIdle     = 30 * time.Minute
	DefaultAbsolute = 4 * time.Hour
)

// Session is one SSO session. The zero value of Shared means the browser holds
// its cookie; a session of a shared post has none, serves the one login that
// made it, and lives on only so that its tokens can end with it.
type Session struct {
	SID     string               `json:"sid"`
	Auth    authn.Authentication `json:"auth"`
	Began   time.Time            `json:"began"`
	Seen    time.Time            `json:"seen"` // last recorded activity
	Ends    time.Time            `json:"ends"` // absolute end
	Clients []string             `json:"clients,omitempty"`
	Shared  bool                 `json:"shared,omitempty"`
	Secret  string               `json:"secret,omitempty"` // SHA-256 of the cookie's secret half
}

// Deps are what the sessions need.
type Deps struct {
	KV       store.KV
	Clock    clock.Clock
	Rand     io.Reader
	Idle     time.Duration // DefaultIdle if zero
	Absolute time.Duration // DefaultAbsolute if zero
}

// Sessions begins, finds and ends sessions.
type Sessions struct {
	records        store.Records[Session]
	people         store.Records[held] // by sub
	clock          clock.Clock
	rand           io.Reader
	idle, absolute time.Duration
}

// New makes the sessions.
func New(d Deps) *Sessions {
	if d.Idle <= 0 {
		d.Idle = DefaultIdle
	}
	if d.Absolute <= 0 {
		d.Absolute = DefaultAbsolute
	}
	return &Sessions{
		records: store.NewRecords[Session](d.KV, "session"), people: store.NewRecords[held](d.KV, "session.of"),
		clock: d.Clock, rand: d.Rand, idle: d.Idle, absolute: d.Absolute,
	}
}

// ByCookie gives the live session that the cookie opens; fault.NotFound for
// any other value, whatever is wrong with it.
func (s *Sessions) ByCookie(ctx context.Context, cookie string) (Session, error) {
	sid, secret, ok := parseCookie(cookie)
	if !ok {
		return Session{}, notFound()
	}
	v, err := s.BySID(ctx, sid)
	if err != nil {
		return Session{}, err
	}
	if v.Secret == "" || subtle.ConstantTimeCompare([]byte(hash(secret)), []byte(v.Secret)) != 1 {
		return Session{}, notFound()
	}
	return v, nil
}

// BySID gives the live session that a token names; fault.NotFound when it
// ended, by whatever way.
func (s *Sessions) BySID(ctx context.Context, sid string) (Session, error) {
	v, err := s.records.Get(ctx, sid)
	if err != nil {
		return Session{}, err
	}
	if !s.alive(v, s.clock.Now()) {
		return Session{}, notFound()
	}
	return v, nil
}

// writeEvery is how long activity may go unrecorded: one write a minute at
// most, so that an idle limit is met up to a minute early and never late.
const writeEvery = time.Minute

// Touch records activity of a client in the session; a refresh counts. It
// writes at most once a minute, unless the client is new to the session.
func (s *Sessions) Touch(ctx context.Context, sid, client string) error {
	v, err := s.BySID(ctx, sid)
	if err != nil {
		return err
	}
	return s.Keep(ctx, v, client)
}

// Keep is Touch for a caller that has just read the session.
func (s *Sessions) Keep(ctx context.Context, v Session, client string) error {
	known := client == "" || slices.Contains(v.Clients, client)
	if known && s.clock.Now().Sub(v.Seen) < writeEvery {
		return nil
	}
	_, err := s.update(ctx, v.SID, func(v *Session, now time.Time) error {
		v.Seen = now
		if client != "" && !slices.Contains(v.Clients, client) {
			v.Clients = append(v.Clients, client)
		}
		return nil
	})
	return err
}

// update moves a live session.
func (s *Sessions) update(ctx context.Context, sid string, change func(v *Session, now time.Time) error) (Session, error) {
	return s.records.Update(ctx, sid, func(v *Session) (time.Duration, error) {
		now := s.clock.Now()
		if !s.alive(*v, now) {
			return 0, notFound()
		}
		if err := change(v, now); err != nil {
			return 0, err
		}
		return s.life(*v, now), nil
	})
}

// alive compares with the recorded times too: the store's own expiry may run
// on another machine's clock.
func (s *Sessions) alive(v Session, now time.Time) bool {
	return now.Before(v.Ends) && now.Sub(v.Seen) < s.idle
}

func (s *Sessions) life(v Session, now time.Time) time.Duration {
	return min(s.idle, v.Ends.Sub(now))
}

func notFound() error { return fault.New(fault.NotFound, "", "no such session") }

func noRandomness(err error) error {
	return fault.Wrap(fault.Unavailable, "", "no randomness", err)
}
