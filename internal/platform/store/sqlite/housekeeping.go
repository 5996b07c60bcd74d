package sqlite

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	// tick is how long after a write the log is folded into the file.
	tick = 500 * time.Millisecond
	// rest is the pace of the sweep when nobody writes.
	rest = 10 * time.Second

	scanRows   = 1000 // rows looked at in one go
	scanRounds = 8    // goes in a row while many rows are dead
	sweepBatch = 64   // rows deleted at once: no caller waits long behind them
)

// keeper folds the log in after writes and walks round the keys to delete dead
// rows, on a connection of its own. It runs only as often as there is work.
type keeper struct {
	store  *Store
	conn   *conn
	cursor string // the walk goes on after this key
}

func openKeeper(s *Store) (*keeper, error) {
	c, err := openConn(s.path, sideCache)
	return &keeper{store: s, conn: c}, err
}

func (k *keeper) run() {
	for {
		wrote, open := k.store.awaitWork()
		if !open {
			return
		}
		if wrote {
			k.checkpoint()
		}
		k.sweep()
		if wrote {
			k.store.housework(newWrite(markTime))
		}
	}
}

// awaitWork returns a tick after the first write, or after a rest; open is
// false once the store closes.
func (s *Store) awaitWork() (wrote, open bool) {
	rested, stop := s.clock.After(rest)
	defer stop()
	select {
	case <-s.closing:
		return false, false
	case <-rested:
		return false, true
	case <-s.written:
	}
	ticked, stop := s.clock.After(tick)
	defer stop()
	select {
	case <-s.closing:
		return true, false
	case <-ticked:
		return true, true
	}
}

// checkpoint is PASSIVE: it waits for nobody and holds up nobody.
func (k *keeper) checkpoint() {
	if err := sqlitex.Execute(k.conn.Conn, `PRAGMA wal_checkpoint(PASSIVE)`, nil); err != nil {
		k.store.log.ErrorContext(context.Background(), "state store log cannot be folded in", slog.Any("error", err))
	}
}

// sweep looks at the next rows and deletes the dead ones, and goes on while
// many are. There is no index on expiry: it costs every write more than this walk.
func (k *keeper) sweep() {
	for range scanRounds {
		next, dead, err := k.scan()
		if err != nil {
			k.store.log.ErrorContext(context.Background(), "state store cannot be swept", slog.Any("error", err))
			return
		}
		for batch := range slices.Chunk(dead, sweepBatch) {
			w := newWrite(sweep)
			w.expired = batch
			if !k.store.housework(w) {
				return
			}
		}
		if k.cursor = next; len(dead) < scanRows/4 {
			return
		}
	}
}

// scan gives the dead keys among the next rows, and where to go on: the start
// again once the end is reached.
func (k *keeper) scan() (next string, dead []string, err error) {
	now, rows := k.store.time.now(), 0
	err = sqlitex.Execute(k.conn.Conn, `SELECT key, expires FROM kv WHERE key > ?1 ORDER BY key LIMIT ?2`,
		&sqlitex.ExecOptions{
			Args: []any{k.cursor, scanRows},
			ResultFunc: func(stmt *sqlite.Stmt) error {
				rows++
				next = stmt.ColumnText(0)
				if stmt.ColumnInt64(1) <= now {
					dead = append(dead, next)
				}
				return nil
			},
		})
	if rows < scanRows {
		next = ""
	}
	return next, dead, err
}

// housework queues a write of our own; its failure is the writer's to report.
func (s *Store) housework(w *write) bool {
	return s.do(context.Background(), w) == nil
}
