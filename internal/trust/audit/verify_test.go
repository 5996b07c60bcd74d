package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

func verify(t testing.TB, dir, checkpoint string) Report {
	t.Helper()
	r, err := Verify(dir, checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantClean(t testing.TB, dir, checkpoint string, records uint64) {
	t.Helper()
	r := verify(t, dir, checkpoint)
	if !r.OK() || r.Verified != records || r.Size != records+r.Purged {
		t.Fatalf("%d records, want %d verified: %+v", records, records, r)
	}
}

// history makes a log of two days: records 0 to 399 and 400 to 699, and a
// checkpoint taken at noon of the first day, over 100 records.
func history(t *testing.T) (dir, early string) {
	t.Helper()
	dir, c := t.TempDir(), clock.NewManual(noon)
	early = filepath.Join(t.TempDir(), "checkpoint")
	for _, step := range []struct {
		records int
		then    time.Duration
	}{{100, time.Hour}, {300, 24 * time.Hour}, {300, 0}} {
		l := mustOpen(t, options(dir, c))
		mustRecord(t, l, step.records)
		mustClose(t, l)
		if step.records == 100 {
			copyFile(t, filepath.Join(dir, treeDir, "checkpoint"), early)
		}
		c.Advance(step.then)
	}
	return dir, early
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, data)
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

const (
	day1 = "lines/2026-11-22_node-a_000000000000.jsonl"
	day2 = "lines/2026-11-23_node-a_000000000400.jsonl"
)

// edit changes the lines of a file; each keeps its line break.
func edit(t *testing.T, dir, file string, change func([]string) []string) {
	t.Helper()
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(data)))
	put(t, path, []byte(strings.Join(change(lines), "")))
}

func TestHA5TamperedTracesShow(t *testing.T) {
	t.Parallel()
	dir, early := history(t)
	wantClean(t, dir, "", 700)
	wantClean(t, dir, early, 700)
	foreign := `{"n":150,"time":"2026-11-22T12:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAA","node":"node-a","event":"x"}` + "\n"
	replace := func(i int, old, new string) func([]string) []string {
		return func(l []string) []string {
			l[i] = strings.Replace(l[i], old, new, 1)
			return l
		}
	}
	attacks := []struct {
		name string
		file string
		do   func([]string) []string
		want string // kind file from-to, in order
	}{
		{"one byte changed", day1, replace(42, `"client":"dmp"`, `"client":"dmq"`), "changed " + day1 + " 42-42"},
		{"salt changed", day1, replace(7, `"salt":"`, `"salt":"A`), "changed " + day1 + " 7-7"},
		{"time changed", day2, replace(0, "2026-11-23T", "2026-11-24T"), "changed " + day2 + " 400-400"},
		{"number changed", day1, replace(42, `{"n":42,`, `{"n":43,`), "changed " + day1 + " 42-42"},
		{"emptied line", day1, func(l []string) []string { l[9] = "\n"; return l }, "changed " + day1 + " 9-9"},
		{"neighbours changed", day1, func(l []string) []string { return replace(11, "dmp", "dmq")(replace(10, "dmp", "dmq")(l)) }, "changed " + day1 + " 10-11"},
		{"one record taken out", day1, func(l []string) []string { return slices.Delete(l, 42, 43) }, "missing " + day1 + " 42-42"},
		{"first record taken out", day2, func(l []string) []string { return slices.Delete(l, 0, 1) }, "missing " + day2 + " 400-400"},
		{"ten records taken out", day1, func(l []string) []string { return slices.Delete(l, 100, 110) }, "missing " + day1 + " 100-109"},
		{"two swapped", day1, func(l []string) []string { l[10], l[20] = l[20], l[10]; return l }, "swapped " + day1 + " 10-10, swapped " + day1 + " 20-20"},
		{"neighbours swapped", day2, func(l []string) []string { l[0], l[1] = l[1], l[0]; return l }, "swapped " + day2 + " 400-401"},
		{"end of the last file cut", day2, func(l []string) []string { return l[:250] }, "cut " + day2 + " 650-699"},
		{"end of the first file cut", day1, func(l []string) []string { return l[:390] }, "cut " + day1 + " 390-399"},
		{"last record torn", day2, func(l []string) []string { l[299] = l[299][:50]; return l }, "changed " + day2 + " 699-699"},
		{"file emptied", day2, func([]string) []string { return nil }, "cut " + day2 + " 400-699"},
		{"record inserted", day1, func(l []string) []string { return slices.Insert(l, 150, foreign) }, "inserted " + day1 + " 150-150"},
		{"record doubled", day1, func(l []string) []string { return slices.Insert(l, 31, l[30]) }, "inserted " + day1 + " 30-30"},
		{"changed and taken out", day1, func(l []string) []string { return slices.Delete(replace(5, "dmp", "dmq")(l), 300, 301) },
			"changed " + day1 + " 5-5, missing " + day1 + " 300-300"},
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			edit(t, copied, a.file, a.do)
			if got := told(verify(t, copied, "")); got != a.want {
				t.Errorf("\n got %s\nwant %s", got, a.want)
			}
		})
	}
}

func told(r Report) string {
	var s []string
	for _, f := range r.Findings {
		s = append(s, fmt.Sprintf("%s %s %d-%d", f.Kind, f.File, f.From, f.To))
	}
	return strings.Join(s, ", ")
}

