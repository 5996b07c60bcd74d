package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// Every requirement is held by a test or set aside with a reason, and the page
// that says so is the one that the tests' names give.
func TestTableIsWhatTheTestsSay(t *testing.T) {
	want, err := write(root)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(want) {
		if strings.Contains(line, "| OPEN |") {
			t.Errorf("no test holds it: %s", line)
		}
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/conformance.md is another: run make conformance")
	}
}

// A test that claims a requirement nobody wrote down has a misspelt name.
func TestNoTestClaimsAnUnknownRequirement(t *testing.T) {
	found, err := find(root)
	if err != nil {
		t.Fatal(err)
	}
	for id, named := range found {
		if !slices.ContainsFunc(list(), func(r requirement) bool { return r.id == id }) {
			t.Errorf("%s: %v", id, named)
		}
	}
}

func TestNamesAreRead(t *testing.T) {
	f := tests{}
	f.read("x", "func TestAZ2AZ3NoRedirect(t *testing.T) {}\nfunc TestTokens(t) {}\n\tt.Run(\"TK13Own\", nil)\n\tt.Run(\"other\", nil)\ntest('CA2 by key', async () => {})\n")
	for id, want := range map[string]string{"AZ2": "x `AZ2AZ3NoRedirect`", "AZ3": "x `AZ2AZ3NoRedirect`", "TK13": "x `TK13Own`", "CA2": "x `CA2 by key`"} {
		if !slices.Equal(f[id], []string{want}) {
			t.Errorf("%s: %q", id, f[id])
		}
	}
	if len(f) != 4 {
		t.Errorf("%v", f)
	}
}
