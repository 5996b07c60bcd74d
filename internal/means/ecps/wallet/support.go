package wallet

import (
	"context"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Support can stop and resume, never activate, never set a PIN, never approve
// (S-61, PG-25): no function here leads there. Every act takes two people.

// SupportAct is what support may do.
type SupportAct string

// The acts.
const (
	SupportSuspend SupportAct = "suspend"
	SupportResume  SupportAct = "resume"
	SupportRevoke  SupportAct = "revoke"
)

// orderLife is how long an order waits for its second person.
const orderLife = time.Hour

// Order is what one person of support asks and another confirms.
type Order struct {
	ID       string          `json:"id"`
	Act      SupportAct      `json:"act"`
	Holder   rpps.NationalID `json:"holder"`
	Device   string          `json:"device"` // empty: every phone
	Reason   string          `json:"reason"` // reference of the case
	AskedBy  string          `json:"asked_by"`
	AskedAt  time.Time       `json:"asked_at"`
	ExpireAt time.Time       `json:"expires_at"`
}

// AskSupport enters an order. Nothing happens until ConfirmSupport.
// Errors: fault.Invalid.
func (w *Wallet) AskSupport(ctx context.Context, o Order) (Order, error) {
	switch o.Act {
	case SupportSuspend, SupportResume, SupportRevoke:
	default:
		return Order{}, fault.New(fault.Invalid, "", "support may suspend, resume or revoke, nothing else")
	}
	if o.AskedBy == "" || o.Reason == "" || o.Holder.IsZero() {
		return Order{}, fault.New(fault.Invalid, "", "an order has an operator, a holder and the reference of a case")
	}
	s, err := w.resolve(ctx, o.Holder, "")
	if err != nil {
		return Order{}, err
	}
	if o.Device != "" {
		if _, err := s.own(o.Device); err != nil {
			return Order{}, err
		}
	}
	if o.ID, err = w.letters(); err != nil {
		return Order{}, err
	}
	o.Holder, o.AskedAt = s.id, w.Clock.Now()
	o.ExpireAt = o.AskedAt.Add(orderLife)
	if err := w.record(ctx, audit.SupportAsked{
		Operator: o.AskedBy, Order: o.ID, Act: string(o.Act), Subject: o.Holder.String(), Device: o.Device, Reason: o.Reason,
	}); err != nil {
		return Order{}, err
	}
	return o, w.write(ctx, `INSERT INTO support_orders (id, act, holder, device, reason, asked_by, asked_at, expires_at, done_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')`, o.ID, string(o.Act), o.Holder.String(), o.Device, o.Reason, o.AskedBy,
		o.AskedAt.UnixMilli(), o.ExpireAt.UnixMilli())
}

// ConfirmSupport is the second person: another one, within the hour, once.
// Errors: fault.NotFound, fault.Expired, fault.Used, fault.Denied (the same person).
func (w *Wallet) ConfirmSupport(ctx context.Context, operator, id string) (Order, error) {
	o, err := w.takeOrder(ctx, operator, id)
	if err != nil {
		return Order{}, err
	}
	if err := w.record(ctx, audit.SupportConfirmed{Operator: operator, Order: o.ID, Act: string(o.Act), Subject: o.Holder.String(), Device: o.Device}); err != nil {
		return Order{}, err
	}
	switch o.Act {
	case SupportSuspend:
		return o, w.SuspendPhone(ctx, o.Holder, o.Device, reasonHelp)
	case SupportResume:
		return o, w.ResumePhone(ctx, o.Holder, o.Device, bySupport, o.ID)
	case SupportRevoke:
		return o, w.onPhones(ctx, o.Holder, o.Device, func(s subject, d device) error {
			return w.removeOf(ctx, s, d.id, reasonHelp, w.Clock.Now())
		})
	}
	return o, fault.New(fault.Internal, "", "a stored order is of no known kind")
}

// takeOrder consumes an order: of any number of second persons one wins.
func (w *Wallet) takeOrder(ctx context.Context, operator, id string) (o Order, err error) {
	now := w.Clock.Now()
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		var holder, done string
		var asked, ends int64
		err := tx.QueryRowContext(ctx, `SELECT id, act, holder, device, reason, asked_by, asked_at, expires_at, done_by FROM support_orders WHERE id = $1`, id).
			Scan(&o.ID, &o.Act, &holder, &o.Device, &o.Reason, &o.AskedBy, &asked, &ends, &done)
		if err != nil {
			return db.Fault(err)
		}
		if o.Holder, err = rpps.ParseNationalID(holder); err != nil {
			return fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
		}
		o.AskedAt, o.ExpireAt = instant(asked), instant(ends)
		switch {
		case operator == "" || operator == o.AskedBy:
			return fault.New(fault.Denied, "", "the second person must be another one")
		case done != "":
			return fault.New(fault.Used, "", "this order is done")
		case !now.Before(o.ExpireAt):
			return fault.New(fault.Expired, ecps.CodeActivation, "this order has waited too long")
		}
		_, err = tx.ExecContext(ctx, `UPDATE support_orders SET done_by = $1 WHERE id = $2`, operator, id)
		return err
	})
	return o, err
}

// Look gives support the chain of a person, and leaves a trace of the looking.
func (w *Wallet) Look(ctx context.Context, operator string, holder rpps.NationalID) (Holding, Diagnosis, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return Holding{}, Diagnosis{}, err
	}
	if err := w.record(ctx, audit.SupportLooked{Operator: operator, Subject: s.id.String()}); err != nil {
		return Holding{}, Diagnosis{}, err
	}
	h, err := w.Holding(ctx, s.id)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Holding{}, Diagnosis{}, err
	}
	d, err := w.Diagnose(ctx, s.id, Told{})
	return h, d, err
}
