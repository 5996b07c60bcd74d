// Package nodes runs the built program in processes of its own: two nodes on
// one Redis, and one that is killed at any instant.
package nodes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "egide-nodes-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "egide")
	build := exec.Command("go", "build", "-o", binary, "./cmd/egide")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

var services = []harness.Service{
	{ID: "first", Secret: "first-not-a-secret", Redirect: "https://first.invalid/cb", Profile: "psc", IDTokenAlg: "RS256", AccessFormat: "psc"},
	{ID: "second", Secret: "second-not-a-secret", Redirect: "https://second.invalid/cb", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque"},
}
