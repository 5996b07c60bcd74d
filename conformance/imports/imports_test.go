// Package imports holds the import rules of the house (architecture, section 3)
// against what the compiler says, dependencies of dependencies included.
package imports

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/egide-id/egide/"

// wings from bottom to top: a package imports only its own wing or lower ones.
var wings = []string{
	"internal/platform", "internal/trust", "internal/identity", "internal/means", "internal/oidc",
	"internal/portal", "internal/sandbox", "internal/provider",
}

// features of one wing meet in provider and never import one another.
var features = []string{
	"internal/means/ecps/deviceapi", "internal/oidc/op", "internal/oidc/login", "internal/oidc/logout", "internal/oidc/psc",
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	CgoFiles   []string
	Module     *struct{ Path string }
}

func packages(t *testing.T, tags ...string) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags="+strings.Join(tags, ","),
		"-json=ImportPath,Imports,Deps,CgoFiles,Module", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if len(tags) > 0 {
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=1")
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func in(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func wingOf(path string) int {
	for i, w := range wings {
		if in(path, w) {
			return i
		}
	}
	return -1
}

func featureOf(path string) string {
	for _, f := range features {
		if in(path, f) {
			return f
		}
	}
	return ""
}

func TestImportsRunDown(t *testing.T) {
	checked := 0
	for _, p := range packages(t) {
		from, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		for _, i := range p.Imports {
			to, ours := strings.CutPrefix(i, module)
			if !ours {
				continue
			}
			checked++
			if wingOf(from) >= 0 && wingOf(to) > wingOf(from) {
				t.Errorf("%s imports %s, which is above it", from, to)
			}
			if a, b := featureOf(from), featureOf(to); a != "" && b != "" && a != b {
				t.Errorf("feature %s imports feature %s", from, to)
			}
		}
	}
	if checked < 50 {
		t.Fatalf("only %d imports seen: the reader of go list is broken", checked)
	}
}

// forbidden names, per folder, what must not be reached even through others.
var forbidden = []struct{ from, except, never string }{
	{"internal/identity", "", "github.com/labstack/echo"},
	{"internal/trust", "", "github.com/labstack/echo"},
	{"internal/means", "internal/means/ecps/deviceapi", "github.com/labstack/echo"},
	{"internal/oidc/grant", "", "github.com/labstack/echo"},
	{"internal/oidc/session", "", "github.com/labstack/echo"},
	{"internal/oidc/client", "", "github.com/labstack/echo"},
	{"internal/oidc/claims", "", "github.com/labstack/echo"},
	{"internal/oidc/grant", "", module + "internal/trust/audit"},
	{"internal/oidc/session", "", module + "internal/trust/audit"},
	{"internal/identity/rpps", "", module + "internal/trust/audit"},
	{"internal/means/authn", "", module + "internal/trust/audit"},
	{"internal/means/ecps/device", "", module + "internal/platform/store"},
	{"internal/means/ecps/device", "", module + "internal/platform/db"},
	{"internal/means/ecps/device", "", module + "internal/means/ecps/wallet"},
	{"internal/means/ecps/device", "", module + "internal/oidc"},
	{"internal/means", "", module + "internal/platform/courier"},
	{"internal/means", "", module + "internal/platform/webpush"},
	{"internal/means/cps", "internal/means/cps/cards", module + "internal/platform/store"},
	{"internal/means/cps", "internal/means/cps/cards", module + "internal/platform/db"},
	{"internal/means/cps", "internal/means/cps/cards", module + "internal/trust/audit"},
	{"internal/means/cps", "internal/means/cps/cards", module + "internal/trust/signing"},
	{"internal/means/cps", "", module + "internal/trust/pki"},
	{"internal/means/cps", "", module + "internal/platform/web"},
	{"internal/means/cps", "", module + "internal/oidc"},
	{"internal/cardbridge", "", module + "internal/platform/store"},
	{"internal/cardbridge", "", module + "internal/platform/db"},
	{"internal/cardbridge", "", module + "internal/platform/web"},
	{"internal/cardbridge", "", module + "internal/trust/signing"},
	{"internal/cardbridge", "", module + "internal/trust/audit"},
	{"internal/cardbridge", "", module + "internal/trust/pki"},
	{"internal/cardbridge", "", module + "internal/means/cps/cards"},
	{"internal/cardbridge", "", module + "internal/means/ecps"},
	{"internal/cardbridge", "", module + "internal/oidc"},
	{"cmd/card-bridge", "", module + "internal/platform/store"},
	{"cmd/card-bridge", "", module + "internal/oidc"},
	{"cmd/card-bridge", "", module + "internal/provider"},
	{"cmd/ecps", "", module + "internal/platform/store"},
	{"internal/portal", "", module + "internal/oidc/op"},
	{"internal/portal", "", module + "internal/oidc/login"},
	{"internal/portal", "", module + "internal/oidc/session"},
	{"internal/portal", "", module + "internal/oidc/grant"},
	{"internal/dmp", "", module + "internal/identity"},
	{"internal/dmp", "", module + "internal/trust"},
	{"internal/dmp", "", module + "internal/means"},
	{"internal/dmp", "", module + "internal/oidc"},
}

func TestForbiddenReach(t *testing.T) {
	for _, p := range packages(t) {
		from, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s uses cgo", from)
		}
		for _, rule := range forbidden {
			if !in(from, rule.from) || rule.except != "" && in(from, rule.except) {
				continue
			}
			for _, d := range p.Deps {
				if d == rule.never || strings.HasPrefix(d, rule.never+"/") {
					t.Errorf("%s reaches %s", from, d)
				}
			}
		}
	}
}

// Two parts need C, each in one place and only when it is asked for: the card
// reader and the token of the signing keys.
func TestOnlyTwoPartsNeedC(t *testing.T) {
	for _, part := range []struct{ tag, place, library string }{
		{"pcsc", "internal/cardbridge/pcsc", "github.com/ebfe/scard"},
		{"pkcs11", "internal/trust/signing/pkcs11", "github.com/ThalesGroup/crypto11"},
	} {
		for _, p := range packages(t) {
			if p.ImportPath == part.library {
				t.Errorf("%s is built without the tag %s", part.library, part.tag)
			}
		}
		found := false
		for _, p := range packages(t, part.tag) {
			from, ours := strings.CutPrefix(p.ImportPath, module)
			if ours && len(p.CgoFiles) > 0 {
				t.Errorf("%s uses cgo", from)
			}
			if !slices.Contains(p.Imports, part.library) {
				continue
			}
			if from != part.place {
				t.Errorf("%s imports %s", p.ImportPath, part.library)
			}
			found = true
		}
		if !found {
			t.Errorf("nobody imports %s: the rule looks at nothing", part.library)
		}
	}
}
