package store_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
)

type door struct {
	Open bool `json:"open"`
	Uses int  `json:"uses"`
}

func openKV(t *testing.T) store.KV {
	t.Helper()
	kv, err := sqlite.Open(t.Context(), sqlite.Options{
		Path: filepath.Join(t.TempDir(), "state.db"), Clock: clock.NewManual(time.Unix(0, 0)), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

func TestRefusedTransitionWritesNothing(t *testing.T) {
	doors := store.NewRecords[door](openKV(t), "door")
	if err := doors.Put(t.Context(), "d", door{Uses: 1}, time.Hour); err != nil {
		t.Fatal(err)
	}
	refused := fault.New(fault.Denied, "PF-X-001", "locked")
	_, err := doors.Update(t.Context(), "d", func(d *door) (time.Duration, error) {
		d.Open, d.Uses = true, 2
		return time.Hour, refused
	})
	if err != error(refused) { //nolint:errorlint // it must come back unchanged
		t.Fatalf("got %v", err)
	}
	if d, err := doors.Get(t.Context(), "d"); err != nil || d.Open || d.Uses != 1 {
		t.Fatalf("got %+v: %v", d, err)
	}
}

func TestKindsShareNoKeys(t *testing.T) {
	kv := openKV(t)
	doors, gates := store.NewRecords[door](kv, "door"), store.NewRecords[door](kv, "gate")
	if err := doors.Put(t.Context(), "d", door{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := gates.Take(t.Context(), "d"); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a record was taken as another kind: %v", err)
	}
	if err := doors.Put(t.Context(), "d", door{}, time.Hour); !fault.Is(err, fault.Conflict) {
		t.Fatalf("got %v", err)
	}
	if _, err := doors.Take(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	if err := doors.Delete(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read back is an internal failure, never an empty record: an
// empty one might say "not used yet".
func TestUnreadableRecordIsNotTakenForAFreshOne(t *testing.T) {
	kv := openKV(t)
	if err := kv.Put(t.Context(), "door:d", []byte("not JSON"), time.Hour); err != nil {
		t.Fatal(err)
	}
	doors := store.NewRecords[door](kv, "door")
	if _, err := doors.Get(t.Context(), "d"); fault.KindOf(err) != fault.Internal || err == nil {
		t.Fatalf("got %v", err)
	}
	moved := false
	_, err := doors.Update(t.Context(), "d", func(*door) (time.Duration, error) { moved = true; return time.Hour, nil })
	if err == nil || moved {
		t.Fatalf("transition ran on an unreadable record: %v", err)
	}
}
