package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/fault"
)

const childOf = "EGIDE_DB_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childOf); path != "" {
		if err := work(path, 100); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func openAt(t *testing.T, path string) *DB {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func insert(ctx context.Context, tx *sql.Tx, sub, id string) error {
	_, err := tx.ExecContext(ctx,
		`INSERT INTO subjects (sub, national_id, epoch, created_at) VALUES ($1, $2, $3, $4)`, sub, id, 1, 0)
	return err
}

// work raises one row by read, then write, as often as told: lost updates show.
func work(path string, times int) (err error) {
	ctx := context.Background()
	d, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for range times {
		err := d.Tx(ctx, func(tx *sql.Tx) error {
			var n int
			if err := tx.QueryRowContext(ctx, `SELECT epoch FROM subjects WHERE sub = $1`, "s").Scan(&n); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE subjects SET epoch = $2 WHERE sub = $1`, "s", n+1)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func epochOf(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.Read().QueryRowContext(t.Context(), `SELECT epoch FROM subjects WHERE sub = 's'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTwoProcessesOnOneFileLoseNoUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "egide.db")
	d := openAt(t, path)
	if err := d.Tx(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "s", "i") }); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childOf+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	for range 4 {
		done.Go(func() {
			if err := work(path, 25); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if n := epochOf(t, d); n != 301 {
		t.Fatalf("counted to %d, want 301", n)
	}
}

// Several nodes start at once on a new file: each finds a complete schema.
func TestParallelFirstStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "egide.db")
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			d, err := Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			var n int
			err = d.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM subjects`).Scan(&n)
			if err := errors.Join(err, d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func TestRefusedTransactionWritesNothing(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "egide.db"))
	refused := fault.New(fault.Denied, "PF-X-001", "refused")
	err := d.Tx(t.Context(), func(tx *sql.Tx) error {
		if err := insert(t.Context(), tx, "s", "i"); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatalf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }() // the test's own panic
		_ = d.Tx(t.Context(), func(tx *sql.Tx) error {
			_ = insert(t.Context(), tx, "s", "i")
			panic("in a transaction")
		})
	}()
	var n int
	if err := d.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM subjects`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d rows: %v", n, err)
	}
	if err := d.Tx(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "s", "i") }); err != nil {
		t.Fatalf("the writer is stuck after a panic: %v", err)
	}
}

func TestFaultsOfTheEngine(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "egide.db"))
	ctx := t.Context()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range []struct {
		name string
		kind fault.Kind
		act  func() error
	}{
		{"same key twice", fault.Conflict, func() error {
			return d.Tx(ctx, func(tx *sql.Tx) error { return errors.Join(insert(ctx, tx, "s", "i"), insert(ctx, tx, "s", "j")) })
		}},
		{"same unique value twice", fault.Conflict, func() error {
			return d.Tx(ctx, func(tx *sql.Tx) error { return errors.Join(insert(ctx, tx, "s", "i"), insert(ctx, tx, "t", "i")) })
		}},
		{"no row", fault.NotFound, func() error {
			var n int
			return Fault(d.Read().QueryRowContext(ctx, `SELECT epoch FROM subjects WHERE sub = $1`, "x").Scan(&n))
		}},
		{"write on the read pool", fault.Unavailable, func() error {
			_, err := d.Read().ExecContext(ctx, `DELETE FROM subjects`)
			return Fault(err)
		}},
		{"caller gone", fault.Unavailable, func() error {
			return d.Tx(cancelled, func(*sql.Tx) error { return nil })
		}},
	} {
		if err := c.act(); !fault.Is(err, c.kind) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.kind)
		}
	}
	if Fault(nil) != nil {
		t.Error("nil became a fault")
	}
}

func TestConnectionsAreSetUp(t *testing.T) {
	d := openAt(t, filepath.Join(t.TempDir(), "a b?#.db"))
	for _, c := range []struct{ pragma, want string }{
		{"journal_mode", "wal"}, {"foreign_keys", "1"}, {"synchronous", "2"}, {"busy_timeout", "2000"},
	} {
		for name, pool := range map[string]*sql.DB{"read": d.read, "write": d.write} {
			var got string
			if err := pool.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got); err != nil || got != c.want {
				t.Errorf("%s pool: %s is %q, want %q: %v", name, c.pragma, got, c.want, err)
			}
		}
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	openAt(t, filepath.Join(dir, "egide.db"))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestUnusablePathIsRefused(t *testing.T) {
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "missing", "egide.db")); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
}
