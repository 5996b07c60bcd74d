package wallet

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/platform/db"
)

const day = 24 * time.Hour

// reminderDays are how many days before its end an e-CPS is spoken of (PG-19, PG-84).
var reminderDays = []int{7, 30, 60}

// remindEvery is how often the job looks.
const remindEvery = time.Hour

// Remind tells holders that their e-CPS ends soon, until ctx is done. Every
// reminder has a name, so that it is sent once however many nodes look.
func (w *Wallet) Remind(ctx context.Context) {
	for {
		if err := w.RemindNow(ctx); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "reminders were not sent", slog.Any("error", err))
		}
		if err := w.ForgetSignIns(ctx); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "old sign-ins were not dropped", slog.Any("error", err))
		}
		next, stop := w.Clock.After(remindEvery)
		select {
		case <-next:
		case <-ctx.Done():
			stop()
			return
		}
	}
}

// RemindNow looks once.
func (w *Wallet) RemindNow(ctx context.Context) error {
	if w.Post == nil {
		return nil
	}
	now := w.Clock.Now()
	ending, err := w.ending(ctx, now)
	if err != nil {
		return err
	}
	for _, d := range ending {
		days := dueReminder(d.expires.Sub(now))
		w.Post(ctx, News{
			Kind: NewsEnding, Holder: d.holder, Label: d.label, At: d.expires, Days: days, Key: fmt.Sprintf("ending-%s-%d", d.id, days),
		})
	}
	return nil
}

// dueReminder is the last reminder whose day has come.
func dueReminder(left time.Duration) int {
	for _, days := range reminderDays {
		if left <= time.Duration(days)*day {
			return days
		}
	}
	return 0
}

// ending lists the phones that end within the first reminder's time, and that
// nobody has replaced.
func (w *Wallet) ending(ctx context.Context, now time.Time) ([]device, error) {
	first := time.Duration(reminderDays[len(reminderDays)-1]) * day
	rows, err := w.DB.Read().QueryContext(ctx, `SELECT `+deviceColumns+` FROM devices
		WHERE state IN ('active', 'locked', 'suspended') AND leaves_at = 0 AND expires_at > $1 AND expires_at <= $2`, now.UnixMilli(), now.Add(first).UnixMilli())
	if err != nil {
		return nil, db.Fault(err)
	}
	return scanDevices(rows)
}
