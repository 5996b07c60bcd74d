package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// resolveHolder is resolve for an identifier we stored ourselves.
func (w *Wallet) resolveHolder(ctx context.Context, holder string) (subject, error) {
	id, err := rpps.ParseNationalID(holder)
	if err != nil {
		return subject{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	return w.resolve(ctx, id, "")
}

// own finds one phone among those of a person; somebody else's does not exist.
func (s subject) own(id string) (device, error) {
	for _, d := range s.devices {
		if d.id == id {
			return d, nil
		}
	}
	return device{}, fault.New(fault.NotFound, ecps.CodeNone, "this person has no such phone")
}

// chosen is one phone, or all of them when none is named.
func (s subject) chosen(id string) ([]device, error) {
	if id == "" {
		return s.devices, nil
	}
	d, err := s.own(id)
	return []device{d}, err
}

// SuspendPhone stops a phone, or all of them, until they are resumed (PG-20). It
// acts first and traces after: it only protects. by says who: "holder", "support".
func (w *Wallet) SuspendPhone(ctx context.Context, holder rpps.NationalID, id, by string) error {
	return w.onPhones(ctx, holder, id, func(s subject, d device) error {
		if d.state != stateActive && d.state != statePending {
			return nil
		}
		if err := w.write(ctx, `UPDATE devices SET state = 'suspended', reason = $1 WHERE id = $2 AND state IN ('active', 'pending')`, by, d.id); err != nil {
			return err
		}
		return w.record(ctx, audit.DeviceSuspended{Subject: s.id.String(), Device: d.id, Reason: by})
	})
}

// ResumePhone makes suspended phones good again. It takes another means than the
// phone itself: whoever holds a stolen phone must not lift its suspension. One
// that fell out of step with a copy, or that a freeze has stopped, is not resumed here.
// Errors: fault.Denied with PF-EC-044 (same means), PF-EC-037, PF-EC-022; fault.NotFound.
func (w *Wallet) ResumePhone(ctx context.Context, holder rpps.NationalID, id string, by authn.Means, ref string) error {
	return w.onPhones(ctx, holder, id, func(s subject, d device) error {
		switch {
		case d.state != stateSuspended:
			return nil
		case by != authn.Card && by != bySupport && (by != authn.ECPS || ref == "" || ref == d.id):
			return fault.New(fault.Denied, ecps.CodeSameMeans, "another means is needed to resume this phone")
		case d.reason == reasonCloned:
			return fault.New(fault.Denied, ecps.CodeCloned, "a phone that was copied is activated anew")
		case d.reason == reasonFrozen:
			return fault.New(fault.Denied, ecps.CodeFrozen, "a freeze is undone as a whole")
		}
		if err := w.record(ctx, audit.DeviceResumed{Subject: s.id.String(), Device: d.id, By: string(by)}); err != nil {
			return err
		}
		return w.write(ctx, `UPDATE devices SET state = 'active', reason = '' WHERE id = $1 AND state = 'suspended'`, d.id)
	})
}

// RemovePhone revokes a phone: for good.
func (w *Wallet) RemovePhone(ctx context.Context, holder rpps.NationalID, id, by string) error {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	return w.removeOf(ctx, s, id, by, w.Clock.Now())
}

func (w *Wallet) removeOf(ctx context.Context, s subject, id, by string, now time.Time) error {
	d, err := s.own(id)
	if err != nil {
		return err
	}
	if err := w.write(ctx, `UPDATE devices SET state = 'revoked', reason = $1, otp_seed = '', used_at = $2 WHERE id = $3`, by, now.UnixMilli(), d.id); err != nil {
		return err
	}
	if err := w.write(ctx, `DELETE FROM push_subscriptions WHERE device = $1`, d.id); err != nil {
		return err
	}
	w.wakePhones(ctx, s.key)
	return w.record(ctx, audit.DeviceRevoked{Subject: s.id.String(), Device: d.id, Reason: by})
}

// RenamePhone changes what the holder calls a phone.
func (w *Wallet) RenamePhone(ctx context.Context, holder rpps.NationalID, id, label string) error {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	if _, err := s.own(id); err != nil {
		return err
	}
	return w.rename(ctx, id, label)
}

// Relabel is RenamePhone for the phone that asks.
func (w *Wallet) Relabel(ctx context.Context, d Device, label string) error {
	return w.rename(ctx, d.ID, label)
}

// maxLabel bounds what a holder calls a phone or a workstation, in bytes.
const maxLabel = 60

func (w *Wallet) rename(ctx context.Context, id, label string) error {
	if label = ecps.Showable(label); label == "" || len(label) > maxLabel {
		return fault.New(fault.Invalid, ecps.CodeMalformed, "a label has 1 to 60 bytes")
	}
	return w.write(ctx, `UPDATE devices SET label = $1 WHERE id = $2`, label, id)
}

// onPhones does something to one phone or all of a holder, and wakes them.
func (w *Wallet) onPhones(ctx context.Context, holder rpps.NationalID, id string, do func(s subject, d device) error) error {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return err
	}
	chosen, err := s.chosen(id)
	if err != nil {
		return err
	}
	for _, d := range chosen {
		if err := do(s, d); err != nil {
			return err
		}
	}
	w.wakePhones(ctx, s.key)
	return nil
}

// record writes a trace; what cannot be traced is refused.
func (w *Wallet) record(ctx context.Context, e audit.Event) error {
	if err := w.Audit.Record(ctx, e); err != nil {
		return unavailable(err)
	}
	return nil
}

// Devices lists the phones of the holder of the phone that asks.
func (w *Wallet) Devices(ctx context.Context, d Device) (ecps.Devices, error) {
	s, err := w.resolveHolder(ctx, d.Holder)
	if err != nil {
		return ecps.Devices{}, err
	}
	now := w.Clock.Now()
	list := ecps.Devices{V: ecps.Version, Devices: []ecps.DeviceLine{}}
	for _, p := range s.devices {
		if p.left(now) {
			continue
		}
		list.Devices = append(list.Devices, ecps.DeviceLine{
			Device: p.id, Label: p.label, State: p.shownState(now), EnrolledAt: p.enrolledAt.Unix(), UsedAt: p.usedAt.Unix(),
			ExpiresAt: p.expires.Unix(), This: p.id == d.ID,
		})
	}
	return list, nil
}
