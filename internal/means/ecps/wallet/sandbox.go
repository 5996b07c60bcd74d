package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// What follows plays behaviours for integrators and is refused outside a
// declared sandbox (architecture, point 14).

// Invite lets the holder enrol one phone. The code stands in the URL's fragment,
// which browsers and proxies do not send, so that no log keeps it.
// Errors: fault.Denied outside the sandbox, fault.NotFound, fault.Denied with PF-EC-017.
func (w *Wallet) Invite(ctx context.Context, holder rpps.NationalID) (Invitation, error) {
	if err := w.sandboxOnly(); err != nil {
		return Invitation{}, err
	}
	person, err := w.Directory.Lookup(ctx, holder)
	if err != nil {
		return Invitation{}, err
	}
	if person.Closed {
		return Invitation{}, fault.New(fault.Denied, ecps.CodeClosed, "the record of this person is closed")
	}
	inv, err := w.invite(ctx, ticket{holder: person.ID.String(), way: WaySandbox}, invitationLife)
	inv.URL = w.BaseURL + "#" + inv.Code
	return inv, err
}

// Forget drops what a persona's own play left behind: wrong PINs, refusals,
// limits, a lock or a suspension that came from them. What Lock, Suspend or
// Expire ordered stays.
func (w *Wallet) Forget(ctx context.Context, holder rpps.NationalID) error {
	if err := w.sandboxOnly(); err != nil {
		return err
	}
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	for _, d := range s.devices {
		if d.state != stateActive && d.reason != reasonOrder {
			if err := w.Audit.Record(ctx, audit.DeviceUnlocked{Subject: s.id.String(), Device: d.id, Reason: "sandbox"}); err != nil {
				return unavailable(err)
			}
		}
		if err := w.write(ctx, `UPDATE devices SET pin_failures = 0, wants_typed = 0,
			state = CASE WHEN reason = 'order' THEN state ELSE 'active' END,
			reason = CASE WHEN reason = 'order' THEN reason ELSE '' END WHERE id = $1 AND state <> 'new'`, d.id); err != nil {
			return err
		}
	}
	// What is open stays open: another login of the same persona may be running.
	_, err = w.strangers.Update(ctx, s.key, func(x *index) (time.Duration, error) {
		x.Count, x.Refusals, x.Quiet = 0, 0, time.Time{}
		return x.kept(w.Limits.Window), nil
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	w.wakePhones(ctx, s.key)
	return nil
}

// Lock locks every phone of the holder, as three wrong PINs would.
func (w *Wallet) Lock(ctx context.Context, holder rpps.NationalID) error {
	return w.order(ctx, holder, func(subject string, d device) (audit.Event, error) {
		return audit.DeviceLocked{Subject: subject, Device: d.id, Reason: "sandbox"},
			w.write(ctx, `UPDATE devices SET state = 'locked', reason = 'order', pin_failures = $1 WHERE id = $2`, MaxPINFailures, d.id)
	})
}

// Suspend suspends every phone of the holder, as after a loss.
func (w *Wallet) Suspend(ctx context.Context, holder rpps.NationalID) error {
	return w.order(ctx, holder, func(subject string, d device) (audit.Event, error) {
		return audit.DeviceSuspended{Subject: subject, Device: d.id, Reason: "sandbox"},
			w.write(ctx, `UPDATE devices SET state = 'suspended', reason = 'order' WHERE id = $1`, d.id)
	})
}

// Expire ends the three years of every phone of the holder now.
func (w *Wallet) Expire(ctx context.Context, holder rpps.NationalID) error {
	return w.order(ctx, holder, func(subject string, d device) (audit.Event, error) {
		return audit.DeviceExpired{Subject: subject, Device: d.id},
			w.write(ctx, `UPDATE devices SET expires_at = $1 WHERE id = $2`, w.Clock.Now().Add(-time.Second).UnixMilli(), d.id)
	})
}

// order acts first and traces after: these acts only protect, and one that
// failed to be traced is reported as failed.
func (w *Wallet) order(ctx context.Context, holder rpps.NationalID, act func(subject string, d device) (audit.Event, error)) error {
	if err := w.sandboxOnly(); err != nil {
		return err
	}
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	for _, d := range s.devices {
		e, err := act(s.id.String(), d)
		if err != nil {
			return err
		}
		if err := w.Audit.Record(ctx, e); err != nil {
			return unavailable(err)
		}
	}
	w.wakePhones(ctx, s.key)
	return nil
}
