package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func appendTo(t *testing.T, path, data string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(data); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTornTailIsSetAsideAndTold(t *testing.T) {
	t.Parallel()
	tails := map[string]string{
		"half a line":            `{"n":300,"time":"2026-11-22T12:`,
		"a line without break":   `{"n":300,"time":"2026-11-22T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","body":{}}`,
		"zeros of a lost page":   strings.Repeat("\x00", 4096),
		"zeros, then a line":     strings.Repeat("\x00", 4096) + "\n" + `{"n":301,"time":"2026-11-22T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA"}` + "\n",
		"a line that is no JSON": `{"n":300,"time":"2026-11-22T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","bo` + "\n",
		"a wrong number":         `{"n":302,"time":"2026-11-22T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA"}` + "\n",
		"only a break":           "\n",
		"a megabyte of nothing":  strings.Repeat("x", 1<<20),
	}
	for name, tail := range tails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, c := t.TempDir(), clock.NewManual(noon)
			l := mustOpen(t, options(dir, c))
			mustRecord(t, l, 300)
			mustClose(t, l)
			appendTo(t, filepath.Join(dir, day1), tail)
			l = mustOpen(t, options(dir, c))
			mustRecord(t, l, 1)
			mustClose(t, l)
			wantClean(t, dir, "", 302)
			lines := kept(t, dir)
			body, _ := lines[300]["body"].(map[string]any)
			if lines[300]["event"] != "traces.tail_repaired" || body["bytes"] != float64(len(tail)) {
				t.Errorf("the repair is not traced: %v", lines[300])
			}
			aside, _ := body["kept"].(string)
			if data, err := os.ReadFile(filepath.Join(dir, aside)); err != nil || string(data) != tail {
				t.Errorf("the bytes were not kept: %v", err)
			}
		})
	}
}

// The tree never runs ahead of the lines, so that no crash can make these.
func TestTamperedTracesStopTheStart(t *testing.T) {
	t.Parallel()
	attacks := map[string]func([]string) []string{
		"last record changed":    func(l []string) []string { l[299] = strings.Replace(l[299], "dmp", "dmq", 1); return l },
		"end cut":                func(l []string) []string { return l[:290] },
		"recent record gone":     func(l []string) []string { return append(l[:280:280], l[281:]...) },
		"recent records swapped": func(l []string) []string { l[290], l[291] = l[291], l[290]; return l },
	}
	for name, do := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, c := t.TempDir(), clock.NewManual(noon)
			l := mustOpen(t, options(dir, c))
			mustRecord(t, l, 300)
			mustClose(t, l)
			edit(t, dir, day1, do)
			before := snapshot(t, filepath.Join(dir, linesDir))
			if _, err := Open(t.Context(), options(dir, c)); !fault.Is(err, fault.Invalid) {
				t.Fatalf("start on changed traces: %v", err)
			}
			if snapshot(t, filepath.Join(dir, linesDir)) != before {
				t.Error("a refused start changed the evidence")
			}
		})
	}
}

func TestStartAfterACrashIntegratesWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := mustOpen(t, options(dir, c))
	mustRecord(t, l, 10)
	mustClose(t, l)
	early := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(early, os.DirFS(filepath.Join(dir, treeDir))); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, options(dir, c))
	mustRecord(t, l, 3000)
	c.Advance(24 * time.Hour)
	mustRecord(t, l, 50)
	mustClose(t, l)
	// As if power had gone before any of the 3050 was integrated.
	if err := os.RemoveAll(filepath.Join(dir, treeDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, treeDir), os.DirFS(early)); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, options(dir, c))
	if n, err := l.tree.size(t.Context()); err != nil || n != 3060 {
		t.Errorf("ready with %d of 3060 integrated: %v", n, err)
	}
	mustRecord(t, l, 1)
	mustClose(t, l)
	wantClean(t, dir, "", 3061)
}

func TestFindLineFindsEveryLine(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := mustOpen(t, options(dir, c))
	mustRecord(t, l, 2000)
	mustClose(t, l)
	f, err := os.Open(filepath.Join(dir, day1))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, _ := f.Stat()
	for _, n := range []uint64{0, 1, 2, 999, 1000, 1001, 1998, 1999} {
		at, err := findLine(f, info.Size(), n)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		if _, err := f.ReadAt(buf, at); err != nil {
			t.Fatal(err)
		}
		if got, _, ok := readNumber(buf); !ok || got != n {
			t.Errorf("record %d: found %q", n, buf)
		}
	}
	if _, err := findLine(f, info.Size(), 2000); !fault.Is(err, fault.Invalid) {
		t.Errorf("record past the end: %v", err)
	}
}
