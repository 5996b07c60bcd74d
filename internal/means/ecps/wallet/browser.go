package wallet

import (
	"context"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

// KnowsBrowser tells whether the holder has completed a login in this browser.
func (w *Wallet) KnowsBrowser(ctx context.Context, browser string, holder rpps.NationalID) (bool, error) {
	if browser == "" {
		return false, nil
	}
	id, err := w.canonical(ctx, holder)
	if err != nil {
		return false, err
	}
	known, _, err := w.knows(ctx, browser, id)
	return known, err
}

// RememberBrowser makes it one; called after a login that succeeded.
func (w *Wallet) RememberBrowser(ctx context.Context, browser string, holder rpps.NationalID) error {
	if browser == "" {
		return fault.New(fault.Invalid, "", "no browser to remember")
	}
	id, err := w.canonical(ctx, holder)
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	return w.DB.Tx(ctx, func(tx *sql.Tx) error { return rememberBrowser(ctx, tx, browser, id, now) })
}

func rememberBrowser(ctx context.Context, tx *sql.Tx, browser, holder string, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM known_browsers WHERE holder = $1 AND expires_at <= $2`, holder, now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO known_browsers (browser, holder, seen_at, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (browser, holder) DO UPDATE SET seen_at = excluded.seen_at, expires_at = excluded.expires_at`,
		ecps.Hash(browser), holder, now.UnixMilli(), now.Add(browserLife).UnixMilli())
	return err
}

func (w *Wallet) knows(ctx context.Context, browser, holder string) (known bool, place string, err error) {
	var n int
	err = w.DB.Read().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MAX(label), '') FROM known_browsers WHERE browser = $1 AND holder = $2 AND expires_at > $3`,
		ecps.Hash(browser), holder, w.Clock.Now().UnixMilli()).Scan(&n, &place)
	return n > 0, place, db.Fault(err)
}

// LabelBrowser names a workstation that the holder has used; his phone shows the
// name with each request from it.
func (w *Wallet) LabelBrowser(ctx context.Context, browser string, holder rpps.NationalID, label string) error {
	if label = ecps.Showable(label); len(label) > maxLabel {
		return fault.New(fault.Invalid, ecps.CodeMalformed, "a label has at most 60 bytes")
	}
	id, err := w.canonical(ctx, holder)
	if err != nil {
		return err
	}
	return w.write(ctx, `UPDATE known_browsers SET label = $1 WHERE browser = $2 AND holder = $3`, label, ecps.Hash(browser), id)
}

// canonical is the person's identifier of today; as given when nobody has it.
func (w *Wallet) canonical(ctx context.Context, holder rpps.NationalID) (string, error) {
	person, err := w.Directory.Lookup(ctx, holder)
	switch {
	case err == nil:
		return person.ID.String(), nil
	case fault.Is(err, fault.NotFound):
		return holder.String(), nil
	}
	return "", err
}
