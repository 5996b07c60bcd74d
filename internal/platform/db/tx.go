package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	// busyTimeout is how long one statement waits for another process's lock.
	busyTimeout = 2 * time.Second
	// attempts bounds how often a transaction that found the file busy is run again.
	attempts = 3
)

// Tx runs fn in one transaction that holds the write lock from its start
// (BEGIN IMMEDIATE), so that what fn reads cannot change before it writes.
// When the file is busy everything is run again, at most three times: fn must
// be free of outside effects.
//
// A fault that fn returns comes back unchanged, with nothing written. Whatever
// the engine refused comes back as Fault gives it. When the commit failed
// nothing was written.
func (d *DB) Tx(ctx context.Context, fn func(tx *sql.Tx) error) error {
	var err error
	for range attempts {
		if err = d.once(ctx, fn); !busy(err) || ctx.Err() != nil {
			break
		}
	}
	return Fault(err)
}

func (d *DB) once(ctx context.Context, fn func(tx *sql.Tx) error) (err error) {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	// Also when fn panics: the only write connection must never stay in a transaction.
	defer func() {
		if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			err = errors.Join(err, rb)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Fault turns an error of the engine into the house's kinds: no row is
// NotFound, a broken uniqueness is Conflict, any other refusal Unavailable.
// nil and faults pass unchanged; the cause stays reachable with errors.Is.
func Fault(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.Wrap(fault.NotFound, "", "no such row", err)
	case unique(err):
		return fault.Wrap(fault.Conflict, "", "row exists already", err)
	default:
		return fault.Wrap(fault.Unavailable, "", "database cannot confirm", err)
	}
}

func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return sqlite3.SQLITE_OK
}

// busy looks at the primary code: SQLITE_BUSY_SNAPSHOT and _RECOVERY count too.
func busy(err error) bool { return code(err)&0xff == sqlite3.SQLITE_BUSY }

func unique(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}
