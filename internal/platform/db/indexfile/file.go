package indexfile

import (
	"context"
	"errors"
	"iter"
	"os"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/egide-id/egide/internal/platform/fault"
)

// File is one published index, open for reading by a few connections. All of
// them are opened at once, on the same file: a connection opened later, by
// name, could already see the next edition.
type File struct {
	conns chan *reader
	size  int
	info  os.FileInfo
}

type reader struct {
	conn  *sqlite.Conn
	gets  map[string]*sqlite.Stmt
	block []byte
}

// Open opens a published file with that many connections.
// Errors: fault.NotFound when there is none.
func Open(path string, connections int) (*File, error) {
	const tries = 5 // a publication between two opens is rare; five in a row do not happen
	for range tries {
		before, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fault.Wrap(fault.NotFound, "", "no index file has been published", err)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "index file cannot be read", err)
		}
		f, err := openAll(path, max(1, connections))
		if err != nil {
			return nil, err
		}
		after, err := os.Stat(path)
		if err == nil && os.SameFile(before, after) {
			f.info = after
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return nil, fault.New(fault.Unavailable, "", "index file keeps changing")
}

func openAll(path string, n int) (*File, error) {
	f := &File{conns: make(chan *reader, n)}
	for range n {
		// A published file never changes: no locks, no look for a journal; the
		// system's page cache does the rest.
		conn, err := open(path, "immutable=1", sqlite.OpenReadOnly, "query_only = ON", "cache_size = -1024")
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.size++
		f.conns <- &reader{conn: conn, gets: map[string]*sqlite.Stmt{}}
	}
	return f, nil
}

// Close waits for readers under way and closes.
func (f *File) Close() error {
	var errs []error
	for range f.size {
		r := <-f.conns
		errs = append(errs, r.conn.Close())
	}
	f.size = 0
	return errors.Join(errs...)
}

// Info is the file as it was found: its identity and the time it was made.
func (f *File) Info() os.FileInfo { return f.info }

// Get appends the value of a key to dst. Errors: fault.NotFound.
func (f *File) Get(ctx context.Context, table string, key, dst []byte) ([]byte, error) {
	var value []byte
	err := f.use(ctx, func(r *reader) error {
		found, ok, err := r.get(table, key)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, "", "the index holds no such key")
		}
		value = append(dst, found...)
		return nil
	})
	return value, err
}

func (f *File) use(ctx context.Context, fn func(*reader) error) error {
	select {
	case r := <-f.conns:
		defer func() { f.conns <- r }()
		return fn(r)
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, "", "index look-up was given up", ctx.Err())
	}
}

func (r *reader) get(table string, key []byte) ([]byte, bool, error) {
	stmt, err := r.statement(table)
	if err != nil {
		return nil, false, err
	}
	stmt.BindBytes(1, key)
	ok, err := stmt.Step()
	if err != nil {
		return nil, false, fault.Wrap(fault.Unavailable, "", "index file cannot be read", errors.Join(err, stmt.Reset()))
	}
	if ok {
		r.block = readColumn(stmt, r.block)
	}
	if err := stmt.Reset(); err != nil {
		return nil, false, fault.Wrap(fault.Unavailable, "", "index file cannot be read", err)
	}
	if !ok {
		return nil, false, nil
	}
	return findInBlock(r.block, key)
}

func (r *reader) statement(table string) (*sqlite.Stmt, error) {
	if stmt, ok := r.gets[table]; ok {
		return stmt, nil
	}
	sql, err := tableSQL(table)
	if err != nil {
		return nil, err
	}
	stmt, err := r.conn.Prepare(sql.get)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "index table cannot be read", err)
	}
	r.gets[table] = stmt
	return stmt, nil
}

func readColumn(stmt *sqlite.Stmt, buf []byte) []byte {
	n := stmt.ColumnLen(0)
	if cap(buf) < n {
		buf = make([]byte, max(n, pageSize))
	}
	buf = buf[:n]
	return buf[:stmt.ColumnBytes(0, buf)]
}

// Meta reads one document. Errors: fault.NotFound.
func (f *File) Meta(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	found := false
	err := f.use(ctx, func(r *reader) error {
		return sqlitex.Execute(r.conn, "SELECT v FROM meta WHERE k = ?1", &sqlitex.ExecOptions{
			Args: []any{name},
			ResultFunc: func(stmt *sqlite.Stmt) error {
				found, value = true, readColumn(stmt, nil)
				return nil
			},
		})
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "index file cannot be read", err)
	}
	if !found {
		return nil, fault.New(fault.NotFound, "", "the index holds no such document")
	}
	return value, nil
}

// Entry is one key with its value, valid until the next step of the scan.
type Entry struct {
	Key, Value []byte
}

// Scan walks a table in key order. It holds one connection until it ends.
func (f *File) Scan(ctx context.Context, table string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := f.use(ctx, func(r *reader) error { return r.scan(ctx, table, yield) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, err)
		}
	}
}

var errStopped = errors.New("scan stopped by its reader")

func (r *reader) scan(ctx context.Context, table string, yield func(Entry, error) bool) (err error) {
	sql, err := tableSQL(table)
	if err != nil {
		return err
	}
	stmt, err := r.conn.Prepare(sql.scan)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "index table cannot be read", err)
	}
	defer func() { err = errors.Join(err, stmt.Reset()) }()
	for ctx.Err() == nil {
		ok, err := stmt.Step()
		if err != nil {
			return fault.Wrap(fault.Unavailable, "", "index file cannot be read", err)
		}
		if !ok {
			return nil
		}
		r.block = readColumn(stmt, r.block)
		for block := r.block; len(block) > 0; {
			var e Entry
			if e.Key, e.Value, block, err = nextEntry(block); err != nil {
				return err
			}
			if !yield(e, nil) {
				return errStopped
			}
		}
	}
	return fault.Wrap(fault.Unavailable, "", "index scan was given up", ctx.Err())
}
