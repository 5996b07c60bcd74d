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
	if o := d.present(now, a.Ratchets, a.Next); o != approved {
		return o
	}
	switch {
	case a.Decision == ecps.Refuse:
		d.wantsTyped = true
		return refused
	case a.Number != number:
		d.wantsTyped = true
		return wrongNumber
	}
	o := d.typed(pinOK)
	if o == approved {
		d.wantsTyped = false
	}
	return o
}

// act judges what the holder wants to do to his own e-CPS: no number, the same PIN.
func (d *device) act(now time.Time, a ecps.Act, pinOK bool) outcome {
	if o := d.present(now, a.Ratchets, a.Next); o != approved {
		return o
	}
	return d.typed(pinOK)
}

// present tells a phone that may speak from one that may not, and from a copy.
// Whatever follows, the ratchet moves.
func (d *device) present(now time.Time, ratchets []string, next string) outcome {
	if d.obstacle(now) != "" {
		return wrongState
	}
	if !d.inStep(ratchets) {
		d.state, d.reason = stateSuspended, reasonCloned
		return cloned
	}
	d.ratchet, d.usedAt = ecps.Hash(next), now
	return approved
}

// typed counts the PIN.
func (d *device) typed(pinOK bool) outcome {
	if pinOK {
		d.failures = 0
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

// try judges on the durable row, under the write lock: parallel answers and acts
// count one after the other.
func (w *Wallet) try(ctx context.Context, id string, judge func(d *device) outcome) (was, is device, o outcome, err error) {
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		read, err := w.DB.Within(ctx, tx, selectDevice)
		if err != nil {
			return err
		}
		if was, err = scanDevice(read.QueryRowContext(ctx, id)); err != nil {
			return err
		}
		if was, err = was.decode(); err != nil {
			return err
		}
		is = was
		if o = judge(&is); o == wrongState {
			return nil
		}
		return w.saveAttempt(ctx, tx, is)
	})
	return was, is, o, err
}

func (w *Wallet) saveAttempt(ctx context.Context, tx *sql.Tx, d device) error {
	update, err := w.DB.Within(ctx, tx, updateDevice)
	if err != nil {
		return err
	}
	if _, err := update.ExecContext(ctx, d.ratchet, d.state, d.reason, d.failures, d.usedAt.UnixMilli(), d.id); err != nil {
		return err
	}
	// After a refusal every phone of the holder asks for the digits.
	typed := 0
	if d.wantsTyped {
		typed = 1
	}
	all, err := w.DB.Within(ctx, tx, updateTyped)
	if err != nil {
		return err
	}
	_, err = all.ExecContext(ctx, typed, d.holder)
	return err
}
