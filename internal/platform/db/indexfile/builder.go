package indexfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Builder writes a new index file aside. It is used by one goroutine; a file
// that was not published does not exist for readers.
type Builder struct {
	path  string
	conn  *sqlite.Conn
	table *tableWriter
}

type tableWriter struct {
	insertBlock, insertFirst *sqlite.Stmt
	n                        int64
	block                    []byte
	first, last              []byte
}

// Create starts a file at path, replacing a leftover of a build that died.
func Create(path string) (*Builder, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fault.Wrap(fault.Internal, "", "leftover index file cannot be removed", err)
	}
	// No journal and no sync: a build that dies is thrown away whole; Publish
	// syncs once, before the rename.
	conn, err := open(path, "", sqlite.OpenReadWrite|sqlite.OpenCreate,
		"page_size = "+strconv.Itoa(pageSize), "journal_mode = OFF", "synchronous = OFF",
		"locking_mode = EXCLUSIVE", "cache_size = -8192")
	if err != nil {
		return nil, err
	}
	b := &Builder{path: path, conn: conn}
	err = sqlitex.ExecuteScript(conn, "CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;", nil)
	if err == nil {
		err = sqlitex.ExecuteTransient(conn, "BEGIN", nil)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "index file cannot be started", errors.Join(err, b.Discard()))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fault.Wrap(fault.Internal, "", "index file cannot be made private", errors.Join(err, b.Discard()))
	}
	return b, nil
}

// Table starts a table; what is appended from here on goes into it.
func (b *Builder) Table(name string) error {
	if err := b.flush(); err != nil {
		return err
	}
	sql, err := tableSQL(name)
	if err != nil {
		return err
	}
	if err := sqlitex.ExecuteScript(b.conn, sql.create, nil); err != nil {
		return fault.Wrap(fault.Internal, "", "index table cannot be made", err)
	}
	w := &tableWriter{}
	if w.insertBlock, err = b.conn.Prepare(sql.insertBlock); err == nil {
		w.insertFirst, err = b.conn.Prepare(sql.insertFirst)
	}
	if err != nil {
		return fault.Wrap(fault.Internal, "", "index table cannot be written", err)
	}
	b.table = w
	return nil
}

// Append adds an entry; keys must come in strictly ascending order.
func (b *Builder) Append(key, value []byte) error {
	w := b.table
	if w == nil || w.last != nil && bytes.Compare(key, w.last) <= 0 {
		return fault.New(fault.Internal, "", "index entries must come in ascending order inside a table")
	}
	if len(w.block) > 0 && len(w.block)+len(key)+len(value)+2*maxUvarint > blockSize {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if len(w.block) == 0 {
		w.first = append(w.first[:0], key...)
	}
	w.block = appendEntry(w.block, key, value)
	w.last = append(w.last[:0], key...)
	return nil
}

const maxUvarint = 5

func (b *Builder) flush() error {
	w := b.table
	if w == nil || len(w.block) == 0 {
		return nil
	}
	w.n++
	w.insertBlock.BindInt64(1, w.n)
	w.insertBlock.BindBytes(2, w.block)
	if err := run(w.insertBlock); err != nil {
		return err
	}
	w.insertFirst.BindBytes(1, w.first)
	w.insertFirst.BindInt64(2, w.n)
	if err := run(w.insertFirst); err != nil {
		return err
	}
	w.block = w.block[:0]
	return nil
}

func run(stmt *sqlite.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be written", err)
	}
	if err := stmt.Reset(); err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be written", err)
	}
	return nil
}

// Meta stores one small document beside the tables.
func (b *Builder) Meta(name string, value []byte) error {
	err := sqlitex.Execute(b.conn, "INSERT OR REPLACE INTO meta(k, v) VALUES(?1, ?2)", &sqlitex.ExecOptions{Args: []any{name, value}})
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be written", err)
	}
	return nil
}

// Publish makes the file durable and renames it into place: readers see the
// old file or the new one, never a part (rpps-import.md 6, rule 2).
func (b *Builder) Publish(final string) error {
	err := b.flush()
	if err == nil {
		err = sqlitex.ExecuteTransient(b.conn, "COMMIT", nil)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be finished", errors.Join(err, b.Discard()))
	}
	if err := b.conn.Close(); err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be finished", err)
	}
	b.conn = nil
	if err := syncPath(b.path); err != nil {
		return err
	}
	if err := os.Rename(b.path, final); err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be put in place", err)
	}
	return syncPath(filepath.Dir(final))
}

// Discard throws the unpublished file away. After Publish it does nothing.
func (b *Builder) Discard() error {
	if b.conn == nil {
		return nil
	}
	err := b.conn.Close()
	b.conn = nil
	return errors.Join(err, os.Remove(b.path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be synced", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fault.Wrap(fault.Unavailable, "", "index file cannot be synced", err)
	}
	return nil
}
