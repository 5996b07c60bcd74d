package grant

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// open gives a real store, and a clock that moves it too.
func open(t testing.TB) (Deps, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(start)
	kv, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return Deps{KV: kv, Clock: c, Rand: rand.Reader}, c
}

// doctor is an invented login.
func doctor() authn.Authentication {
	return authn.Authentication{
		Subject: rpps.MustNationalID("899700990015"), Sub: "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11",
		Means: authn.ECPS, At: start, Ref: "device-1", Epoch: 3,
	}
}

// race runs the call from many goroutines that start together and gives what
// each got.
func race[T any](n int, call func() T) []T {
	results := make([]T, n)
	ready, done := make(chan struct{}), make(chan struct{})
	for i := range n {
		go func() {
			<-ready
			results[i] = call()
			done <- struct{}{}
		}()
	}
	close(ready)
	for range n {
		<-done
	}
	return results
}
