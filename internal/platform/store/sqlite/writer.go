package sqlite

import (
	"context"
	"errors"
	"log/slog"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	// maxBatch is how many writes share one transaction.
	maxBatch = 256
	// versionBlock is how many versions a process reserves at once.
	versionBlock = 1 << 20
)

// writer owns the writing connection. Only its goroutine touches it.
type writer struct {
	store *Store
	conn  *conn // nil after a failure that calls for a new one
	statements
	next, limit int64 // versions of this process: next <= v < limit
	failing     bool  // the last transaction failed: log once, not per caller
}

// open makes a connection and its statements; it also follows a failure that
// left the old connection in doubt.
func (w *writer) open() error {
	c, err := openConn(w.store.path, writerCache)
	if err != nil {
		return err
	}
	err = install(c)
	if err == nil {
		err = sqlitex.ExecuteTransient(c.Conn, walCeilingPragma, nil)
	}
	if err == nil {
		w.statements, err = prepareAll(c)
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	w.conn = c
	return nil
}

// run serves until Close, then finishes what was accepted.
func (w *writer) run() {
	defer close(w.store.finished)
	batch := make([]*write, 0, maxBatch)
	for {
		select {
		case first := <-w.store.queue:
			w.serve(w.gather(append(batch[:0], first)))
		case <-w.store.closing:
			for batch = w.gather(batch[:0]); len(batch) > 0; batch = w.gather(batch[:0]) {
				w.serve(batch)
			}
			w.stop()
			return
		}
	}
}

// gather adds what already waits: nobody is made to wait for company.
func (w *writer) gather(batch []*write) []*write {
	for len(batch) < maxBatch {
		select {
		case x := <-w.store.queue:
			batch = append(batch, x)
		default:
			return batch
		}
	}
	return batch
}

// serve runs the writes that are still wanted in one transaction and answers
// them. When it fails nothing of it is in the file, and every one hears so.
func (w *writer) serve(batch []*write) {
	claimed, dirty := batch[:0], false
	for _, x := range batch {
		if x.claim() {
			claimed = append(claimed, x)
			dirty = dirty || x.kind < housekeeping
		}
	}
	if len(claimed) == 0 {
		return
	}
	err := w.transact(claimed)
	for _, x := range claimed {
		if err != nil {
			x.fail(err)
		}
		x.done <- struct{}{}
	}
	if dirty {
		select {
		case w.store.written <- struct{}{}:
		default:
		}
	}
	w.report(err)
}

func (w *writer) transact(batch []*write) error {
	if w.conn == nil {
		if err := w.open(); err != nil {
			return err
		}
	}
	err := w.reserve()
	if err == nil {
		err = w.attempt(batch)
	}
	if err != nil {
		w.recover(err)
	}
	return err
}

func (w *writer) attempt(batch []*write) error {
	if err := run(w.begin); err != nil {
		return err
	}
	now := w.store.time.now()
	for _, x := range batch {
		if err := w.apply(x, now); err != nil {
			return err
		}
	}
	return run(w.commit)
}

// reserve takes the next block of versions from the file in a transaction of
// its own, before any of them is used: a version never repeats, not after a
// delete, a restart or a failed transaction, nor in another process.
func (w *writer) reserve() error {
	if w.limit-w.next >= maxBatch {
		return nil
	}
	w.block.BindInt64(1, versionBlock)
	if _, err := w.block.Step(); err != nil {
		return err
	}
	limit := w.block.ColumnInt64(0)
	if err := run(w.block); err != nil { // to its end, where it commits
		return err
	}
	w.next, w.limit = limit-versionBlock, limit
	return nil
}

// recover leaves no transaction open. A connection that cannot roll back, or
// met an error of the disk, is thrown away: the next batch opens a new one,
// and until that succeeds everybody hears Unavailable.
func (w *writer) recover(cause error) {
	bad := false
	if !w.conn.AutocommitEnabled() {
		bad = run(w.rollback) != nil
	}
	switch sqlite.ErrCode(cause).ToPrimary() {
	case sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultCantOpen, sqlite.ResultReadOnly:
		bad = true
	default:
	}
	if bad {
		_ = w.conn.Close() // it failed already; its cause is reported
		w.conn = nil
	}
}

// report logs the first failure and the recovery, not each refused caller.
func (w *writer) report(err error) {
	ctx := context.Background()
	switch {
	case err != nil && !w.failing:
		w.store.log.ErrorContext(ctx, "state store refuses writes", slog.Any("error", err))
	case err == nil && w.failing:
		w.store.log.InfoContext(ctx, "state store accepts writes again")
	}
	w.failing = err != nil
}

// stop writes down how far time has come and lets go of the file.
func (w *writer) stop() {
	mark := newWrite(markTime)
	w.serve([]*write{mark})
	if w.conn != nil {
		if err := w.conn.Close(); err != nil {
			w.report(err)
		}
	}
}
