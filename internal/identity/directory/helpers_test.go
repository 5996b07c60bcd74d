package directory

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

func testClock() *clock.Manual {
	return clock.NewManual(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
}

func importOptions(dir string, files ...string) ImportOptions {
	return ImportOptions{Dir: dir, Files: files, Clock: testClock(), Log: slog.New(slog.DiscardHandler)}
}

func mustImport(t *testing.T, dir string, files ...string) Report {
	t.Helper()
	report, err := Import(t.Context(), importOptions(dir, files...))
	if err != nil {
		t.Fatalf("import: %v\n%s", err, report.Text())
	}
	return report
}

func mustAccept(t *testing.T, dir string, files ...string) Report {
	t.Helper()
	o := importOptions(dir, files...)
	o.Accept = true
	report, err := Import(t.Context(), o)
	if err != nil {
		t.Fatalf("accepted import: %v\n%s", err, report.Text())
	}
	return report
}

// mustRefuse expects a guard rail by name.
func mustRefuse(t *testing.T, rule, dir string, files ...string) Report {
	t.Helper()
	report, err := Import(t.Context(), importOptions(dir, files...))
	if !fault.Is(err, fault.Denied) || report.Published {
		t.Fatalf("import was not refused: %v\n%s", err, report.Text())
	}
	for _, r := range report.Refusals {
		if r.Rule == rule {
			return report
		}
	}
	t.Fatalf("no refusal %q in %+v", rule, report.Refusals)
	return report
}

func mustOpen(t *testing.T, dir string) *Register {
	t.Helper()
	return mustOpenAt(t, dir, testClock())
}

func mustOpenAt(t *testing.T, dir string, c clock.Clock) *Register {
	t.Helper()
	r, err := Open(context.Background(), Options{Dir: dir, Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func lookup(t *testing.T, dir, id string) rpps.Professional {
	t.Helper()
	r, err := Open(t.Context(), Options{Dir: dir, Clock: testClock(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	p, err := r.Lookup(t.Context(), rpps.MustNationalID(id))
	if err != nil {
		t.Fatalf("lookup: %v", err)
	}
	return p
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// people invents n persons of the generator, all regular.
func people(n int) []rpps.Professional {
	v := inventor{seed: 7, sites: 50, lists: newLists()}
	var list []rpps.Professional
	for rank := 0; len(list) < n; rank++ {
		if p, d := v.person(rank); d.odd == regular && d.activities > 0 {
			list = append(list, p)
		}
	}
	return list
}

// restricted writes persons as the restricted extract.
func restricted(t *testing.T, name string, persons []rpps.Professional) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteRestricted(&b, persons); err != nil {
		t.Fatal(err)
	}
	return write(t, name, b.String())
}

// public writes persons as the public extract.
func public(t *testing.T, name string, persons []rpps.Professional) string {
	t.Helper()
	w := newPublicWriter()
	text := appendHeader(nil, publicColumns())
	for i := range persons {
		err := eachRowOf(&persons[i], func(row *cells) error {
			text = w.append(text, row, true)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return write(t, name, string(text))
}

func lines(text string) []string { return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n") }

// change gives the report of one source.
func changeOf(t *testing.T, r Report, s source) SourceReport {
	t.Helper()
	for _, c := range r.Changes {
		if c.Source == s.String() {
			return c
		}
	}
	t.Fatalf("no changes of %s in %+v", s, r.Changes)
	return SourceReport{}
}
