package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// An administrator or NTP sets the wall clock back an hour, and the program is
// restarted: what had expired stays dead (HA7).
func TestHA7ClockSetBackRevivesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c := clock.NewManual(epoch)
	s := openAt(t, path, c)
	if err := s.Put(t.Context(), "jti", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	c.Advance(2 * time.Minute)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	back := clock.NewManual(epoch.Add(-time.Hour))
	s = openAt(t, path, back)
	if _, err := s.Get(t.Context(), "jti"); !fault.Is(err, fault.NotFound) {
		t.Fatalf("an expired key is back: %v", err)
	}
	// And lives are as long as they were asked, counted from here.
	if err := s.Put(t.Context(), "code", nil, time.Minute); err != nil {
		t.Fatal(err)
	}
	back.Advance(59 * time.Second)
	if _, err := s.Get(t.Context(), "code"); err != nil {
		t.Fatal(err)
	}
	back.Advance(time.Second)
	if _, err := s.Get(t.Context(), "code"); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a key outlives its time: %v", err)
	}
}

// Versions go on after a restart: a version held across it fits no new record.
func TestVersionsDoNotRepeatAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	seen := map[uint64]bool{}
	for range 3 {
		s := openAt(t, path, clock.NewManual(epoch))
		if err := s.Put(t.Context(), "k", nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		item, err := s.Get(t.Context(), "k")
		if err != nil || seen[uint64(item.Version)] {
			t.Fatalf("version %d repeats: %v", item.Version, err)
		}
		seen[uint64(item.Version)] = true
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A write whose caller went away before its transaction began is not done.
func TestWithdrawnWriteIsNeverDone(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), clock.NewManual(epoch))
	w := newWrite(put)
	w.key, w.ttl = "k", 1000
	if !w.withdraw() {
		t.Fatal("a waiting write could not be withdrawn")
	}
	s.queue <- w
	if err := s.Put(t.Context(), "next", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "k"); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a withdrawn write was done: %v", err)
	}
}

// Callers that give up at random instants are told the truth: whoever heard
// success finds his key, whoever heard failure does not.
func TestCancelledCallerHearsTheTruth(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), clock.NewManual(epoch))
	var done sync.WaitGroup
	for g := range 16 {
		done.Go(func() {
			for i := range 50 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				key := fmt.Sprintf("k:%d-%d", g, i)
				told := s.Put(ctx, key, nil, time.Hour)
				_, found := s.Get(t.Context(), key)
				if (told == nil) != (found == nil) {
					t.Errorf("told %v, but the file says %v", told, found)
				}
			}
		})
	}
	done.Wait()
}

func TestD3ClosedStoreConfirmsNothing(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), clock.NewManual(epoch))
	var done sync.WaitGroup
	for g := range 8 {
		done.Go(func() {
			for i := 0; ; i++ {
				err := s.Put(t.Context(), fmt.Sprintf("k:%d-%d", g, i), nil, time.Hour)
				if fault.Is(err, fault.Unavailable) {
					return
				} else if err != nil {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	if _, err := s.Get(t.Context(), "k"); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
}

// ownKeeper does housework when the test says so, beside the store's own.
func ownKeeper(t *testing.T, s *Store) *keeper {
	t.Helper()
	k, err := openKeeper(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

func TestDeadRowsAreSwept(t *testing.T) {
	c := clock.NewManual(epoch)
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), c)
	for i := range 3000 {
		ttl := time.Minute
		if i%10 == 0 {
			ttl = time.Hour
		}
		if err := s.Put(t.Context(), fmt.Sprintf("k:%d", i), nil, ttl); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(2 * time.Minute)
	k := ownKeeper(t, s)
	for range 4 { // the walk is bounded in each go
		k.sweep()
	}
	r := <-s.idle
	rows, err := sqlitex.ResultInt(r.conn.Prep(`SELECT count(*) FROM kv`))
	s.idle <- r
	if err != nil || rows != 300 {
		t.Fatalf("%d rows are left, want the 300 live ones: %v", rows, err)
	}
}

// The sweep finds a dead key; before it is deleted somebody creates it anew.
func TestSweepSparesAKeyCreatedAnew(t *testing.T) {
	c := clock.NewManual(epoch)
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"), c)
	for range 2 {
		if err := s.Put(t.Context(), "k", nil, time.Minute); err != nil {
			t.Fatal(err)
		}
		c.Advance(30 * time.Second)
		w := newWrite(sweep)
		w.expired = []string{"k"}
		if !s.housework(w) {
			t.Fatal("sweep failed")
		}
		if _, err := s.Get(t.Context(), "k"); err != nil {
			t.Fatalf("the sweep deleted a live key: %v", err)
		}
		c.Advance(30 * time.Second)
	}
}

// Somebody else on the machine must not read logins in progress.
func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "state.db"), clock.NewManual(epoch))
	if err := s.Put(t.Context(), "k", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, want the file, its log and its index: %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestFileOfANewerProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	c, err := openConn(path, sideCache)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(c.Conn, `PRAGMA user_version=99`, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Path: path, Clock: clock.NewManual(epoch), Log: slog.New(slog.DiscardHandler)})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "schema 99") {
		t.Fatalf("got %v", err)
	}
}

func TestFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Path: path, Clock: clock.NewManual(epoch), Log: slog.New(slog.DiscardHandler)})
	if !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
}

// The log is folded into the file in the background, a tick after a write.
func TestLogIsFoldedIn(t *testing.T) {
	c := clock.NewManual(epoch)
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path, c)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := s.Put(t.Context(), fmt.Sprintf("k:%d", i), make([]byte, 1000), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ownKeeper(t, s).checkpoint()
	after, err := os.Stat(path)
	if err != nil || after.Size() < before.Size()+100_000 {
		t.Fatalf("file has %d bytes after the checkpoint, had %d: %v", after.Size(), before.Size(), err)
	}
}
