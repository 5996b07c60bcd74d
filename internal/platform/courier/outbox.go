package courier

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/seal"
)

const (
	keptFor  = 30 * 24 * time.Hour // final rows, for support
	lease    = 2 * time.Minute     // of one hand-over; longer than any sender's patience
	maxKey   = 128
	maxBody  = 8 << 10
	purpose  = "courier "
	pageSize = 50
)

// Outbox takes letters, durably. Safe for concurrent use, also by several nodes.
type Outbox struct {
	db    *db.DB
	seal  *seal.Key
	clock clock.Clock
	wake  chan struct{}
}

// NewOutbox opens the outbox of a database.
func NewOutbox(d *db.DB, k *seal.Key, c clock.Clock) *Outbox {
	return &Outbox{db: d, seal: k, clock: c, wake: make(chan struct{}, 1)}
}

// Enqueue enters letters, all or none. One whose key is there already is passed
// over: it was sent, or will be. Errors: fault.Invalid, fault.Unavailable.
func (o *Outbox) Enqueue(ctx context.Context, letters ...Message) error {
	err := o.db.Tx(ctx, func(tx *sql.Tx) error { return o.EnqueueIn(ctx, tx, letters...) })
	if err == nil {
		o.Wake()
	}
	return err
}

// EnqueueIn enters letters in the caller's transaction: what is done and what is
// written about it happen together or not at all. Wake after the commit; without
// it the next poll finds them. Errors: fault.Invalid, fault.Unavailable.
func (o *Outbox) EnqueueIn(ctx context.Context, tx *sql.Tx, letters ...Message) error {
	now := o.clock.Now()
	rows := make([][]any, 0, len(letters))
	for _, m := range letters {
		row, err := o.row(m, now)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (id, channel, kind, holder, masked, letter, void, state, attempts, created_at, next_at, ends_at, done_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, $8, $8, $9, 0) ON CONFLICT (id) DO NOTHING`, row...); err != nil {
			return db.Fault(err)
		}
	}
	return nil
}

// Wake tells a worker of this process that there is something to do.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default: // it was told already
	}
}

func (o *Outbox) row(m Message, now time.Time) ([]any, error) {
	if m.Key == "" || len(m.Key) > maxKey || len(m.To) > maxAddress || len(m.Holder) > maxKey || len(m.Kind) > maxKey || len(m.Subject)+len(m.Body) > maxBody || m.Channel != Mail && m.Channel != SMS {
		return nil, fault.New(fault.Invalid, "", "a letter has a name, a channel, a short address, and at most 8 KiB")
	}
	plain, err := json.Marshal(Outgoing{Key: m.Key, To: m.To, Subject: m.Subject, Body: m.Body})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "a letter cannot be written", err)
	}
	sealed, err := o.seal.Seal(purpose+m.Key, plain)
	if err != nil {
		return nil, err
	}
	if m.Expires.IsZero() {
		m.Expires = now.Add(24 * time.Hour)
	}
	void := 0
	if m.Void {
		void = 1
	}
	return []any{m.Key, string(m.Channel), m.Kind, m.Holder, Masked(m.Channel, m.To), sealed, void, now.UnixMilli(), m.Expires.UnixMilli()}, nil
}

// Depth counts the letters that wait for their hand-over, one under way included,
// and those given up that are still kept for support.
func (o *Outbox) Depth(ctx context.Context) (waiting, dead int64, err error) {
	err = o.db.Read().QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN state IN ('waiting', 'handing') THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN state IN ('unsure', 'failed') THEN 1 ELSE 0 END), 0) FROM outbox`).Scan(&waiting, &dead)
	if err != nil {
		return 0, 0, db.Fault(err)
	}
	return waiting, dead, nil
}

