package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/egide-id/egide/internal/platform/fault"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migrationWait is how long a second process waits while the first migrates.
const migrationWait = time.Minute

// migrate applies what is missing, each file in its own transaction. Two
// processes that start at once take turns: the second finds nothing to do.
func migrate(ctx context.Context, write *sql.DB, path string) error {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return fault.Wrap(fault.Internal, "", "migrations are missing", err)
	}
	lock := &fileLock{path: path + ".lock"}
	p, err := goose.NewProvider(goose.DialectSQLite3, write, files,
		goose.WithLocker(lock), goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fault.Wrap(fault.Internal, "", "migrations cannot be read", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, "", "database cannot be migrated", err)
	}
	return nil
}

// fileLock is an exclusive lock between processes that the kernel releases
// when its holder dies: an exclusive transaction on an empty SQLite file
// beside the database, which works the same on every system Go runs on.
type fileLock struct {
	path string
	db   *sql.DB
	conn *sql.Conn
}

// Lock implements goose's lock.Locker.
func (l *fileLock) Lock(ctx context.Context, _ *sql.DB) error {
	if err := private(l.path); err != nil {
		return err
	}
	q := url.Values{"_busy_timeout": {millis(migrationWait)}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: l.path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if _, err := conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		return errors.Join(err, conn.Close(), db.Close())
	}
	l.db, l.conn = db, conn
	return nil
}

// Unlock implements goose's lock.Locker.
func (l *fileLock) Unlock(ctx context.Context, _ *sql.DB) error {
	_, err := l.conn.ExecContext(ctx, "ROLLBACK")
	return errors.Join(err, l.conn.Close(), l.db.Close())
}
