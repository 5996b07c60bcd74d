package notice

import (
	"context"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	life     = 24 * time.Hour      // of a notice: a service's own session does not live longer
	keptFor  = 30 * 24 * time.Hour // settled rows, for operators
	lease    = 2 * time.Minute     // of what a node has taken in hand
	pageSize = 200
)

// held is a notice that this node, and no other, is trying.
type held struct {
	id, client, sub, sid string
	attempts             int
	ends                 time.Time
	told                 func() // its first try is over; nil if nobody waits
}

// Enter writes down what is to be told, all or nothing, and gives what was not
// there yet, in the hand of this node: however many end one session at once,
// each service is told by one of them. Errors: fault.Unavailable.
func (n *Notices) Enter(ctx context.Context, list []Notice) (Entered, error) {
	if len(list) == 0 {
		return nil, nil
	}
	now := n.d.Clock.Now()
	var fresh Entered
	err := n.d.DB.Tx(ctx, func(tx *sql.Tx) error {
		fresh = fresh[:0]
		for _, one := range list {
			h := held{id: one.SID + ":" + one.Client, client: one.Client, sub: one.Sub, sid: one.SID, attempts: 1, ends: now.Add(life)}
			done, err := tx.ExecContext(ctx, `INSERT INTO notices (id, client, sub, sid, state, attempts, created_at, next_at, ends_at)
				VALUES ($1, $2, $3, $4, 'waiting', 1, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
				h.id, h.client, h.sub, h.sid, now.UnixMilli(), now.Add(lease).UnixMilli(), h.ends.UnixMilli())
			if err != nil {
				return err
			}
			if rows, err := done.RowsAffected(); err != nil || rows == 0 {
				if err != nil {
					return err
				}
				continue
			}
			fresh = append(fresh, h)
		}
		return nil
	})
	return fresh, db.Fault(err)
}

// due counts what waits for each service and is due.
func (n *Notices) due(ctx context.Context) (map[string]int, error) {
	rows, err := n.d.DB.Read().QueryContext(ctx, `SELECT client, COUNT(*) FROM notices WHERE state = 'waiting' AND next_at <= $1 GROUP BY client`, n.d.Clock.Now().UnixMilli())
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]int{}
	for rows.Next() {
		var c string
		var count int
		if err := rows.Scan(&c, &count); err != nil {
			return nil, db.Fault(err)
		}
		found[c] = count
	}
	return found, db.Fault(rows.Err())
}

// claim takes some of a service's due notices in hand. The state is asked again
// by the writing statement, for engines whose transactions read at the same time.
func (n *Notices) claim(ctx context.Context, c string, most int) ([]held, error) {
	now := n.d.Clock.Now()
	var taken []held
	err := n.d.DB.Tx(ctx, func(tx *sql.Tx) error {
		taken = taken[:0]
		rows, err := tx.QueryContext(ctx, `UPDATE notices SET attempts = attempts + 1, next_at = $1
			WHERE state = 'waiting' AND next_at <= $2 AND id IN
				(SELECT id FROM notices WHERE state = 'waiting' AND client = $3 AND next_at <= $2 ORDER BY next_at LIMIT $4)
			RETURNING id, client, sub, sid, attempts, ends_at`, now.Add(lease).UnixMilli(), now.UnixMilli(), c, most)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var h held
			var ends int64
			if err := rows.Scan(&h.id, &h.client, &h.sub, &h.sid, &h.attempts, &ends); err != nil {
				return err
			}
			h.ends = time.UnixMilli(ends)
			taken = append(taken, h)
		}
		return rows.Err()
	})
	return taken, db.Fault(err)
}

// settlement is what became of one try.
type settlement struct {
	held
	to     State
	answer string
	again  time.Time // of a waiting one
	slow   bool      // the try took long
}

// write keeps a batch of settlements. A node that slept beyond its lease changes
// nothing: the try is no longer its own.
func (n *Notices) write(ctx context.Context, batch []settlement) error {
	now := n.d.Clock.Now().UnixMilli()
	return n.d.DB.Tx(ctx, func(tx *sql.Tx) error {
		for _, s := range batch {
			next, done := s.again.UnixMilli(), int64(0)
			if s.to != Waiting {
				next, done = 0, now
			}
			if _, err := tx.ExecContext(ctx, `UPDATE notices SET state = $1, answer = $2, next_at = $3, done_at = $4
				WHERE id = $5 AND state = 'waiting' AND attempts = $6`, string(s.to), s.answer, next, done, s.id, s.attempts); err != nil {
				return err
			}
		}
		return nil
	})
}

// purge drops settled rows that nobody needs any more.
func (n *Notices) purge(ctx context.Context) error {
	return n.d.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE done_at > 0 AND done_at < $1`, n.d.Clock.Now().Add(-keptFor).UnixMilli())
		return err
	})
}

// List shows the newest notices in a state. Errors: fault.Unavailable.
func (n *Notices) List(ctx context.Context, state State) ([]Status, error) {
	rows, err := n.d.DB.Read().QueryContext(ctx, `SELECT id, client, sid, state, attempts, answer, created_at, next_at, done_at FROM notices
		WHERE state = $1 ORDER BY created_at DESC, id LIMIT $2`, string(state), pageSize)
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	var list []Status
	for rows.Next() {
		var s Status
		var created, next, done int64
		if err := rows.Scan(&s.ID, &s.Client, &s.SID, &s.State, &s.Attempts, &s.Answer, &created, &next, &done); err != nil {
			return nil, db.Fault(err)
		}
		s.Created = time.UnixMilli(created).UTC()
		if next > 0 {
			s.Next = time.UnixMilli(next).UTC()
		}
		if done > 0 {
			s.Settled = time.UnixMilli(done).UTC()
		}
		list = append(list, s)
	}
	return list, db.Fault(rows.Err())
}

// Again gives a dead notice another day. Errors: fault.NotFound, fault.Unavailable.
func (n *Notices) Again(ctx context.Context, id string) error {
	now := n.d.Clock.Now()
	err := n.d.DB.Tx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE notices SET state = 'waiting', next_at = $1, ends_at = $2, done_at = 0 WHERE id = $3 AND state = 'dead'`,
			now.UnixMilli(), now.Add(life).UnixMilli(), id)
		if err != nil {
			return err
		}
		if rows, err := done.RowsAffected(); err != nil || rows != 1 {
			return fault.Wrap(fault.NotFound, "", "no such dead notice", err)
		}
		return nil
	})
	return db.Fault(err)
}

// Depth counts the notices that wait and those that died, for metrics.
func (n *Notices) Depth(ctx context.Context) (waiting, dead int64, err error) {
	err = n.d.DB.Read().QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0)
		FROM notices WHERE state <> 'done'`).Scan(&waiting, &dead)
	return waiting, dead, db.Fault(err)
}