func TestRecordMovedToAnotherDayShows(t *testing.T) {
	t.Parallel()
	dir, _ := history(t)
	var stolen string
	edit(t, dir, day1, func(l []string) []string { stolen = l[3]; return slices.Delete(l, 3, 4) })
	edit(t, dir, day2, func(l []string) []string { return append(l, stolen) })
	want := "missing " + day1 + " 3-3, swapped " + day2 + " 3-3"
	if got := told(verify(t, dir, "")); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestDeletedFileShows(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		day1: "missing lines 0-399",
		day2: "cut " + day1 + " 400-699",
	} {
		dir, _ := history(t)
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
		if got := told(verify(t, dir, "")); got != want {
			t.Errorf("without %s: %s, want %s", file, got, want)
		}
	}
}

// The whole log is put back to its state at noon: in itself it is perfect. Only
// a checkpoint that left the machine knows better.
func TestLogCutToAnEarlierStateShowsAgainstACheckpoint(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewManual(noon)
	l := mustOpen(t, options(dir, c))
	mustRecord(t, l, 100)
	mustClose(t, l)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, options(dir, c))
	mustRecord(t, l, 50)
	mustClose(t, l)
	late := filepath.Join(dir, treeDir, "checkpoint")
	wantClean(t, old, "", 100)
	if got, want := told(verify(t, old, late)), "cut tree/checkpoint 100-149"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Whoever holds the machine holds the key: he can write a whole new history.
func TestHistoryWrittenAnewShowsAgainstACheckpoint(t *testing.T) {
	t.Parallel()
	dir, early := history(t)
	forged := t.TempDir()
	for _, name := range []string{"key/note.key", verifierName} {
		copyFile(t, filepath.Join(dir, name), filepath.Join(forged, name))
	}
	l := mustOpen(t, options(forged, clock.NewManual(noon)))
	mustRecord(t, l, 700)
	mustClose(t, l)
	wantClean(t, forged, "", 700)
	if got, want := told(verify(t, forged, early)), "rewritten "+early+" 0-99"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestCheckpointOfAnotherKeyShows(t *testing.T) {
	t.Parallel()
	dir, early := history(t)
	other := t.TempDir()
	l := mustOpen(t, options(other, clock.NewManual(noon)))
	mustRecord(t, l, 10)
	mustClose(t, l)
	stranger := filepath.Join(other, treeDir, "checkpoint")
	if r := verify(t, dir, stranger); r.OK() || r.Findings[0].Kind != BadSignature {
		t.Errorf("earlier checkpoint of another log: %+v", r.Findings)
	}
	copyFile(t, stranger, filepath.Join(dir, treeDir, "checkpoint"))
	if r := verify(t, dir, early); r.OK() || r.Findings[0].Kind != BadSignature || r.Verified != 0 {
		t.Errorf("checkpoint of another log: %+v", r)
	}
	r, err := Verification{Dir: dir, Key: filepath.Join(other, verifierName)}.Run(t.Context())
	if err != nil || r.Origin != "egide-traces/node-a" {
		t.Errorf("verification with another key: %+v %v", r, err)
	}
}

func TestForgedCheckpointShows(t *testing.T) {
	t.Parallel()
	dir, _ := history(t)
	path := filepath.Join(dir, treeDir, "checkpoint")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, bytes.Replace(data, []byte("\n700\n"), []byte("\n600\n"), 1))
	if r := verify(t, dir, ""); r.OK() || r.Findings[0].Kind != BadSignature {
		t.Errorf("size changed under the signature: %+v", r.Findings)
	}
}

func TestDamagedTreeShows(t *testing.T) {
	t.Parallel()
	damage := map[string]func(t *testing.T, dir string){
		"tile changed":  func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "tree/tile/0/000")) },
		"tile gone":     func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, "tree/tile/0/001")) },
		"entry changed": func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "tree/tile/entries/000")) },
		"upper tile":    func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "tree/tile/1/000.p/2")) },
		"entries gone":  func(t *testing.T, dir string) { _ = os.RemoveAll(filepath.Join(dir, "tree/tile/entries")) },
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, _ := history(t)
			do(t, dir)
			r := verify(t, dir, "")
			if r.OK() || r.Findings[0].Kind != BadTree || len(r.Findings) != 1 {
				t.Errorf("%+v", r.Findings)
			}
			if r.Verified != 700 {
				t.Errorf("%d records proven, want 700: half of the tree is enough", r.Verified)
			}
		})
	}
	t.Run("all of it", func(t *testing.T) {
		dir, _ := history(t)
		if err := os.RemoveAll(filepath.Join(dir, "tree/tile")); err != nil {
			t.Fatal(err)
		}
		if r := verify(t, dir, ""); r.OK() || r.Findings[0].Kind != BadTree || r.Verified != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	put(t, path, data)
}

func TestVerificationWritesNothing(t *testing.T) {
	t.Parallel()
	dir, early := history(t)
	before := snapshot(t, dir)
	verify(t, dir, early)
	if after := snapshot(t, dir); after != before {
		t.Error("the verifier changed the log")
	}
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&all, path, info.Size(), info.Mode(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestFolderWithoutALogIsNoCleanLog(t *testing.T) {
	t.Parallel()
	if _, err := Verify(t.TempDir(), ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("empty folder: %v", err)
	}
	dir, _ := history(t)
	if _, err := Verify(dir, filepath.Join(dir, "nothing")); !fault.Is(err, fault.NotFound) {
		t.Errorf("missing checkpoint file: %v", err)
	}
}

func TestVerifierKeyReadsAsSignedNote(t *testing.T) {
	t.Parallel()
	dir, _ := history(t)
	vkey, err := os.ReadFile(filepath.Join(dir, verifierName))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := os.ReadFile(filepath.Join(dir, treeDir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(msg, note.VerifierList(v)); err != nil {
		t.Errorf("another reader of signed notes: %v", err)
	}
}
