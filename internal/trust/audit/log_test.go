package audit

import (
	"context"
	"encoding/json"
	"fmt"
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

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func options(dir string, c clock.Clock) Options {
	return Options{Dir: dir, Clock: c, Node: "node-a", Version: "1.0", ReserveBytes: 1 << 20, Checkpoint: 100 * time.Millisecond}
}

func mustOpen(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func mustRecord(t testing.TB, l *Log, n int) {
	t.Helper()
	for i := range n {
		if err := l.Record(t.Context(), CodeIssued{Subject: fmt.Sprint("8", i), Client: "dmp"}); err != nil {
			t.Fatal(err)
		}
	}
}

// kept gives all lines of a folder, decoded.
func kept(t testing.TB, dir string) []map[string]any {
	t.Helper()
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for _, seg := range segs {
		data, err := os.ReadFile(filepath.Join(dir, linesDir, seg.name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%s: %v in %q", seg.name, err, line)
			}
			all = append(all, m)
		}
	}
	return all
}

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestRecordSaysWhoWhatWhenAndWhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, options(dir, clock.NewManual(noon.Add(123*time.Millisecond+456*time.Microsecond))))
	ctx := WithOrigin(t.Context(), Origin{RequestID: `r-"1"`, Address: "192.0.2.7", DeviceClass: "computer"})
	if err := l.Record(ctx, SessionEnded{Subject: "899700000017", SID: "s1", Reason: "logout"}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	line := kept(t, dir)[0]
	salt, _ := line["salt"].(string)
	if len(salt) != saltText {
		t.Errorf("salt %q", salt)
	}
	delete(line, "salt")
	got, _ := json.Marshal(line)
	want := `{"body":{"reason":"logout","sid":"s1","subject":"899700000017"},"event":"session.ended","n":0,"node":"node-a",` +
		`"origin":{"address":"192.0.2.7","device":"computer","request":"r-\"1\""},"time":"2026-11-22T12:00:00.123Z","version":"1.0"}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestHA5RecordIsDurableBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := &slowDisk{}
	o := options(dir, clock.NewManual(noon))
	o.open = disk.open
	l := mustOpen(t, o)
	for i := range 20 {
		mustRecord(t, l, 1)
		if synced := disk.synced.Load(); synced < int64(i+1) {
			t.Fatalf("answered %d records, %d synced", i+1, synced)
		}
	}
}

func TestManyCallersShareOneSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk := &slowDisk{hold: make(chan struct{})}
	o := options(dir, clock.NewManual(noon))
	o.open = disk.open
	l := mustOpen(t, o)
	var wg sync.WaitGroup
	const callers = 200
	call := func() { _ = l.Record(context.Background(), ServiceStopped{Reason: "signal"}) }
	wg.Go(call)
	for disk.written.Load() < 1 { // its sync is held
		disk.pause()
	}
	for range callers - 1 {
		wg.Go(call)
	}
	for len(l.writer.queue) < callers-1 {
		disk.pause()
	}
	close(disk.hold)
	wg.Wait()
	if n := disk.syncs.Load(); n > 2 {
		t.Errorf("%d callers took %d syncs, want 2", callers, n)
	}
	mustClose(t, l)
	if n := len(kept(t, dir)); n != callers {
		t.Errorf("%d lines, want %d", n, callers)
	}
}

func TestNumbersAndEntriesGoOnOverRestarts(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	for range 3 {
		l := mustOpen(t, options(dir, c))
		mustRecord(t, l, 300)
		mustClose(t, l)
	}
	for i, line := range kept(t, dir) {
		if line["n"] != float64(i) {
			t.Fatalf("line %d has number %v", i, line["n"])
		}
	}
	wantClean(t, dir, "", 900)
}

func TestNewDayIsANewFileAndNumbersGoOn(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := mustOpen(t, options(dir, c))
	for range 3 {
		mustRecord(t, l, 5)
		c.Advance(24 * time.Hour)
	}
	c.Advance(-72 * time.Hour)
	mustRecord(t, l, 5) // a clock that steps back opens no older day
	mustClose(t, l)
	segs, err := listSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range segs {
		names = append(names, s.name)
	}
	want := "[2026-11-22_node-a_000000000000.jsonl 2026-11-23_node-a_000000000005.jsonl 2026-11-24_node-a_000000000010.jsonl]"
	if fmt.Sprint(names) != want {
		t.Errorf("files %v", names)
	}
	wantClean(t, dir, "", 20)
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	mustOpen(t, options(dir, c))
	if _, err := Open(t.Context(), options(dir, c)); !fault.Is(err, fault.Conflict) {
		t.Errorf("second writer: %v, want conflict", err)
	}
}

func TestClosedLogRefuses(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t.TempDir(), clock.NewManual(noon)))
	mustClose(t, l)
	if err := l.Record(t.Context(), ServiceStopped{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("record after close: %v", err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestCallerWhoGoesAwayStopsNoRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, options(dir, clock.NewManual(noon)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Record(ctx, ServiceStopped{Reason: "signal"}); err != nil {
		t.Errorf("record under a cancelled context: %v", err)
	}
	mustClose(t, l)
	if len(kept(t, dir)) != 1 {
		t.Error("no line")
	}
}

func TestLongHeaderMakesNoLongRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, options(dir, clock.NewManual(noon)))
	ctx := WithOrigin(t.Context(), Origin{RequestID: strings.Repeat("x", 1<<20)})
	if err := l.Record(ctx, ServiceStopped{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(ctx, ServiceStopped{Reason: strings.Repeat("x", 1<<20)}); !fault.Is(err, fault.Invalid) {
		t.Errorf("event of a megabyte: %v", err)
	}
	mustClose(t, l)
	info, _ := os.Stat(filepath.Join(dir, linesDir, "2026-11-22_node-a_000000000000.jsonl"))
	if info.Size() > 1024 {
		t.Errorf("file has %d bytes", info.Size())
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, options(dir, clock.NewManual(noon)))
	mustRecord(t, l, 1)
	mustClose(t, l)
	for _, path := range []string{"key/note.key", "lines/2026-11-22_node-a_000000000000.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "key/note.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), options(dir, clock.NewManual(noon))); !fault.Is(err, fault.Invalid) {
		t.Errorf("key the group can read: %v", err)
	}
}
