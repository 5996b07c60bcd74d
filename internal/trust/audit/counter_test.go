package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

func from(ctx context.Context, address string) context.Context {
	return WithOrigin(ctx, Origin{Address: address})
}

func TestStrangersCannotFillTheDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := mustOpen(t, options(dir, clock.NewManual(noon)))
	const tries = 1_000_000
	kinds := []FailureKind{FailureClientAuth, FailureCode, FailureRefresh, FailureIdentifier, "made up"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range tries {
		address := fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff) // a million networks
		if i%2 == 0 {
			address = fmt.Sprintf("%d.%d.%d.9", 10+i%100, i>>8&255, i>>16)
		}
		l.Failure(from(t.Context(), address), Failure{Kind: kinds[i%len(kinds)], Code: fmt.Sprint("PF-", i)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the counter grew by %d bytes", grown)
	}
	mustClose(t, l)
	var counted float64
	rows := kept(t, dir)
	for _, line := range rows {
		body, _ := line["body"].(map[string]any)
		n, _ := body["count"].(float64)
		counted += n
	}
	if counted != tries {
		t.Errorf("%v tries counted, want %d", counted, tries)
	}
	if len(rows) > maxRows+len(failureKinds) {
		t.Errorf("%d records for one minute of strangers", len(rows))
	}
	info, err := os.Stat(filepath.Join(dir, day1))
	if err != nil || info.Size() > 32<<10 {
		t.Errorf("a million tries took %d bytes: %v", info.Size(), err)
	}
}

func TestFailuresAreSummarisedEachMinute(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := mustOpen(t, options(dir, c))
	for range 3 {
		l.Failure(from(t.Context(), "192.0.2.7"), Failure{Kind: FailureCode, Code: "invalid_grant"})
		l.Failure(from(t.Context(), "192.0.2.200"), Failure{Kind: FailureCode, Code: "invalid_grant"})
		l.Failure(from(t.Context(), "2001:db8:1:2::3"), Failure{Kind: FailureIdentifier, Code: "bad code\n{}"})
		l.Failure(t.Context(), Failure{Kind: FailureMalformed})
	}
	for l.Recorded() < 3 { // the housekeeper waits for the clock, or is about to
		c.Advance(time.Minute)
		runtime.Gosched()
	}
	mustClose(t, l)
	var got []string
	for _, line := range kept(t, dir) {
		body, _ := line["body"].(map[string]any)
		delete(body, "to")
		b, _ := json.Marshal(body)
		got = append(got, string(b))
	}
	want := []string{
		`{"code":"invalid_grant","count":6,"from":"2026-11-22T12:00:00Z","kind":"code","source":"192.0.2.0/24"}`,
		`{"count":3,"from":"2026-11-22T12:00:00Z","kind":"identifier","source":"2001:db8:1::/48"}`,
		`{"count":3,"from":"2026-11-22T12:00:00Z","kind":"malformed","source":"unknown"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestSourceIsANetworkNotAPerson(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.0/24", "::ffff:192.0.2.7": "192.0.2.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "unknown", "localhost": "unknown", `"},{"`: "unknown",
	} {
		if got := prefixOf(address); got != want {
			t.Errorf("%q is of %q, want %q", address, got, want)
		}
	}
}

func TestEveryFailureKindIsInTheClosedList(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "failure.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				n++
				if kind := FailureKind(strings.Trim(lit.Value, `"`)); kind.known() != kind {
					t.Errorf("%s is counted as %s", kind, kind.known())
				}
			}
		}
		return true
	})
	if n != len(failureKinds) {
		t.Errorf("%d kinds declared, %d listed", n, len(failureKinds))
	}
}

func TestStrangersWaitWhereSpaceIsScarce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := options(dir, clock.NewManual(noon))
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	l := mustOpen(t, o)
	l.Failure(t.Context(), Failure{Kind: FailureCode})
	if err := l.summarise(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if l.Recorded() != 0 || !strings.Contains(said.String(), "nearly full") {
		t.Errorf("%d records of strangers on a full disk; said %q", l.Recorded(), said.String())
	}
	mustRecord(t, l, 1) // an act goes on
	if err := l.summarise(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if l.Recorded() != 2 {
		t.Error("the counts were lost while space was scarce")
	}
}
