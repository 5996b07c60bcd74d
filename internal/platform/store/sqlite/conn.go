package sqlite

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	// busyTimeout is how long a statement waits for another process's lock.
	busyTimeout = 5 * time.Second

	// Page caches in KiB. The writer's stays valid between transactions; a
	// reader's is dropped whenever anybody commits, so more would be wasted.
	writerCache = 32 << 10
	readerCache = 2 << 10
	sideCache   = 2 << 10

	readerCount = 4

	// walCeiling, in pages of 4 KiB, is where the writer stops leaving the log
	// to the background and folds it in itself, lest it grow without end.
	walCeiling = 16_000

	// schema is kept in user_version: a newer file is not touched by older code.
	schema = 1
)

// The value comes last: version and expiry are read without its overflow pages.
const createTables = `
CREATE TABLE IF NOT EXISTS kv (
	key     TEXT    NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL,
	expires INTEGER NOT NULL, -- milliseconds of the timeline
	value   BLOB    NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (
	name  TEXT    NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('version', 1), ('time', 0) ON CONFLICT (name) DO NOTHING;
`

// conn is one connection with what every one needs.
type conn struct{ *sqlite.Conn }

func openConn(path string, cacheKiB int) (*conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busyTimeout)
	for _, pragma := range []string{
		"journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY", "wal_autocheckpoint=0",
		fmt.Sprintf("cache_size=-%d", cacheKiB),
	} {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+pragma, nil); err != nil {
			_ = c.Close() // the first failure is the one to tell
			return nil, err
		}
	}
	return &conn{c}, nil
}

// install makes the tables, under one lock for the processes that start together.
func install(c *conn) (err error) {
	end, err := sqlitex.ImmediateTransaction(c.Conn)
	if err != nil {
		return err
	}
	defer end(&err)
	found, err := sqlitex.ResultInt(c.Prep(`PRAGMA user_version`))
	if err != nil {
		return err
	}
	switch found {
	case schema:
		return nil
	case 0:
		return sqlitex.ExecScript(c.Conn, fmt.Sprintf("%s PRAGMA user_version=%d;", createTables, schema))
	}
	return fmt.Errorf("file has schema %d, this program knows %d", found, schema)
}

// prepare compiles a statement that lives as long as its connection.
func (c *conn) prepare(into **sqlite.Stmt, query string, err *error) {
	if *err == nil {
		*into, *err = c.Prepare(query)
	}
}

// run executes a bound statement that gives no rows.
func run(s *sqlite.Stmt) error {
	if _, err := s.Step(); err != nil {
		return err
	}
	return s.Reset()
}

// blob reads a blob column into memory of our own.
func blob(s *sqlite.Stmt, col int) []byte {
	b := make([]byte, s.ColumnLen(col))
	s.ColumnBytes(col, b)
	return b
}
