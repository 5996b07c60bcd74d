package indexfile

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// publish builds an index whose values all start with mark.
func publish(t *testing.T, dir, mark string, n int) string {
	t.Helper()
	final := filepath.Join(dir, "index")
	b, err := Create(filepath.Join(dir, "next"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Table("person"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := b.Append(key(i), value(mark, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Table("empty"); err != nil {
		t.Fatal(err)
	}
	if err := b.Meta("about", []byte(mark)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(final); err != nil {
		t.Fatal(err)
	}
	return final
}

func key(i int) []byte { return fmt.Appendf(nil, "key%06d", 2*i) } // odd numbers are absent

// value is sometimes larger than a whole block.
func value(mark string, i int) []byte {
	size := 1 + i%300
	if i%97 == 0 {
		size = 3 * blockSize
	}
	return append([]byte(mark), bytes.Repeat([]byte{byte(i)}, size)...)
}

func mustOpen(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestEveryKeyIsFoundAndNoOther(t *testing.T) {
	const n = 3000
	f := mustOpen(t, publish(t, t.TempDir(), "a", n))
	for i := range n {
		got, err := f.Get(t.Context(), "person", key(i), nil)
		if err != nil || !bytes.Equal(got, value("a", i)) {
			t.Fatalf("key %d: %d bytes, %v", i, len(got), err)
		}
	}
	for _, absent := range []string{"", "a", "key000001", "key000003", "key005997", "zzz"} {
		if _, err := f.Get(t.Context(), "person", []byte(absent), nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("absent key %q: %v", absent, err)
		}
	}
	if _, err := f.Get(t.Context(), "empty", key(1), nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("empty table: %v", err)
	}
	if got, err := f.Meta(t.Context(), "about"); err != nil || string(got) != "a" {
		t.Errorf("meta: %q, %v", got, err)
	}
	if _, err := f.Meta(t.Context(), "nothing"); !fault.Is(err, fault.NotFound) {
		t.Errorf("absent meta: %v", err)
	}
}

func TestScanGivesAllInOrderAndStopsWhenAsked(t *testing.T) {
	const n = 1000
	f := mustOpen(t, publish(t, t.TempDir(), "a", n))
	i := 0
	for e, err := range f.Scan(t.Context(), "person") {
		if err != nil || !bytes.Equal(e.Key, key(i)) || !bytes.Equal(e.Value, value("a", i)) {
			t.Fatalf("entry %d: %q, %v", i, e.Key, err)
		}
		i++
	}
	if i != n {
		t.Fatalf("%d of %d entries", i, n)
	}
	for _, err := range f.Scan(t.Context(), "person") {
		if err != nil {
			t.Error(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range f.Scan(ctx, "person") {
		last = err
	}
	if !fault.Is(last, fault.Unavailable) {
		t.Errorf("cancelled scan ended with %v", last)
	}
}

func TestKeysOutOfOrderAreRefused(t *testing.T) {
	b, err := Create(filepath.Join(t.TempDir(), "next"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Discard(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.Append([]byte("a"), nil); err == nil {
		t.Error("an entry without table was taken")
	}
	if err := b.Table("Robert'); DROP TABLE"); err == nil {
		t.Error("a table name that is no name was taken")
	}
	if err := b.Table("person"); err != nil {
		t.Fatal(err)
	}
	if err := b.Append([]byte("b"), nil); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"b", "a"} {
		if err := b.Append([]byte(k), nil); err == nil {
			t.Errorf("%q after b was taken", k)
		}
	}
}

func TestDiscardedBuildLeavesTheOldFileInService(t *testing.T) {
	dir := t.TempDir()
	final := publish(t, dir, "a", 10)
	b, err := Create(filepath.Join(dir, "next"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Table("person"); err != nil {
		t.Fatal(err)
	}
	if err := b.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "next")); !os.IsNotExist(err) {
		t.Errorf("the discarded file is still there: %v", err)
	}
	if _, err := mustOpen(t, final).Get(t.Context(), "person", key(3), nil); err != nil {
		t.Error(err)
	}
}

func TestNoFileIsNotFound(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "index"), 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// A register file that disk or hand damaged must give errors, not panics.
func TestDamagedFileGivesErrors(t *testing.T) {
	path := publish(t, t.TempDir(), "a", 500)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	failed := false
	for at := pageSize; at < len(whole); at += pageSize / 3 {
		damaged := bytes.Clone(whole)
		for i := at; i < min(at+40, len(damaged)); i++ {
			damaged[i] ^= 0xff
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, 1)
		if err != nil {
			failed = true
			continue
		}
		for i := range 500 {
			if _, err := f.Get(t.Context(), "person", key(i), nil); err != nil {
				failed = true
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if !failed {
		t.Error("no damage was noticed at all")
	}
}

func follow(t *testing.T, path string, c clock.Clock) *Follower[string] {
	t.Helper()
	f, err := Follow(Options{Path: path, Connections: 2, Clock: c, Log: slog.New(slog.DiscardHandler)}, func(f *File) (string, error) {
		about, err := f.Meta(context.Background(), "about")
		return string(about), err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestFollowerSwitchesWithoutFailingReaders(t *testing.T) {
	dir := t.TempDir()
	c := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	f := follow(t, publish(t, dir, "a", 200), c)
	before, err := f.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	publish(t, dir, "b", 200)
	again, err := f.Acquire(t.Context())
	if err != nil || again.Value != "a" {
		t.Fatalf("the name was looked at more than once a second: %q, %v", again.Value, err)
	}
	again.Release()
	c.Advance(checkEvery)
	after, err := f.Acquire(t.Context())
	if err != nil || after.Value != "b" {
		t.Fatalf("the new edition is not followed: %q, %v", after.Value, err)
	}
	after.Release()
	got, err := before.File.Get(t.Context(), "person", key(7), nil)
	if err != nil || !bytes.Equal(got, value("a", 7)) {
		t.Fatalf("a reader of the old edition lost it: %v", err)
	}
	before.Release()
}

func TestBrokenNewFileLeavesTheOldOneInService(t *testing.T) {
	dir := t.TempDir()
	c := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	path := publish(t, dir, "a", 10)
	f := follow(t, path, c)
	if err := os.WriteFile(path+".bad", []byte("this is no index"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".bad", path); err != nil {
		t.Fatal(err)
	}
	for _, breakage := range []func() error{nil, func() error { return os.Remove(path) }} {
		if breakage != nil {
			if err := breakage(); err != nil {
				t.Fatal(err)
			}
		}
		c.Advance(checkEvery)
		lease, err := f.Acquire(t.Context())
		if err != nil || lease.Value != "a" {
			t.Fatalf("%q, %v", lease.Value, err)
		}
		if _, err := lease.File.Get(t.Context(), "person", key(3), nil); err != nil {
			t.Error(err)
		}
		lease.Release()
	}
	publish(t, dir, "b", 10)
	c.Advance(checkEvery)
	lease, err := f.Acquire(t.Context())
	if err != nil || lease.Value != "b" {
		t.Fatalf("a good file after a bad one is not followed: %q, %v", lease.Value, err)
	}
	lease.Release()
}

func TestReadersNeverFailWhilePublishing(t *testing.T) {
	dir := t.TempDir()
	f := follow(t, publish(t, dir, "0", 50), tick{new(sync.Mutex), new(time.Time)})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				lease, err := f.Acquire(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				got, err := lease.File.Get(context.Background(), "person", key(i%50), nil)
				if err != nil || got[0] != lease.Value[0] {
					t.Errorf("read %q of edition %q: %v", got[:1], lease.Value, err)
				}
				lease.Release()
			}
		})
	}
	for i := range 20 {
		publish(t, dir, string(rune('a'+i)), 50)
	}
	close(stop)
	readers.Wait()
}

// tick is a clock that passes the follower's interval at each look.
type tick struct {
	mu  *sync.Mutex
	now *time.Time
}

func (c tick) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.now = c.now.Add(checkEvery)
	return *c.now
}

func (c tick) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func TestClosedFollowerRefuses(t *testing.T) {
	f := follow(t, publish(t, t.TempDir(), "a", 10), clock.System{})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Acquire(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func FuzzBlock(f *testing.F) {
	f.Add(appendEntry(appendEntry(nil, []byte("a"), []byte("1")), []byte("b"), []byte("2")), []byte("b"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, []byte("x"))
	f.Fuzz(func(t *testing.T, block, want []byte) {
		value, ok, err := findInBlock(block, want)
		if ok && err != nil || len(value) > len(block) {
			t.Errorf("value of %d bytes in a block of %d: %v", len(value), len(block), err)
		}
	})
}
