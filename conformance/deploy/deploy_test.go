// Package deploy holds the files of deploy/ to what they promise, as far as that
// can be without Docker: the program is one static file, the image is empty and
// its user nobody, the composition's commands work, the unit keeps the service in
// its corner.
package deploy

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

const root = "../.."

// program is built once, as the Dockerfile builds it.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "egide-deploy-")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "egide")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "./cmd/egide")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, b)
	}
	return out, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func static(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An image without a C library needs a program that asks for none.
func TestProgramIsStatic(t *testing.T) {
	f, err := elf.Open(static(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a %s segment", p.Type)
		}
	}
}

// instruction is one line of a Dockerfile, continued lines joined.
type instruction struct{ word, rest string }

func dockerfile(t *testing.T) (list []instruction) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", "")) {
		line = strings.TrimSpace(line)
		if word, rest, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			list = append(list, instruction{word, rest})
		}
	}
	return list
}

func TestImageIsEmptyAndRunsAsNobody(t *testing.T) {
	all := dockerfile(t)
	last := 0
	for i, in := range all {
		if in.word == "FROM" {
			last = i
		}
		if in.word == "ADD" {
			t.Error("ADD fetches and unpacks; COPY does what it says")
		}
		if in.word == "FROM" && !strings.HasPrefix(in.rest, "scratch") && !regexp.MustCompile(`^[^ ]+:[0-9]`).MatchString(in.rest) {
			t.Errorf("FROM %s names no version", in.rest)
		}
	}
	final := all[last:]
	if final[0].rest != "scratch" {
		t.Errorf("the image begins from %s", final[0].rest)
	}
	has := func(word, pattern string) {
		if !slices.ContainsFunc(final, func(in instruction) bool { return in.word == word && regexp.MustCompile(pattern).MatchString(in.rest) }) {
			t.Errorf("no %s %s", word, pattern)
		}
	}
	has("USER", `^[1-9][0-9]+:[1-9][0-9]+$`)
	has("HEALTHCHECK", `CMD \["/egide", "health"`)
	has("ENTRYPOINT", `^\["/egide"\]$`) // the form that hands signals through
	if slices.ContainsFunc(final, func(in instruction) bool { return in.word == "RUN" }) {
		t.Error("an empty image runs nothing")
	}
	if !strings.Contains(read(t, "Dockerfile"), "CGO_ENABLED=0") {
		t.Error("the build is not told to be static")
	}
	// Nothing enters the build but what is named: no key, no data of a developer.
	if ignore := strings.Fields(read(t, ".dockerignore")); !slices.Contains(ignore, "*") || slices.Contains(ignore, "!keys") {
		t.Error(".dockerignore lets everything in")
	}
}

// compose is as much of docker-compose.yml as promises something here.
type compose struct {
	Services map[string]struct {
		Image, Build string
		Command      []string
		Volumes      []string
		Ports        []string
		ReadOnly     bool           `yaml:"read_only"`
		CapDrop      []string       `yaml:"cap_drop"`
		SecurityOpt  []string       `yaml:"security_opt"`
		DependsOn    map[string]any `yaml:"depends_on"`
	}
	Volumes map[string]any
}

func composition(t *testing.T) (c compose) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompositionHoldsTogether(t *testing.T) {
	c := composition(t)
	for name, s := range c.Services {
		for on := range s.DependsOn {
			if _, ok := c.Services[on]; !ok {
				t.Errorf("%s depends on %s, which is not there", name, on)
			}
		}
		if s.Build == "" && (!strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest")) {
			t.Errorf("%s: image %s names no version", name, s.Image)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", name)
		}
		if s.Build != "" && (!s.ReadOnly || !slices.Contains(s.CapDrop, "ALL")) {
			t.Errorf("%s has more rights than it needs", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s opens %s to the network", name, p)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, "./") {
				if _, err := os.Stat(filepath.Join(root, from)); err != nil {
					t.Errorf("%s mounts what is not there: %v", name, err)
				}
			} else if _, ok := c.Volumes[from]; !ok {
				t.Errorf("%s: no volume %s", name, from)
			}
		}
	}
}

// Without Docker the composition's own commands are run one after the other, on
// folders of this test, by the program that the image would hold.
func TestCompositionsCommandsWork(t *testing.T) {
	egide, c, data := static(t), composition(t), t.TempDir()
	here := func(args []string) []string {
		out := slices.Clone(args)
		for i := range out {
			out[i] = strings.NewReplacer("/var/lib/egide", data, "/etc/egide/egide.yaml", filepath.Join(root, "deploy/compose/egide.yaml")).Replace(out[i])
		}
		return out
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), egide, args...)
		cmd.Env = append(os.Environ(), "EGIDE_CLIENTS_DIR="+filepath.Join(root, "deploy/compose/clients"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("egide %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run(here(c.Services["invent"].Command)...)
	run(here(c.Services["register"].Command)...)
	run(append(here(c.Services["egide"].Command), "--check")...)
}

// The documented configuration is good but for the folder of clients, which is not here.
func TestDocumentedConfigurationIsGood(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), static(t), "serve", "--config", filepath.Join(root, "deploy/egide.yaml"), "--set", "clients_dir="+t.TempDir(), "--check")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What systemd itself says of the unit: 0 is locked away, 10 is naked.
func TestUnitIsSandboxed(t *testing.T) {
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("systemd-analyze is not installed, and this run may skip nothing")
		}
		t.Skip("SKIPPED: systemd-analyze is not installed; the unit is not judged")
	}
	unit := filepath.Join(root, "deploy/systemd/egide.service")
	out, err := exec.CommandContext(t.Context(), path, "security", "--offline=true", "--json=short", "--threshold=20", unit).CombinedOutput()
	if err != nil {
		t.Errorf("exposed by more than 2.0: %v\n%s", err, out)
	}
	var found []struct {
		Set  *bool  `json:"set"`
		Name string `json:"name"`
	}
	if err := json.Unmarshal(out, &found); err != nil || len(found) < 50 {
		t.Errorf("systemd-analyze said: %v %s", err, out)
	}
	// It must be given time to drain.
	m := regexp.MustCompile(`TimeoutStopSec=(\d+)`).FindStringSubmatch(read(t, "deploy/systemd/egide.service"))
	if m == nil {
		t.Fatal("no TimeoutStopSec")
	}
	if n, err := strconv.Atoi(m[1]); err != nil || n < 30 {
		t.Errorf("killed after %s s", m[1])
	}
}
