package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Means beyond those that log in, as traces name them.
const (
	byContact authn.Means = "contact" // both secrets of way B
	bySupport authn.Means = "support" // two people (PG-25)
)

// Frozen tells what a freeze has stopped.
type Frozen struct {
	At       time.Time
	Means    authn.Means // contested: what does not undo it
	Phones   int
	Sessions int
	Services []string // that were told, by name
}

// Ended is what ending all that a person has open has ended.
type Ended struct {
	Sessions int
	Services []string
}

// freezing is a freeze as stored.
type freezing struct {
	at     time.Time
	means  authn.Means
	ref    string
	signIn string
}

// Freeze is "this was not me" (ux.md 7, idea 8). It stops the phones and their
// requests, then ends every session and token through EndAll, and keeps all
// traces. It needs no PIN: a stop is never harder than a consent. What it is
// undone with is another means than the one that was contested; in general, when
// no login is named, that is the phones.
// by and ref are what the holder says it with. Errors: fault.NotFound (the login).
func (w *Wallet) Freeze(ctx context.Context, holder rpps.NationalID, signIn string, by authn.Means, ref string) (Frozen, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return Frozen{}, err
	}
	ctx = context.WithoutCancel(ctx) // half a freeze is none
	f := freezing{at: w.Clock.Now(), means: authn.ECPS, signIn: signIn}
	if signIn != "" {
		contested, err := w.contest(ctx, s, signIn)
		if err != nil {
			return Frozen{}, err
		}
		f.means, f.ref = contested.Means, contested.Ref
	}
	out := Frozen{At: f.at, Means: f.means}
	if out.Phones, err = w.stopPhones(ctx, s, f); err != nil {
		return Frozen{}, err
	}
	w.wakePhones(ctx, s.key)
	if w.EndAll != nil && s.found {
		ended, err := w.EndAll(ctx, s.person)
		if err != nil {
			return Frozen{}, err
		}
		out.Sessions, out.Services = ended.Sessions, ended.Services
	}
	if err := w.record(ctx, audit.HolderFroze{Subject: s.id.String(), Means: string(by), Ref: ref, SignIn: signIn}); err != nil {
		return Frozen{}, err
	}
	if w.Post != nil {
		w.Post(ctx, News{Kind: NewsFrozen, Holder: s.id.String(), At: f.at, Key: "frozen-" + s.key + "-" + f.at.Format(time.RFC3339)})
	}
	return out, nil
}

// stopPhones suspends every phone, drops what waits, and notes the freeze.
func (w *Wallet) stopPhones(ctx context.Context, s subject, f freezing) (int, error) {
	if err := w.write(ctx, `INSERT INTO freezes (holder, at, means, ref, sign_in) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (holder) DO UPDATE SET at = excluded.at, means = excluded.means, ref = excluded.ref, sign_in = excluded.sign_in`,
		s.id.String(), f.at.UnixMilli(), string(f.means), f.ref, f.signIn); err != nil {
		return 0, err
	}
	n := 0
	for _, d := range s.devices {
		if d.state != stateActive && d.state != statePending && d.state != stateSuspended {
			continue
		}
		// A copy stays a copy: its suspension is not softened into a freeze.
		if err := w.write(ctx, `UPDATE devices SET state = 'suspended', reason = 'frozen'
			WHERE id = $1 AND state IN ('active', 'pending', 'suspended') AND reason <> 'cloned'`, d.id); err != nil {
			return n, err
		}
		n++
		if err := w.record(ctx, audit.DeviceSuspended{Subject: s.id.String(), Device: d.id, Reason: reasonFrozen}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Unfreeze undoes a freeze with another means than the contested one. The phone
// that was contested stays suspended for good: it is activated anew.
// Errors: fault.NotFound when nothing is frozen, fault.Denied with PF-EC-044.
func (w *Wallet) Unfreeze(ctx context.Context, holder rpps.NationalID, by authn.Means, ref string) error {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	f, err := w.freezeOf(ctx, s)
	if err != nil {
		return err
	}
	if by == f.means && by != byContact && by != bySupport || by == authn.ECPS {
		return fault.New(fault.Denied, ecps.CodeSameMeans, "a freeze is undone with another means")
	}
	return w.lift(ctx, s, f, by, ref)
}

// thaw lifts a freeze, if there is one, after both secrets of way B. The other
// phones stay stopped: the holder resumes them, or removes them, one by one.
func (w *Wallet) thaw(ctx context.Context, holder string, by authn.Means, ref string) error {
	s, err := w.resolveHolder(ctx, holder)
	if err != nil {
		return err
	}
	f, err := w.freezeOf(ctx, s)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.lift(ctx, s, f, by, ref)
}

func (w *Wallet) lift(ctx context.Context, s subject, f freezing, by authn.Means, ref string) error {
	if err := w.record(ctx, audit.HolderUnfroze{Subject: s.id.String(), Means: string(by), Ref: ref}); err != nil {
		return err
	}
	for _, d := range s.devices {
		if d.state != stateSuspended || d.reason != reasonFrozen {
			continue
		}
		state, reason := stateActive, ""
		if by == byContact || d.id == f.ref && f.signIn != "" {
			state, reason = stateSuspended, reasonHolder
		}
		if err := w.write(ctx, `UPDATE devices SET state = $1, reason = $2 WHERE id = $3 AND state = 'suspended' AND reason = 'frozen'`, state, reason, d.id); err != nil {
			return err
		}
	}
	if err := w.write(ctx, `DELETE FROM freezes WHERE holder IN ($1, $2, $3, $4, $5, $6, $7, $8)`, aliasArgs(s.aliases())...); err != nil {
		return err
	}
	w.wakePhones(ctx, s.key)
	return nil
}

// freezeOf reads the freeze of a person, under whichever of his identifiers it
// was said; fault.NotFound if there is none.
func (w *Wallet) freezeOf(ctx context.Context, s subject) (freezing, error) {
	var f freezing
	var at int64
	err := w.DB.Read().QueryRowContext(ctx, `SELECT at, means, ref, sign_in FROM freezes
		WHERE holder IN ($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY at DESC LIMIT 1`, aliasArgs(s.aliases())...).Scan(&at, &f.means, &f.ref, &f.signIn)
	f.at = instant(at)
	return f, db.Fault(err)
}

// Stopped tells that a freeze forbids this means to the person: every phone, and
// the card when it was a login by card that he contested. The portal is where a
// card undoes a freeze of the phones.
// Errors: fault.Denied with PF-EC-022 when it is stopped.
func (w *Wallet) Stopped(ctx context.Context, holder rpps.NationalID, means authn.Means) error {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	f, err := w.freezeOf(ctx, s)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if means == authn.Card && f.means != authn.Card {
		return nil
	}
	return fault.New(fault.Denied, ecps.CodeFrozen, "the holder has frozen his means")
}
