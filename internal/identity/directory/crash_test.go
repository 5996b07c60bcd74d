package directory

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The child process imports the files it is told to and is killed somewhere.
const (
	childEnv  = "EGIDE_TEST_IMPORT_CHILD"
	childMode = "EGIDE_TEST_IMPORT_MODE" // "bench": to the end, as an operator would
)

// hurried is a clock in which a tenth of a second passes at each look, so that
// progress is drawn at each step.
type hurried struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hurried) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(redraw)
	return h.now
}

func (h *hurried) After(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func child() int {
	args := strings.Split(os.Getenv(childEnv), "\n")
	if os.Getenv(childMode) == "bench" {
		if err := benchChild(args); err != nil {
			_, _ = os.Stderr.WriteString(err.Error())
			return 1
		}
		return 0
	}
	_, err := Import(context.Background(), ImportOptions{
		Dir: args[0], Files: args[1:], Clock: &hurried{}, Log: slog.New(slog.DiscardHandler), Progress: os.Stdout, Accept: true,
		BeforePublish: func(context.Context, Report) error {
			_, _ = os.Stdout.WriteString("\rbuilt\r")
			select {} // the parent kills us between the new file and its publication
		},
	})
	if err != nil {
		return 1
	}
	return 0
}

// killAfter runs the child and kills it after it has drawn n times, or at the
// last moment before publication.
func killAfter(t *testing.T, n int, dir string, files ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(append([]string{dir}, files...), "\n"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drawings := bufio.NewReader(out)
	for range n {
		line, err := drawings.ReadString('\r')
		if err == io.EOF || strings.HasPrefix(line, "built") {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself: it was to be killed")
	}
}

// A killed import leaves the old register in service, and the next one works,
// takes over the files that were read whole, and cleans up.
func TestKilledImportLeavesTheOldRegisterAndIsTakenUpAgain(t *testing.T) {
	persons := people(4000)
	dir := t.TempDir()
	first := public(t, "a.txt", persons[:3900])
	mustImport(t, dir, first)
	before := lookup(t, dir, persons[0].ID.String())
	persons[0].Practices[0].Name = "CHANGEE"
	second, third := public(t, "b.txt", persons), restricted(t, "c.txt", persons)
	resumed := 0
	for _, n := range []int{1, 2, 3, 4, 6, 8, 1000} {
		killAfter(t, n, dir, second, third)
		if after := lookup(t, dir, persons[0].ID.String()); !reflect.DeepEqual(before, after) {
			t.Fatalf("killed after %d steps: the register in service has changed", n)
		}
	}
	report := mustImport(t, dir, second, third)
	resumed += report.Resumed
	if resumed != 2 {
		t.Errorf("%d of 2 files taken over from the import that died", resumed)
	}
	if got := lookup(t, dir, persons[0].ID.String()); got.Practices[0].Name != "CHANGEE" || got.FamilyName == "" {
		t.Errorf("after the rerun: %+v", got.Practices)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != registerName && e.Name() != lockName {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

// What a crash of the machine tore in the staging area is not trusted.
func TestDamagedStagingIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	file := public(t, "a.txt", people(500))
	killAfter(t, 1000, dir, file)
	staging := filepath.Join(dir, stagingName)
	runs, err := filepath.Glob(filepath.Join(staging, "file*"))
	if err != nil || len(runs) == 0 {
		t.Fatalf("no runs staged: %v", err)
	}
	if err := os.Truncate(runs[0], 100); err != nil {
		t.Fatal(err)
	}
	if report := mustImport(t, dir, file); report.Resumed != 0 || report.Persons != 500 {
		t.Errorf("%s", report.Text())
	}
}

// A file that changed since it was staged is read again.
func TestChangedFileIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	file := public(t, "a.txt", people(500))
	killAfter(t, 1000, dir, file)
	if err := os.WriteFile(file, []byte(read(t, public(t, "b.txt", people(400)))), 0o600); err != nil {
		t.Fatal(err)
	}
	if report := mustImport(t, dir, file); report.Resumed != 0 || report.Persons != 400 {
		t.Errorf("%s", report.Text())
	}
}

func TestRubbishInTheStagingAreaIsCleanedAway(t *testing.T) {
	dir := t.TempDir()
	staging := filepath.Join(dir, stagingName)
	if err := os.MkdirAll(staging, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{manifestName, "file1-public-0", builtName} {
		if err := os.WriteFile(filepath.Join(staging, name), []byte("{rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustImport(t, dir, public(t, "a.txt", people(5)))
	if _, err := os.Stat(staging); !os.IsNotExist(err) {
		t.Errorf("staging area left behind: %v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":1,"counter":3,"files":[{"path":"x","runs":{"0":[{"name":"../../etc/passwd","size":1}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, manifestName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openManifest(dir).keep(nil); err != nil && !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}
