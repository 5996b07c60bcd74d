package wallet

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

const (
	otpTries   = 5 // wrong codes per holder and window; after that this path alone is closed
	otpWindow  = 15 * time.Minute
	otpPurpose = "ecps.offline"
)

// setOffline keeps the seed of a phone's offline code, closed by a key that is
// not in the database. The phone made the seed and masks its own copy with the PIN.
func (w *Wallet) setOffline(ctx context.Context, d device, seed string) error {
	if w.Seal == nil {
		return fault.New(fault.Denied, ecps.CodeOfflineCode, "this provider gives no offline code")
	}
	raw, err := base64.RawURLEncoding.DecodeString(seed)
	if err != nil {
		return fault.Wrap(fault.Invalid, ecps.CodeMalformed, "the seed cannot be read", err)
	}
	sealed, err := w.Seal.Seal(otpPurpose+" "+d.id, raw)
	if err != nil {
		return err
	}
	if err := w.record(ctx, audit.OfflineCodeSet{Subject: d.holder, Device: d.id}); err != nil {
		return err
	}
	return w.write(ctx, `UPDATE devices SET otp_seed = $1, otp_step = 0 WHERE id = $2`, sealed, d.id)
}

// ProveOffline checks a code that was typed on the login page. Each step of a
// phone serves once. Failures are counted per holder and per source, on an index
// of their own: they never touch the PIN count nor the online path.
// To a stranger every failure is the same: wrong, used, too many, no such person.
// Errors: fault.Denied with PF-EC-024.
func (w *Wallet) ProveOffline(ctx context.Context, a Ask, code string) (Proof, error) {
	now := w.Clock.Now()
	s, err := w.resolve(ctx, a.Holder, a.Browser)
	if err != nil {
		return Proof{}, err
	}
	// Strangers who guess close the path to strangers, not to the holder's own browser.
	counted := fmt.Sprintf("%s %t", s.key, s.known)
	open, err := w.countOffline(ctx, counted, a.Source, now)
	if err != nil {
		return Proof{}, err
	}
	d, step, err := w.matchOffline(s, code, now)
	if err != nil {
		return Proof{}, err
	}
	wrong := fault.New(fault.Denied, ecps.CodeOfflineCode, "the code is wrong, used, or too many were tried")
	if !open || d.id == "" || s.person.Closed || !s.found {
		return Proof{}, wrong
	}
	used, err := w.useStep(ctx, d.id, step)
	if err != nil {
		return Proof{}, err
	}
	if !used {
		return Proof{}, wrong
	}
	if err := w.record(ctx, audit.ApprovalGiven{Subject: s.id.String(), Device: d.id, Client: a.ClientID, Request: "offline"}); err != nil {
		return Proof{}, err
	}
	return Proof{Holder: s.id, Device: d.id, At: now}, w.forgiveOffline(ctx, counted)
}

// matchOffline looks for the phone and step that give the code. Every phone is
// tried at every step, so that time tells nothing of which was near.
func (w *Wallet) matchOffline(s subject, code string, now time.Time) (device, int64, error) {
	code = digitsOf(code)
	var found device
	var at int64
	if _, _, err := ecps.OfflineStep(w.nobodySeed, code, now); err != nil { // nobody's phone is tried too
		return device{}, 0, err
	}
	for _, d := range s.devices {
		if d.offline == "" || d.obstacle(now) != "" || w.Seal == nil {
			continue
		}
		seed, err := w.Seal.Unseal(otpPurpose+" "+d.id, d.offline)
		if err != nil {
			return device{}, 0, fault.Wrap(fault.Internal, "", "a stored seed cannot be opened", err)
		}
		step, good, err := ecps.OfflineStep(seed, code, now)
		if err != nil {
			return device{}, 0, err
		}
		if good {
			found, at = d, step
		}
	}
	return found, at, nil
}

// useStep consumes a step: of any number of callers one wins, and no earlier
// step serves after it.
func (w *Wallet) useStep(ctx context.Context, id string, step int64) (used bool, err error) {
	err = w.DB.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE devices SET otp_step = $1 WHERE id = $2 AND otp_step < $1`, step, id)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		used = n == 1
		return err
	})
	return used, err
}

// countOffline counts a try before it is judged, so that parallel guesses count
// each. It tells whether there was one left.
func (w *Wallet) countOffline(ctx context.Context, key, source string, now time.Time) (open bool, err error) {
	tooMany, err := w.countSource(ctx, "offline "+source, now)
	if err != nil {
		return false, err
	}
	err = ensure(ctx, w.offline, key, func(x *index) (time.Duration, error) {
		x.prune(now, otpWindow)
		if open = x.Count < otpTries; open {
			x.Count++
		}
		return otpWindow, nil
	})
	return open && !tooMany, err
}

// forgiveOffline forgets the failures that came before a right code.
func (w *Wallet) forgiveOffline(ctx context.Context, key string) error {
	return ensure(ctx, w.offline, key, func(x *index) (time.Duration, error) {
		x.Count = 0
		return otpWindow, nil
	})
}

// digitsOf drops what people put between groups of digits.
func digitsOf(s string) string {
	out := make([]byte, 0, 8)
	for i := 0; i < len(s) && len(out) < 16; i++ {
		if s[i] >= '0' && s[i] <= '9' {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// HasOffline tells whether any phone of a person has an offline code; only for
// the person himself and for support.
func (w *Wallet) HasOffline(ctx context.Context, holder rpps.NationalID) (bool, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return false, err
	}
	for _, d := range s.devices {
		if d.offline != "" {
			return true, nil
		}
	}
	return false, nil
}
