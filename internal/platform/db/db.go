// Package db keeps durable state: what must outlive every session and survive
// a power cut (subjects, devices with their PIN-failure counters, rights).
//
// It opens SQLite through database/sql and brings the schema up to date. The
// callers' SQL stays portable to PostgreSQL: parameters are $1, $2, times are
// BIGINT, conflicts are ON CONFLICT, and what the engine refuses comes back as
// a fault.
package db

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver of this package and of no other

	"github.com/egide-id/egide/internal/platform/fault"
)

// readers is the size of the read pool: reads never wait for the writer in WAL.
const readers = 4

// DB is one open database. Safe for concurrent use, also by several processes.
type DB struct {
	read  *sql.DB
	write *sql.DB

	readStatements, writeStatements prepared
}

// Open opens or creates the file and applies the migrations that it lacks.
// The file is readable by its owner only: it names persons and their devices.
func Open(ctx context.Context, path string) (*DB, error) {
	if err := private(path); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "database file cannot be opened", err)
	}
	d, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.write, path); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Read gives the pool for queries outside a transaction. It refuses writes.
func (d *DB) Read() *sql.DB { return d.read }

// Close waits for running statements and releases the file.
func (d *DB) Close() error {
	return errors.Join(d.read.Close(), d.write.Close())
}

// open makes the two pools. One connection writes: callers of this process
// queue in order instead of fighting for the file lock.
func open(path string) (*DB, error) {
	write, err := sql.Open("sqlite", dsn(path, url.Values{"_txlock": {"immediate"}}))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "database cannot be opened", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn(path, url.Values{"_query_only": {"1"}}))
	if err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, "", "database cannot be opened", err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{read: read, write: write}, nil
}

// dsn sets what every connection needs. synchronous=FULL syncs the log at each
// commit: a lock-out or a revocation that was answered survives a power cut.
func dsn(path string, more url.Values) string {
	q := url.Values{
		"_busy_timeout": {millis(busyTimeout)},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
	}
	for k, v := range more {
		q[k] = v
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// private creates the file for its owner alone; SQLite gives its log the same mode.
func private(path string) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return f.Close()
}
