package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/trust/audit"
)

// egide runs the program and gives exit code, output and complaints.
func egide(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code = run(t.Context(), args, &out, &complaints)
	return code, out.String(), complaints.String()
}

func TestRegisterFromInventedFilesToAPerson(t *testing.T) {
	dir := t.TempDir()
	invented, register, traces := filepath.Join(dir, "invented"), filepath.Join(dir, "register"), filepath.Join(dir, "traces")
	if code, _, complaints := egide(t, "directory", "generate", "--rows", "2000", "--seed", "3", "--out", invented); code != 0 {
		t.Fatal(complaints)
	}
	files, err := filepath.Glob(filepath.Join(invented, "*.*"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	load := append([]string{"directory", "import", "--json", "--dir", register, "--traces", traces}, files...)
	code, out, complaints := egide(t, load...)
	var report directory.Report
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || !report.Published {
		t.Fatalf("exit %d: %s %s %v", code, out, complaints, err)
	}
	code, out, complaints = egide(t, "directory", "import", "--dir", register, "--traces", traces,
		filepath.Join(invented, "desastre", "PS_LibreAcces_Personne_activite_202601030800.txt"))
	if code == 0 || !strings.Contains(out, "missing") || !strings.Contains(complaints, "stays in service") {
		t.Errorf("the disaster: exit %d\n%s\n%s", code, out, complaints)
	}
	code, out, complaints = egide(t, "directory", "show", "--dir", register, "99800000004")
	if code != 0 || !strings.HasPrefix(out, "899800000004") {
		t.Errorf("exit %d: %s %s", code, out, complaints)
	}
	if code, _, _ := egide(t, "directory", "show", "--dir", register, "899700999990"); code == 0 {
		t.Error("somebody has the number that belongs to nobody")
	}
	checkImportsTraced(t, traces)
}

// checkImportsTraced: both judgements are in the traces, and the traces hold.
func checkImportsTraced(t *testing.T, traces string) {
	t.Helper()
	if _, err := audit.Verify(traces, ""); err != nil {
		t.Errorf("traces: %v", err)
	}
	var all strings.Builder
	err := filepath.WalkDir(traces, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".jsonl") {
			b, readErr := os.ReadFile(path)
			all.Write(b)
			return readErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(all.String(), `register.imported`); n != 7 {
		t.Errorf("%d judgements recorded, want six files and one refusal", n)
	}
	if !strings.Contains(all.String(), `"reason":"missing"`) {
		t.Error("the refusal is not recorded with its rule")
	}
}
