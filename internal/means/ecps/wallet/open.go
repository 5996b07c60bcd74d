package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Open asks the holder's phones for an approval. To a browser the holder has
// not used, the answer is the same whoever he is and whatever state his e-CPS
// is in: the request is then a record that no phone will see, with the same
// life. To a browser he has used, the true reason comes back at once.
// Errors: fault.Denied with PF-EC-013 to PF-EC-018 (known browsers only).
func (w *Wallet) Open(ctx context.Context, a Ask) (Pending, error) {
	s, err := w.resolve(ctx, a.Holder, a.Browser)
	if err != nil {
		return Pending{}, err
	}
	now := w.Clock.Now()
	obstacle := s.obstacle(now)
	if s.known && obstacle != "" {
		return Pending{}, fault.New(fault.Denied, obstacle, "this e-CPS cannot answer now")
	}
	r, err := w.newRecord(a, s, now)
	if err != nil {
		return Pending{}, err
	}
	hushed, err := w.enter(ctx, a, s, live{ID: r.ID, Expires: r.ExpiresAt}, now)
	if err != nil {
		return Pending{}, err
	}
	r.Silent = hushed || obstacle != ""
	if err := w.supersede(ctx, a.Supersedes, now); err != nil {
		return Pending{}, err
	}
	if err := w.requests.Put(ctx, r.ID, r, recordLife); err != nil {
		return Pending{}, err
	}
	w.Notifier.Notify(ctx, w.notice(r, s.devices, now))
	return r.pending(now), nil
}

func (w *Wallet) newRecord(a Ask, s subject, now time.Time) (record, error) {
	id, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return record{}, err
	}
	transaction, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return record{}, err
	}
	number, choices, err := ecps.NewNumbers(w.Rand)
	if err != nil {
		return record{}, err
	}
	return record{
		ID: id, Holder: s.id.String(), Key: s.key, Client: a.ClientID, Service: ecps.Showable(a.Service), Asker: asker(a.AskerKind), Place: s.place,
		Login: a.Login, Number: number, Choices: choices, Transaction: transaction, Typed: s.wantsTyped(),
		Known: s.known, State: Open, Delivery: Sent, OpenedAt: now, ExpiresAt: now.Add(w.RequestLife),
	}, nil
}

// enter puts the request where the holder's phones look for it. It tells
// whether it must stay silent.
func (w *Wallet) enter(ctx context.Context, a Ask, s subject, r live, now time.Time) (hush bool, err error) {
	if s.known {
		return false, ensure(ctx, w.friends, s.key, func(x *index) (time.Duration, error) {
			x.befriend(now, r, a.Supersedes)
			return x.kept(w.RequestLife), nil
		})
	}
	tooMany, err := w.countSource(ctx, a.Source, now)
	if err != nil {
		return false, err
	}
	var v verdict
	err = ensure(ctx, w.strangers, s.key, func(x *index) (time.Duration, error) {
		if v = x.admit(now, w.Limits, r, a.Supersedes); v == over {
			return 0, errEnough
		}
		return x.kept(w.Limits.Window), nil
	})
	return tooMany || v != heard, err
}

// countSource tells that one network source asks for too many holders.
func (w *Wallet) countSource(ctx context.Context, source string, now time.Time) (tooMany bool, err error) {
	if source == "" {
		return false, nil
	}
	err = ensure(ctx, w.sources, ecps.Hash(source), func(x *index) (time.Duration, error) {
		x.prune(now, w.Limits.Window)
		if tooMany = x.Count >= w.Limits.PerSource; tooMany {
			return 0, errEnough
		}
		x.Count++
		return x.kept(w.Limits.Window), nil
	})
	return tooMany, err
}

// supersede ends an earlier request of the same browser: of two numbers on two
// pages only the newer one may lead anywhere.
func (w *Wallet) supersede(ctx context.Context, id string, now time.Time) error {
	if id == "" {
		return nil
	}
	err := w.stop(ctx, id, Superseded, ecps.CodeSuperseded, now)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Used) || fault.Is(err, fault.Expired) {
		return nil
	}
	return err
}

// asker keeps the word to those the protocol knows.
func asker(kind string) string {
	switch kind {
	case ecps.AskerComputer, ecps.AskerPhone, ecps.AskerTablet:
		return kind
	}
	return ecps.AskerUnknown
}
