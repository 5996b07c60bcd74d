// Package signingtest gives tests key folders that cost nothing: RSA keys take
// a quarter of a second each, so one set is made per process and copied.
package signingtest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/signing"
)

// made are the files of one folder with keys of every algorithm.
var made = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "keys-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	start := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if _, err := signing.Open(context.Background(), signing.Options{Dir: filepath.Join(dir, "keys"), Clock: start}); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, "keys", e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
})

// Dir gives a key folder of its own, the same keys in each: made at the start of 2026.
func Dir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	Fill(t, dir)
	return dir
}

// Fill makes such a folder at a place.
func Fill(t testing.TB, dir string) {
	t.Helper()
	files, err := made()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
