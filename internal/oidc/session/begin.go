package session

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Begin opens a session after a login and gives the value of its cookie. Every
// login has a new sid and a new secret, whatever cookie the browser brought:
// nobody can plant a session on somebody (fixation, SE1). The caller ends the
// browser's former session with End, or keeps it with Renew. For a shared post
// the cookie is empty: there is none to leave to the next person.
func (s *Sessions) Begin(ctx context.Context, auth authn.Authentication, shared bool) (Session, string, error) {
	id, err := uuid.NewRandomFromReader(s.rand)
	if err != nil {
		return Session{}, "", noRandomness(err)
	}
	now := s.clock.Now()
	v := Session{SID: id.String(), Auth: auth, Began: now, Seen: now, Ends: now.Add(s.absolute), Shared: shared}
	var cookie string
	if !shared {
		if cookie, v.Secret, err = s.newCookie(v.SID); err != nil {
			return Session{}, "", err
		}
	}
	if err := s.enter(ctx, v); err != nil {
		return Session{}, "", err
	}
	if err := s.records.Put(ctx, v.SID, v, s.life(v, now)); err != nil {
		return Session{}, "", err
	}
	return v, cookie, nil
}

// Renew records a new authentication of the same person in his session (step-up,
// prompt=login): the services he uses stay connected, the sid stays, the cookie
// is new and the old one is dead at once (SE1). Another person is
// fault.Conflict: his login begins a session of his own.
func (s *Sessions) Renew(ctx context.Context, sid string, auth authn.Authentication) (Session, string, error) {
	cookie, secret, err := s.newCookie(sid)
	if err != nil {
		return Session{}, "", err
	}
	v, err := s.update(ctx, sid, func(v *Session, now time.Time) error {
		if v.Auth.Sub != auth.Sub || v.Shared {
			return fault.New(fault.Conflict, "", "the session is of another login")
		}
		v.Auth, v.Secret = auth, secret
		v.Began, v.Seen, v.Ends = now, now, now.Add(s.absolute)
		return nil
	})
	if err == nil {
		err = s.enter(ctx, v) // it ends later now, and must be found as long
	}
	if err != nil {
		return Session{}, "", err
	}
	return v, cookie, nil
}

// End ends the session and gives it as it was, for the notices to its clients.
// One caller wins; the others get fault.NotFound.
func (s *Sessions) End(ctx context.Context, sid string) (Session, error) {
	return s.records.Take(ctx, sid)
}
