// Package indexfile keeps a large read-only index in one SQLite file: sorted
// keys with their values, built aside, made durable, then renamed into place.
// Readers follow the switch by themselves and never wait for a writer.
//
// Entries are packed in blocks of a page, so that millions of them cost a
// hundred thousand rows: building writes pages one after the other, and a
// look-up reads one branch and one leaf (storage.md section 3).
package indexfile

import (
	"errors"
	"net/url"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/egide-id/egide/internal/platform/fault"
)

// pageSize holds one block; blockSize leaves room for the row's own header so
// that a block never spills to overflow pages.
const (
	pageSize  = 8192
	blockSize = 8100
)

// statements of one table. Names come from the program's own code, never from
// outside; validName keeps it so.
type statements struct {
	create, insertBlock, insertFirst, get, scan string
}

func tableSQL(name string) (statements, error) {
	if !validName(name) {
		return statements{}, fault.New(fault.Internal, "", "index table has a name that is not lower-case letters")
	}
	return statements{
		create: "CREATE TABLE " + name + "_block(n INTEGER PRIMARY KEY, data BLOB NOT NULL);" +
			"CREATE TABLE " + name + "_first(key BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;",
		insertBlock: "INSERT INTO " + name + "_block(n, data) VALUES(?1, ?2)",
		insertFirst: "INSERT INTO " + name + "_first(key, n) VALUES(?1, ?2)",
		get: "SELECT data FROM " + name + "_block WHERE n = (SELECT n FROM " + name +
			"_first WHERE key <= ?1 ORDER BY key DESC LIMIT 1)",
		scan: "SELECT data FROM " + name + "_block ORDER BY n",
	}, nil
}

func validName(name string) bool {
	for i := range len(name) {
		if name[i] < 'a' || name[i] > 'z' {
			return false
		}
	}
	return name != ""
}

// open gives a connection. Pragmas run one by one: a script would run inside a
// transaction, where most of them are ignored.
func open(path, query string, flags sqlite.OpenFlags, pragmas ...string) (*sqlite.Conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "index path cannot be resolved", err)
	}
	uri := url.URL{Scheme: "file", Path: abs, RawQuery: query}
	conn, err := sqlite.OpenConn(uri.String(), flags|sqlite.OpenURI)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "index file cannot be opened", err)
	}
	for _, pragma := range pragmas {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+pragma, nil); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "index file cannot be set up", errors.Join(err, conn.Close()))
		}
	}
	return conn, nil
}