// Status lists the letters that concern a holder, newest first. A void one is
// nobody's business: it does not exist.
func (o *Outbox) Status(ctx context.Context, holder string) ([]Delivery, error) {
	rows, err := o.db.Read().QueryContext(ctx, `SELECT channel, kind, state, masked, created_at, done_at, attempts FROM outbox
		WHERE holder = $1 AND void = 0 ORDER BY created_at DESC, id LIMIT $2`, holder, pageSize)
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	var list []Delivery
	for rows.Next() {
		var d Delivery
		var at, done int64
		if err := rows.Scan(&d.Channel, &d.Kind, &d.State, &d.To, &at, &done, &d.Attempts); err != nil {
			return nil, db.Fault(err)
		}
		d.At = time.UnixMilli(at).UTC()
		if done > 0 {
			d.DoneAt = time.UnixMilli(done).UTC()
		}
		list = append(list, d)
	}
	return list, db.Fault(rows.Err())
}

// held is a letter that this worker, and no other, hands over.
type held struct {
	id       string
	channel  Channel
	void     bool
	attempts int
	ends     time.Time
	sealed   string
}

// claim takes one letter that is due: of any number of workers one wins.
// The state is asked again by the writing statement, for engines whose
// transactions read at the same time. Errors: fault.NotFound when nothing is due,
// fault.Conflict when another was faster.
func (o *Outbox) claim(ctx context.Context) (h held, err error) {
	now := o.clock.Now()
	err = o.db.Tx(ctx, func(tx *sql.Tx) error {
		var ends int64
		err := tx.QueryRowContext(ctx, `SELECT id, channel, void, attempts, ends_at, letter FROM outbox
			WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at, id LIMIT 1`, now.UnixMilli()).Scan(&h.id, &h.channel, &h.void, &h.attempts, &ends, &h.sealed)
		if err != nil {
			return err
		}
		h.ends = time.UnixMilli(ends)
		h.attempts++
		done, err := tx.ExecContext(ctx, `UPDATE outbox SET state = 'handing', attempts = $1, next_at = $2 WHERE id = $3 AND state = 'waiting'`,
			h.attempts, now.Add(lease).UnixMilli(), h.id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fault.Wrap(fault.Conflict, "", "another worker has this letter", err)
		}
		return nil
	})
	return h, db.Fault(err)
}

// abandon settles hand-overs whose worker is gone: such a letter is unsure,
// unless its sender recognises repetitions.
func (o *Outbox) abandon(ctx context.Context, idempotent func(Channel) bool) error {
	now := o.clock.Now().UnixMilli()
	return o.db.Tx(ctx, func(tx *sql.Tx) error {
		for _, c := range []Channel{Mail, SMS} {
			query, args := `UPDATE outbox SET state = 'unsure', letter = '', done_at = $1 WHERE state = 'handing' AND channel = $2 AND next_at <= $1`, []any{now, string(c)}
			if idempotent(c) {
				query = `UPDATE outbox SET state = 'waiting' WHERE state = 'handing' AND channel = $2 AND next_at <= $1`
			}
			if _, err := tx.ExecContext(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish writes what became of a hand-over. A final row forgets what it said. A
// worker that slept beyond its lease changes nothing: the try is no longer its own.
func (o *Outbox) finish(ctx context.Context, h held, to State) error {
	return o.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE outbox SET state = $1, letter = '', done_at = $2 WHERE id = $3 AND state = 'handing' AND attempts = $4`,
			string(to), o.clock.Now().UnixMilli(), h.id, h.attempts)
		return err
	})
}

// again gives a letter back for another try.
func (o *Outbox) again(ctx context.Context, h held, at time.Time) error {
	return o.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE outbox SET state = 'waiting', next_at = $1 WHERE id = $2 AND state = 'handing' AND attempts = $3`, at.UnixMilli(), h.id, h.attempts)
		return err
	})
}

// purge drops final rows that are older than support needs.
func (o *Outbox) purge(ctx context.Context) error {
	return o.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE done_at > 0 AND done_at < $1`, o.clock.Now().Add(-keptFor).UnixMilli())
		return err
	})
}
