package wallet

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
)

// outcome of one attempt of one phone.
type outcome uint8

const (
	wrongState  outcome = iota // the phone may not answer; nothing moved
	cloned                     // the ratchet is not the current one: suspended
	refused                    // the holder refused
	wrongNumber                // he picked another number: counts as a refusal
	wrongPIN                   // one try less
	nowLocked                  // the last try is gone
	approved
)

// attempt judges an answer whose device signature is good, on a request that is
// open and claimed. It moves the phone and tells the outcome; it is pure.
//
// The order matters. A copy of the phone is found before anything it says is
// used. The number comes before the PIN, so that a wrong number tells nothing
// of the PIN. Every attempt moves the ratchet, a wrong PIN too: whoever tries
// PINs on a copy makes the holder's own phone fall out of step, and both stop.
func (d *device) attempt(now time.Time, a ecps.Answer, number string, pinOK bool) outcome {
	if d.obstacle(now) != "" {
		return wrongState
	}
	if !d.inStep(a.Ratchets) {
		d.state, d.reason = stateSuspended, reasonCloned
		return cloned
	}
	d.ratchet, d.usedAt = ecps.Hash(a.Next), now
	switch {
	case a.Decision == ecps.Refuse:
		d.wantsTyped = true
		return refused
	case a.Number != number:
		d.wantsTyped = true
		return wrongNumber
	case pinOK:
		d.failures, d.wantsTyped = 0, false
		return approved
	}
	if d.failures++; d.failures >= MaxPINFailures {
		d.state, d.reason = stateLocked, reasonPIN
		return nowLocked
	}
	return wrongPIN
}

// inStep tells whether one of the values is the current ratchet.
func (d *device) inStep(values []string) bool {
	match := 0
	for _, v := range values {
		match |= subtle.ConstantTimeCompare([]byte(ecps.Hash(v)), []byte(d.ratchet))
	}
	return match == 1
}

// try runs attempt on the durable row, under the write lock: parallel answers
// on any number of requests count one after the other.
func (w *Wallet) try(ctx context.Context, id string, now time.Time, a ecps.Answer, number string) (was, is device, o outcome, err error) {
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		var err error
		if was, err = scanDevice(tx.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, id)); err != nil {
			return err
		}
		if was, err = was.decode(); err != nil {
			return err
		}
		is = was
		o = is.attempt(now, a, number, a.PINOK(was.pinKey))
		if o == wrongState {
			return nil
		}
		return saveAttempt(ctx, tx, is)
	})
	return was, is, o, err
}

func saveAttempt(ctx context.Context, tx *sql.Tx, d device) error {
	_, err := tx.ExecContext(ctx, `UPDATE devices SET ratchet = $1, state = $2, reason = $3, pin_failures = $4, used_at = $5 WHERE id = $6`,
		d.ratchet, d.state, d.reason, d.failures, d.usedAt.UnixMilli(), d.id)
	if err != nil {
		return err
	}
	// After a refusal every phone of the holder asks for the digits.
	typed := 0
	if d.wantsTyped {
		typed = 1
	}
	_, err = tx.ExecContext(ctx, `UPDATE devices SET wants_typed = $1 WHERE holder = $2`, typed, d.holder)
	return err
}
