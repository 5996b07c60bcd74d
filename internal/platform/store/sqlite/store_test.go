package sqlite

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/storetest"
)

func TestMain(m *testing.M) {
	child() // does not return in the child of the crash test
	goleak.VerifyTestMain(m)
}

var epoch = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func openAt(t testing.TB, path string, c clock.Clock) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path, Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStoreKeepsThePromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Backend {
		c := clock.NewManual(epoch)
		path := filepath.Join(t.TempDir(), "state.db")
		return storetest.Backend{
			Nodes:   []store.KV{openAt(t, path, c), openAt(t, path, c)},
			Advance: c.Advance,
		}
	})
}
