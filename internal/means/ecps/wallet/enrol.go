package wallet

import (
	"context"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// maxDevices bounds the phones of one person; a further one replaces the one
// used longest ago.
const maxDevices = 5

// Enrol makes a phone of an invitation and two keys. The phone is good for
// nothing until its trace is durable.
// Errors: fault.Invalid, fault.Denied (PF-EC-030, 031), fault.NotFound (PF-EC-038).
func (w *Wallet) Enrol(ctx context.Context, token string) (ecps.Enrolled, error) {
	e, err := ecps.ParseEnrolment(token)
	if err != nil {
		return ecps.Enrolled{}, err
	}
	now := w.Clock.Now()
	if err := w.acceptable(e, now); err != nil {
		return ecps.Enrolled{}, err
	}
	id, err := ecps.NewID(w.Rand)
	if err != nil {
		return ecps.Enrolled{}, err
	}
	ratchet, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return ecps.Enrolled{}, err
	}
	check, _, err := ecps.NewNumbers(w.Rand)
	if err != nil {
		return ecps.Enrolled{}, err
	}
	t, err := w.insert(ctx, e, newPhone{id: id, ratchet: ratchet, check: check, now: now})
	if err != nil {
		return ecps.Enrolled{}, err
	}
	if err := w.personMaySignIn(ctx, t.holder); err != nil {
		return ecps.Enrolled{}, err
	}
	event := audit.DeviceEnrolled{Subject: t.holder, Device: id, Invitation: reference(e.Invitation), Model: "software", Way: string(t.way)}
	if err := w.Audit.Record(ctx, event); err != nil {
		return ecps.Enrolled{}, unavailable(err)
	}
	done := ecps.Enrolled{V: ecps.Version, Device: id, Holder: t.holder, Ratchet: ratchet, ExpiresAt: t.expires.Unix()}
	if t.way == WayCard {
		done.Check = check
		err = w.settleState(ctx, id, stateNew, statePending)
	} else {
		err = w.welcome(ctx, t, id, now)
	}
	w.wakeTicket(ctx, ecps.Hash(e.Invitation))
	return done, err
}

// welcome makes a phone good and does what follows: the phone it replaces gets
// its last day, a freeze ends when both secrets of way B were proven, one phone
// too many goes.
func (w *Wallet) welcome(ctx context.Context, t ticket, id string, now time.Time) error {
	from := stateNew
	if t.way == WayCard {
		from = statePending
	}
	if err := w.settleState(ctx, id, from, stateActive); err != nil {
		return err
	}
	if t.way == WayTransfer {
		if err := w.leave(ctx, t, id, now); err != nil {
			return err
		}
	}
	if t.way == WayContact {
		if err := w.thaw(ctx, t.holder, byContact, id); err != nil {
			return err
		}
	}
	if w.Post != nil {
		w.Post(ctx, News{Kind: NewsPhone, Holder: t.holder, Label: t.label, Way: t.way, At: now, Key: "phone-" + id})
	}
	return w.retire(ctx, t.holder, now)
}

// leave gives the phone that invited its successor one more day, so that there
// is no moment without a working means.
func (w *Wallet) leave(ctx context.Context, t ticket, next string, now time.Time) error {
	if err := w.Audit.Record(ctx, audit.DeviceLeaving{Subject: t.holder, Device: t.old, Next: next}); err != nil {
		return unavailable(err)
	}
	return w.write(ctx, `UPDATE devices SET leaves_at = $1 WHERE id = $2 AND leaves_at = 0`, now.Add(leaveAfter).UnixMilli(), t.old)
}

// reference names an invitation in the trace; the code cannot be found from it.
func reference(code string) string { return ecps.Hash("egide.ecps.invitation " + code)[:16] }

func (w *Wallet) acceptable(e ecps.Enrolment, now time.Time) error {
	switch {
	case e.Issuer != w.Issuer:
		return fault.New(fault.Denied, ecps.CodeCall, "the enrolment is for another issuer")
	case e.Rounds < w.Rounds:
		return fault.New(fault.Invalid, ecps.CodeMalformed, "too few PBKDF2 rounds")
	}
	return inTime(e.Time, now)
}

// newPhone is what the provider adds to an enrolment.
type newPhone struct {
	id, ratchet, check string
	now                time.Time
}

// insert uses the invitation up and enters the phone in one transaction.
func (w *Wallet) insert(ctx context.Context, e ecps.Enrolment, p newPhone) (t ticket, err error) {
	code := ecps.Hash(e.Invitation)
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE invitations SET used_at = $1, device = $2 WHERE code_hash = $3 AND used_at = 0 AND expires_at > $1
			AND (key_hash = '' OR key_hash = $4)`, p.now.UnixMilli(), p.id, code, ecps.Hash(e.DeviceKey))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fault.Wrap(fault.NotFound, ecps.CodeInvitation, "the invitation is unknown, used or too old", err)
		}
		if t, err = scanTicket(tx.QueryRowContext(ctx, `SELECT `+ticketColumns+` FROM invitations WHERE code_hash = $1`, code)); err != nil {
			return err
		}
		t.label = e.Label
		if t.expires = t.endsAt; t.expires.IsZero() {
			t.expires = p.now.AddDate(deviceYears, 0, 0)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO devices (id, holder, device_key, pin_key, rounds, protection, label, ratchet, state, reason,
			pin_failures, wants_typed, enrolled_at, expires_at, used_at, way, check_digits)
			VALUES ($1, $2, $3, $4, $5, 'software', $6, $7, 'new', '', 0, 0, $8, $9, $8, $10, $11)`,
			p.id, t.holder, e.DeviceKey, e.PinKey, e.Rounds, e.Label, ecps.Hash(p.ratchet), p.now.UnixMilli(), t.expires.UnixMilli(), t.way, p.check)
		return err
	})
	return t, db.Fault(err)
}

// settleState moves a phone by a named transition; fault.Conflict when it is
// not where the transition begins.
func (w *Wallet) settleState(ctx context.Context, id, from, to string) error {
	return w.DB.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE devices SET state = $1 WHERE id = $2 AND state = $3`, to, id, from)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fault.Wrap(fault.Conflict, "", "the phone is not in the state this begins with", err)
		}
		return nil
	})
}

// retire revokes the phones beyond maxDevices. It acts first and traces after:
// one phone less only protects.
func (w *Wallet) retire(ctx context.Context, holder string, now time.Time) error {
	all, err := w.devicesOf(ctx, []string{holder}) // the one used last comes first
	if err != nil {
		return err
	}
	for _, d := range all[min(maxDevices, len(all)):] {
		if err := w.write(ctx, `UPDATE devices SET state = 'revoked', reason = 'replaced', used_at = $1 WHERE id = $2`, now.UnixMilli(), d.id); err != nil {
			return err
		}
		if err := w.Audit.Record(ctx, audit.DeviceRevoked{Subject: holder, Device: d.id, Reason: "replaced"}); err != nil {
			return unavailable(err)
		}
		w.wakeHolder(ctx, holder)
	}
	return nil
}
