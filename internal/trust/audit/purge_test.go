package audit

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// threeDays records 100 lines on each of three days.
func threeDays(t *testing.T, dir string, c *clock.Manual) *Log {
	t.Helper()
	l := mustOpen(t, options(dir, c))
	for day := range 3 {
		if day > 0 {
			c.Advance(24 * time.Hour)
		}
		mustRecord(t, l, 100)
	}
	return l
}

func TestPurgedDayKeepsEverythingProvable(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := threeDays(t, dir, c)
	mustClose(t, l)
	early := filepath.Join(t.TempDir(), "checkpoint")
	copyFile(t, filepath.Join(dir, treeDir, "checkpoint"), early)

	l = mustOpen(t, options(dir, c))
	n, err := l.Purge(t.Context(), noon.Add(24*time.Hour))
	if err != nil || n != 100 {
		t.Fatalf("purged %d: %v", n, err)
	}
	mustRecord(t, l, 10)
	mustClose(t, l)
	r := verify(t, dir, early)
	if !r.OK() || r.Purged != 100 || r.Verified != 211 {
		t.Errorf("after the first purge: %+v", r)
	}
	// A later purge takes the earlier one along with what it kept.
	l = mustOpen(t, options(dir, c))
	c.Advance(24 * time.Hour)
	mustRecord(t, l, 10)
	if n, err := l.Purge(t.Context(), c.Now()); err != nil || n != 211 {
		t.Fatalf("purged %d: %v", n, err)
	}
	mustClose(t, l)
	if r := verify(t, dir, early); !r.OK() || r.Purged != 311 || r.Verified != 11 {
		t.Errorf("after the second purge: %+v", r)
	}
	l = mustOpen(t, options(dir, c))
	mustRecord(t, l, 1)
	mustClose(t, l)
	if r := verify(t, dir, early); !r.OK() || r.Verified != 12 {
		t.Errorf("after a restart: %+v", r)
	}
}

func TestDeletionWithoutATracedPurgeShows(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := threeDays(t, dir, c)
	if _, err := l.Purge(t.Context(), noon.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	// One day more than the purge says.
	if err := os.Remove(filepath.Join(dir, linesDir, "2026-11-23_node-a_000000000100.jsonl")); err != nil {
		t.Fatal(err)
	}
	want := "missing lines 100-199"
	if got := told(verify(t, dir, "")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A purge event that was never recorded explains nothing.
	appendTo(t, filepath.Join(dir, linesDir, "2026-11-24_node-a_000000000200.jsonl"),
		`{"n":301,"time":"2026-11-24T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","event":"traces.purged","body":{"before":200}}`+"\n")
	if got := told(verify(t, dir, "")); got != want {
		t.Errorf("with a forged purge: %s, want %s", got, want)
	}
}

func TestPurgeNeverTakesTheDayBeingWritten(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := threeDays(t, dir, c)
	if n, err := l.Purge(t.Context(), noon.Add(1000*24*time.Hour)); err != nil || n != 200 {
		t.Errorf("purged %d: %v", n, err)
	}
	if n, err := l.Purge(t.Context(), noon.Add(1000*24*time.Hour)); err != nil || n != 0 {
		t.Errorf("purged again %d: %v", n, err)
	}
	mustRecord(t, l, 1)
	mustClose(t, l)
	if r := verify(t, dir, ""); !r.OK() || r.Verified != 102 {
		t.Errorf("%+v", r)
	}
}

func TestInterruptedPurgeIsNoFault(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := threeDays(t, dir, c)
	// Killed after the event, before any file went.
	if err := l.Record(t.Context(), TracesPurged{Before: 200, Day: "2026-11-24"}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	wantClean(t, dir, "", 301)
}

func TestRetentionPurgesByItself(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := threeDays(t, dir, c)
	mustClose(t, l)
	o := options(dir, c)
	o.Retention = 24 * time.Hour
	l = mustOpen(t, o)
	for len(l.writer.segments()) > 2 {
		c.Advance(time.Minute)
		runtime.Gosched()
	}
	mustClose(t, l)
	// The clock ran on while the first day was being purged: perhaps two went.
	if r := verify(t, dir, ""); !r.OK() || r.Purged < 100 {
		t.Errorf("%+v", r)
	}
}
