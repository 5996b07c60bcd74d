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

// maxDevices bounds the phones of one person; a further one replaces the one
// used longest ago.
const maxDevices = 5

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
	code, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return Invitation{}, err
	}
	now := w.Clock.Now()
	inv := Invitation{Code: code, URL: w.BaseURL + "#" + code, ExpiresAt: now.Add(invitationLife)}
	if err := w.Audit.Record(ctx, audit.DeviceInvited{Subject: person.ID.String(), Invitation: reference(code)}); err != nil {
		return Invitation{}, unavailable(err)
	}
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO invitations (code_hash, holder, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, 0)`,
			ecps.Hash(code), person.ID.String(), now.UnixMilli(), inv.ExpiresAt.UnixMilli())
		return err
	})
	return inv, err
}

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
	expires := now.AddDate(deviceYears, 0, 0)
	holder, err := w.insert(ctx, e, id, ratchet, now, expires)
	if err != nil {
		return ecps.Enrolled{}, err
	}
	event := audit.DeviceEnrolled{Subject: holder, Device: id, Invitation: reference(e.Invitation), Model: "software"}
	if err := w.Audit.Record(ctx, event); err != nil {
		return ecps.Enrolled{}, unavailable(err)
	}
	if err := w.activate(ctx, id); err != nil {
		return ecps.Enrolled{}, err
	}
	if err := w.retire(ctx, holder, now); err != nil {
		return ecps.Enrolled{}, err
	}
	return ecps.Enrolled{V: ecps.Version, Device: id, Holder: holder, Ratchet: ratchet, ExpiresAt: expires.Unix()}, nil
}

// reference names an invitation in the trace; the code cannot be found from it.
func reference(code string) string { return ecps.Hash("egide.ecps.invitation " + code)[:16] }

func (w *Wallet) acceptable(e ecps.Enrolment, now time.Time) error {
	at := time.Unix(e.Time, 0)
	switch {
	case e.Issuer != w.Issuer:
		return fault.New(fault.Denied, ecps.CodeCall, "the enrolment is for another issuer")
	case at.Before(now.Add(-ecps.CallPast)) || at.After(now.Add(ecps.CallFuture)):
		return fault.New(fault.Denied, ecps.CodeClock, "the phone's clock is too far from ours")
	case e.Rounds < w.Rounds:
		return fault.New(fault.Invalid, ecps.CodeMalformed, "too few PBKDF2 rounds")
	}
	return nil
}

// insert uses the invitation up and enters the phone in one transaction.
func (w *Wallet) insert(ctx context.Context, e ecps.Enrolment, id, ratchet string, now, expires time.Time) (holder string, err error) {
	code := ecps.Hash(e.Invitation)
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE invitations SET used_at = $1 WHERE code_hash = $2 AND used_at = 0 AND expires_at > $1`, now.UnixMilli(), code)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fault.Wrap(fault.NotFound, ecps.CodeInvitation, "the invitation is unknown, used or too old", err)
		}
		if err := tx.QueryRowContext(ctx, `SELECT holder FROM invitations WHERE code_hash = $1`, code).Scan(&holder); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO devices (id, holder, device_key, pin_key, rounds, protection, label, ratchet, state, reason,
			pin_failures, wants_typed, enrolled_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, 'software', $6, $7, 'new', '', 0, 0, $8, $9, $8)`,
			id, holder, e.DeviceKey, e.PinKey, e.Rounds, e.Label, ecps.Hash(ratchet), now.UnixMilli(), expires.UnixMilli())
		return err
	})
	return holder, db.Fault(err)
}

func (w *Wallet) activate(ctx context.Context, id string) error {
	return w.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE devices SET state = $1 WHERE id = $2 AND state = $3`, stateActive, id, stateNew)
		return err
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
	}
	return nil
}
