package wallet

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
)

// Subscribe keeps where a push service reaches this phone; a newer subscription
// replaces the older one. The caller has checked its form.
func (w *Wallet) Subscribe(ctx context.Context, d Device, s ecps.PushSubscription) error {
	return w.write(ctx, `INSERT INTO push_subscriptions (device, endpoint, p256dh, auth, created_at, reached_at) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (device) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth,
		created_at = excluded.created_at, reached_at = 0`, d.ID, s.Endpoint, s.P256DH, s.Auth, w.Clock.Now().UnixMilli())
}

// Unsubscribe forgets it: the phone asked, or the push service says that it is
// gone (RFC 8030 7.3).
func (w *Wallet) Unsubscribe(ctx context.Context, device string) error {
	return w.write(ctx, `DELETE FROM push_subscriptions WHERE device = $1`, device)
}

// Reached notes that a push service took a push for this phone.
func (w *Wallet) Reached(ctx context.Context, device string) error {
	return w.write(ctx, `UPDATE push_subscriptions SET reached_at = $1 WHERE device = $2`, w.Clock.Now().UnixMilli(), device)
}

// Subscribed tells whether a push service reaches this phone.
func (w *Wallet) Subscribed(ctx context.Context, device string) (bool, error) {
	var n int
	err := w.DB.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM push_subscriptions WHERE device = $1`, device).Scan(&n)
	return n > 0, db.Fault(err)
}

// reachedAt tells whether a push service is known for the phone, and when it
// last took a push.
func (w *Wallet) reachedAt(ctx context.Context, device string) (known bool, at time.Time, err error) {
	var n int
	var ms int64
	err = w.DB.Read().QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MAX(reached_at), 0) FROM push_subscriptions WHERE device = $1`, device).Scan(&n, &ms)
	return n > 0, instant(ms), db.Fault(err)
}

// Subscription gives where a phone is reached. Errors: fault.NotFound.
func (w *Wallet) Subscription(ctx context.Context, device string) (ecps.PushSubscription, error) {
	var s ecps.PushSubscription
	err := w.DB.Read().QueryRowContext(ctx, `SELECT endpoint, p256dh, auth FROM push_subscriptions WHERE device = $1`, device).Scan(&s.Endpoint, &s.P256DH, &s.Auth)
	return s, db.Fault(err)
}
