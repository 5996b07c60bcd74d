package sqlite

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/egide-id/egide/internal/platform/store"
)

var walCeilingPragma = fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", walCeiling)

// statements are the compiled statements of the writing connection.
type statements struct {
	begin, commit, rollback    *sqlite.Stmt
	create, replace, erase     *sqlite.Stmt
	value, alive, drop, reckon *sqlite.Stmt
	block                      *sqlite.Stmt
}

func prepareAll(c *conn) (s statements, err error) {
	for _, p := range []struct {
		into  **sqlite.Stmt
		query string
	}{
		{&s.begin, `BEGIN IMMEDIATE`},
		{&s.commit, `COMMIT`},
		{&s.rollback, `ROLLBACK`},
		// Creates, or takes the place of a row that is dead but not yet swept.
		{&s.create, `INSERT INTO kv (key, version, expires, value) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (key) DO UPDATE SET version = ?2, expires = ?3, value = ?4 WHERE kv.expires <= ?5`},
		{&s.replace, `UPDATE kv SET version = ?2, expires = ?3, value = ?4 WHERE key = ?1 AND version = ?6 AND expires > ?5`},
		{&s.value, `SELECT value FROM kv WHERE key = ?1 AND expires > ?2`},
		{&s.alive, `SELECT 1 FROM kv WHERE key = ?1 AND expires > ?2`},
		{&s.erase, `DELETE FROM kv WHERE key = ?1`},
		{&s.drop, `DELETE FROM kv WHERE key = ?1 AND expires <= ?2`},
		{&s.reckon, `UPDATE meta SET value = max(value, ?1) WHERE name = 'time'`},
		{&s.block, `UPDATE meta SET value = value + ?1 WHERE name = 'version' RETURNING value`},
	} {
		c.prepare(p.into, p.query, &err)
	}
	return s, err
}

// apply decides one write inside the transaction. Its own outcome (Conflict,
// NotFound) goes into the write; the error is of the engine and fails the batch.
func (w *writer) apply(x *write, now int64) error {
	switch x.kind {
	case put:
		return w.put(x, now)
	case take:
		return w.consume(x, now)
	case update:
		return w.update(x, now)
	case remove:
		w.erase.BindText(1, x.key)
		return run(w.erase)
	case sweep:
		return w.sweep(x, now)
	case markTime:
		w.reckon.BindInt64(1, now)
		return run(w.reckon)
	case housekeeping:
	}
	return fmt.Errorf("unknown kind of write %d", x.kind)
}

func (w *writer) put(x *write, now int64) error {
	w.bind(w.create, x, now)
	if err := run(w.create); err != nil {
		return err
	}
	if w.conn.Changes() == 0 {
		x.err = conflict()
	}
	return nil
}

func (w *writer) update(x *write, now int64) error {
	x.version = w.bind(w.replace, x, now)
	w.replace.BindInt64(6, int64(x.was)) //nolint:gosec // an unknown version, however large, matches none
	if err := run(w.replace); err != nil || w.conn.Changes() == 1 {
		return err
	}
	x.version = 0
	live, err := w.exists(x.key, now)
	if x.err = notFound(); live {
		x.err = conflict()
	}
	return err
}

// bind fills what create and replace share and uses up one version.
func (w *writer) bind(s *sqlite.Stmt, x *write, now int64) store.Version {
	v := w.next
	w.next++
	s.BindText(1, x.key)
	s.BindInt64(2, v)
	s.BindInt64(3, now+x.ttl)
	s.BindBytes(4, x.value)
	s.BindInt64(5, now)
	return version(v)
}

// consume is Take: the single writer makes "read, then delete" one step.
func (w *writer) consume(x *write, now int64) error {
	w.value.BindText(1, x.key)
	w.value.BindInt64(2, now)
	found, err := w.value.Step()
	if err != nil {
		return err
	}
	if found {
		x.value = blob(w.value, 0)
	}
	if err := w.value.Reset(); err != nil {
		return err
	}
	if !found {
		x.err = notFound()
		return nil
	}
	w.erase.BindText(1, x.key)
	return run(w.erase)
}

func (w *writer) exists(key string, now int64) (bool, error) {
	w.alive.BindText(1, key)
	w.alive.BindInt64(2, now)
	live, err := w.alive.Step()
	if err != nil {
		return false, err
	}
	return live, w.alive.Reset()
}

// sweep looks at the expiry again: the key may have been created anew since it was found.
func (w *writer) sweep(x *write, now int64) error {
	for _, key := range x.expired {
		w.drop.BindText(1, key)
		w.drop.BindInt64(2, now)
		if err := run(w.drop); err != nil {
			return err
		}
	}
	return nil
}
