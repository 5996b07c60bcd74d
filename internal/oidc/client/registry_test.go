package client

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	// By rename, as deployments do: a reader never sees half a file.
	tmp := filepath.Join(dir, "."+name)
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func fileOf(id, name string) string {
	text := strings.Replace(leastFile, "PROFILE", "oidc", 1)
	return strings.Replace(strings.Replace(text, "id: a", "id: "+id, 1), "name: A", "name: "+name, 1)
}

func TestReloadKeepsTheOldVersionOfABrokenFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.yaml", fileOf("one", "Un"))
	write(t, dir, "two.yml", fileOf("two", "Deux"))
	write(t, dir, "broken.yaml", "id: [")
	write(t, dir, "notes.txt", "not a client")
	var log bytes.Buffer
	var changes []Change
	r, faults, err := Load(dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), OnChange: func(c Change) { changes = append(changes, c) }})
	if err != nil || len(faults) != 1 || faults[0].File != "broken.yaml" || len(r.All()) != 2 {
		t.Fatalf("%v %v %v", err, faults, r.All())
	}
	name := func(id string) string {
		c, err := r.Lookup(id)
		if err != nil {
			return fault.KindOf(err).String()
		}
		return c.Name
	}
	ctx := context.Background()
	log.Reset()
	write(t, dir, "one.yaml", fileOf("one", "Un")+"unknwon: 1\n")
	for range 3 {
		if faults = r.Reload(ctx); len(faults) != 2 || name("one") != "Un" {
			t.Fatalf("%v, one is %q", faults, name("one"))
		}
	}
	if n := strings.Count(log.String(), "its last good version is kept"); n != 1 {
		t.Errorf("said so %d times:\n%s", n, log.String())
	}
	write(t, dir, "one.yaml", fileOf("one", "Un bis"))
	if err := os.Remove(filepath.Join(dir, "two.yml")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "broken.yaml", fileOf("three", "Trois"))
	if faults = r.Reload(ctx); len(faults) != 0 || name("one") != "Un bis" || name("two") != "not_found" || name("three") != "Trois" {
		t.Errorf("%v: %q %q %q", faults, name("one"), name("two"), name("three"))
	}
	var kinds []string
	for _, c := range changes {
		kinds = append(kinds, c.Client+" "+c.Kind)
	}
	if got := strings.Join(kinds, ", "); got != "one changed, three added, two removed" {
		t.Errorf("changes: %s", got)
	}
}

// Two files that claim one identifier: the first keeps it, whatever the order
// of reading, and the other counts as soon as the first is gone.
func TestATakenIdentifierCannotBeClaimed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.yaml", fileOf("one", "Le premier"))
	r, _, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a.yaml", fileOf("one", "L'autre"))
	faults := r.Reload(context.Background())
	if len(faults) != 1 || faults[0].String() != "a.yaml: id: is taken by b.yaml" {
		t.Errorf("%v", faults)
	}
	if c, _ := r.Lookup("one"); c.Name != "Le premier" {
		t.Errorf("%q took the identifier", c.Name)
	}
	if err := os.Remove(filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	if faults = r.Reload(context.Background()); len(faults) > 0 {
		t.Error(faults)
	}
	if c, _ := r.Lookup("one"); c.Name != "L'autre" {
		t.Errorf("%q", c.Name)
	}
}

func TestDirectoryThatVanishesKeepsAllClients(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clients")
	if _, _, err := Load(dir, Options{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "one.yaml", fileOf("one", "Un"))
	r, _, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if faults := r.Reload(context.Background()); len(faults) != 1 || len(r.All()) != 1 {
		t.Errorf("%v, %d clients", faults, len(r.All()))
	}
}

func TestAdd(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.yaml", fileOf("one", "Un"))
	r, _, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := Client{ID: "own", Name: "À part", Profile: ProfileOIDC, AuthMethod: AuthNone, RedirectURIs: []string{"http://127.0.0.1/cb"}}
	if err := r.Add(&c); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(&c); !fault.Is(err, fault.Conflict) {
		t.Errorf("added twice: %v", err)
	}
	c.ID, c.RedirectURIs = "bad", []string{"http://a.invalid/"}
	if err := r.Add(&c); !fault.Is(err, fault.Invalid) {
		t.Errorf("added against the rules: %v", err)
	}
	write(t, dir, "own.yaml", fileOf("own", "Usurpé"))
	r.Reload(context.Background())
	if got, _ := r.Lookup("own"); got == nil || got.Name != "À part" || got.AccessTokenFormat != FormatOpaque {
		t.Errorf("%+v", got)
	}
}

func TestWatchFollowsAndStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	tick := clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	seen := make(chan Change, 1)
	r, _, err := Load(dir, Options{Clock: tick, Poll: time.Second, OnChange: func(c Change) { seen <- c }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Watch(ctx) })
	write(t, dir, "one.yaml", fileOf("one", "Un"))
	for {
		tick.Advance(time.Second)
		select {
		case c := <-seen:
			if c.Client != "one" || c.Kind != "added" || len(c.Fingerprint) != 64 {
				t.Errorf("%+v", c)
			}
			cancel()
			wg.Wait()
			return
		default:
		}
	}
}
