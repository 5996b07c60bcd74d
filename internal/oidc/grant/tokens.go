package grant

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Tokens keeps token families and access tokens.
type Tokens struct {
	families store.Records[Family]
	access   store.Records[Token]
	holders  index
	clock    clock.Clock
	rand     io.Reader
	life     Lifetimes
}

// NewTokens makes the tokens.
func NewTokens(d Deps) *Tokens {
	return &Tokens{
		families: store.NewRecords[Family](d.KV, "family"),
		access:   store.NewRecords[Token](d.KV, "token"),
		holders:  index{store.NewRecords[listed](d.KV, "holder"), maxFamilies},
		clock:    d.Clock, rand: d.Rand, life: d.Lifetimes.OrDefaults(),
	}
}

// StartFamily opens the family that a redeemed code chose (Code.Family), at
// generation 1. An empty ID gets a new one; Ends is needed.
//
// When the code was replayed before this call, the family is already revoked:
// it comes back with Revoked set and no error, and whatever is signed for it is
// dead on arrival, exactly as if the replay had come a moment later (TK2).
func (t *Tokens) StartFamily(ctx context.Context, f Family) (Family, error) {
	if f.ID == "" {
		id, err := NewFamilyID(t.rand)
		if err != nil {
			return Family{}, err
		}
		f.ID = id
	}
	now := t.clock.Now()
	f.Generation = 1
	f.stamp(now, t.life.Refresh)
	if !now.Before(f.Expires) {
		return Family{}, fault.New(fault.Expired, "", "the session has ended")
	}
	err := t.families.Put(ctx, f.ID, f, f.keep(now))
	if !fault.Is(err, fault.Conflict) {
		return f, err
	}
	revoked, err := t.families.Get(ctx, f.ID)
	if err != nil {
		return Family{}, err
	}
	if !revoked.Revoked {
		return Family{}, fault.New(fault.Conflict, "", "the token family exists already")
	}
	f.revoke(revoked.Reason)
	return f, nil
}

// maxFamilies is how many refresh tokens one person may have alive at one
// service at once (TK8). Nobody works in a hundred places within one session's
// time; a service that asks for a new code at each click does not pile them up.
const maxFamilies = 100

// Hold counts a family that was just started among those of its person at its
// service, and names the oldest ones beyond the limit: the caller revokes them.
func (t *Tokens) Hold(ctx context.Context, f Family) (over []string, err error) {
	return t.holders.add(ctx, f.Auth.Sub+"/"+f.ClientID, listing{ID: f.ID, Expires: f.Ends}, t.clock.Now())
}

// Family gives a live family; fault.Used once it is revoked, fault.NotFound
// when it is gone. Whether its session lives is for the caller to ask.
func (t *Tokens) Family(ctx context.Context, id string) (Family, error) {
	f, err := t.families.Get(ctx, id)
	switch {
	case err != nil:
		return Family{}, err
	case f.Revoked:
		return f, revokedFamily()
	case !t.clock.Now().Before(f.Ends):
		return f, fault.New(fault.Expired, "", "the login has ended")
	}
	return f, nil
}

// Refresh uses the refresh token of a generation, in one atomic step. It gives
// the family with its new generation; repeat tells that the client gets the
// same successor as the last time (grace: psc only, see Client.GraceOnRefresh).
// fault.Used: the family is or has just been revoked; the returned family then
// tells by Reason whether this call was the replay.
//
// accept looks at the family inside the step before anything moves: client,
// session, epoch (D6). A token presented by another client must neither rotate
// nor revoke. Its error comes back unchanged. accept must be pure; nil accepts.
func (t *Tokens) Refresh(ctx context.Context, id string, generation uint64, grace bool, accept func(Family) error) (f Family, repeat bool, err error) {
	var within time.Duration
	if grace {
		within = t.life.Grace
	}
	var outcome rotation
	f, err = t.families.Update(ctx, id, func(f *Family) (time.Duration, error) {
		now := t.clock.Now()
		if accept != nil {
			if err := accept(*f); err != nil {
				return 0, err
			}
		}
		var err error
		if outcome, err = f.rotate(generation, within, now, t.life.Refresh); err != nil {
			return 0, err
		}
		if outcome == repeated {
			return 0, errUnchanged
		}
		return f.keep(now), nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return f, true, nil
	case err == nil && outcome == replayed:
		return f, false, fault.New(fault.Used, "", "a refresh token that was already used came back; the login's tokens are revoked")
	}
	return f, false, err
}

// errUnchanged leaves a record as it is without failing.
var errUnchanged error = fault.New(fault.Conflict, "", "nothing to write")

// RevokeFamily ends a family and with it every token of it. A family that does
// not exist yet is revoked in advance: the replay of a code may overtake the
// tokens of its first use.
func (t *Tokens) RevokeFamily(ctx context.Context, id, reason string) (Family, error) {
	for range 8 {
		f, err := t.families.Update(ctx, id, func(f *Family) (time.Duration, error) {
			if f.Revoked {
				return 0, errUnchanged
			}
			f.revoke(reason)
			return t.life.Refresh, nil
		})
		if errors.Is(err, errUnchanged) {
			return f, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return f, err
		}
		f = Family{ID: id, Revoked: true, Reason: reason}
		if err := t.families.Put(ctx, id, f, t.life.Refresh); !fault.Is(err, fault.Conflict) {
			return f, err
		}
	}
	return Family{}, fault.New(fault.Unavailable, "", "token family is contended")
}
