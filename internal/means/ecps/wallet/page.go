package wallet

import (
	"context"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// pollEvery bounds how late a page is when a wake-up was lost.
const pollEvery = 2 * time.Second

// Status reads a request. Errors: fault.NotFound with PF-EC-010 once forgotten.
func (w *Wallet) Status(ctx context.Context, id string) (Pending, error) {
	r, err := w.requests.Get(ctx, id)
	if err != nil {
		return Pending{}, gone(err)
	}
	return r.pending(w.Clock.Now()), nil
}

// Wait answers when state, delivery or reason differ from what the page has
// seen, at expiry, or when ctx is done (then with the present state and no
// error). A lost wake-up makes it at most pollEvery late.
func (w *Wallet) Wait(ctx context.Context, id string, seen Pending) (Pending, error) {
	return follow(ctx, w, requestTopic(id), func(ctx context.Context) (Pending, time.Duration, error) {
		p, err := w.Status(ctx, id)
		if err != nil || p.final() || p.State != seen.State || p.Delivery != seen.Delivery {
			return p, 0, err
		}
		return p, nextPoll(p.ExpiresAt.Sub(w.Clock.Now())), nil
	})
}

// follow looks, and looks again at each wake-up of the topic, and after the time
// that look asks for: a page whose wake-up was lost is late, never wrong. It
// ends when look asks for no more, or when ctx is done, with what was seen last.
func follow[T any](ctx context.Context, w *Wallet, topic string, look func(context.Context) (T, time.Duration, error)) (T, error) {
	wakes, cancel, err := w.Bus.Subscribe(ctx, topic)
	if err != nil {
		w.Log.WarnContext(ctx, "page waits by polling", slog.Any("error", err))
		wakes, cancel = nil, func() {}
	}
	defer cancel()
	for {
		seen, again, err := look(context.WithoutCancel(ctx))
		if err != nil || again == 0 {
			return seen, err
		}
		poll, stop := w.Clock.After(again)
		select {
		case _, open := <-wakes:
			if !open {
				wakes = nil // the bus is gone: poll
			}
		case <-poll:
		case <-ctx.Done():
			stop()
			return seen, nil
		}
		stop()
	}
}

// nextPoll looks exactly at expiry, and every pollEvery before and after.
func nextPoll(untilExpiry time.Duration) time.Duration {
	if untilExpiry > 0 && untilExpiry < pollEvery {
		return untilExpiry
	}
	return pollEvery
}

func (p Pending) final() bool { return p.State != Open && p.State != Approved }

// Cancel ends the request from the page.
// Errors: fault.Used, fault.Expired, fault.NotFound.
func (w *Wallet) Cancel(ctx context.Context, id string) error {
	return w.stop(ctx, id, Cancelled, ecps.CodeCancelled, w.Clock.Now())
}

func (w *Wallet) stop(ctx context.Context, id string, to State, reason string, now time.Time) error {
	r, err := w.requests.Update(ctx, id, func(r *record) (time.Duration, error) {
		return r.left(now), r.stop(to, reason, now)
	})
	if err != nil {
		return gone(err)
	}
	w.wakePage(ctx, id)
	w.wakePhones(ctx, r.Key)
	return nil
}

// Resend wakes the holder's phones once more for the same request, a few times;
// after that it does nothing. Errors: fault.Used, fault.Expired, fault.NotFound.
func (w *Wallet) Resend(ctx context.Context, id string) error {
	now := w.Clock.Now()
	var again bool
	r, err := w.requests.Update(ctx, id, func(r *record) (time.Duration, error) {
		if again = r.Resends < w.Limits.Resends; again {
			r.Resends++
		}
		return r.left(now), r.mustBeOpen(now)
	})
	if err != nil {
		return gone(err)
	}
	if !again {
		return nil
	}
	who, err := w.resolveHolder(ctx, r.Holder)
	if err != nil {
		return err
	}
	w.Notifier.Notify(ctx, w.notice(r, who.devices, now))
	return nil
}

// Consume turns an approval into its proof, once: of any number of callers, on
// any node, one wins. That the person may still sign in is checked again here
// (oidc-requirements D6).
// Errors: fault.Used, fault.Expired, fault.Conflict while unanswered,
// fault.Denied, fault.NotFound.
func (w *Wallet) Consume(ctx context.Context, id string) (Proof, error) {
	now := w.Clock.Now()
	r, err := w.requests.Update(ctx, id, func(r *record) (time.Duration, error) {
		return r.left(now), r.consume(now)
	})
	if err != nil {
		return Proof{}, gone(err)
	}
	holder, err := rpps.ParseNationalID(r.Holder)
	if err != nil {
		return Proof{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	if err := w.stillGood(ctx, holder, r.Device, now); err != nil {
		return Proof{}, err
	}
	return Proof{Holder: holder, Device: r.Device, At: r.At}, nil
}

// stillGood refuses a person whose record was closed, and a phone that was
// locked or suspended, since the request was opened (S-94, PG-20).
func (w *Wallet) stillGood(ctx context.Context, holder rpps.NationalID, deviceID string, now time.Time) error {
	person, err := w.Directory.Lookup(ctx, holder)
	if fault.Is(err, fault.NotFound) || err == nil && person.Closed {
		return fault.New(fault.Denied, ecps.CodeClosed, "the record of this person is closed")
	}
	if err != nil {
		return err
	}
	d, err := w.deviceByID(ctx, deviceID)
	if err != nil {
		return err
	}
	if code := d.obstacle(now); code != "" {
		return fault.New(fault.Denied, code, "this e-CPS cannot answer now")
	}
	return nil
}

// gone names a request that the store has forgotten.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.Wrap(fault.NotFound, ecps.CodeExpired, "no such request", err)
	}
	return err
}
