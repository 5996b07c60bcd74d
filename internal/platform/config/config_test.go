package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/egide-id/egide/internal/platform/fault"
)

type sample struct {
	Name    string            `yaml:"name"`
	Debug   bool              `yaml:"debug"`
	Ratio   float64           `yaml:"ratio"`
	Tags    []string          `yaml:"tags"`
	Labels  map[string]string `yaml:"labels"`
	Store   sampleStore       `yaml:"store"`
	Clients []sampleClient    `yaml:"clients"`
	Limit   *int              `yaml:"limit"`
	Common  `yaml:",inline"`
	Skipped string `yaml:"-"`
	hidden  string
}

type Common struct {
	Region string `yaml:"region"`
}

type sampleStore struct {
	Addr     string   `yaml:"addr"`
	DB       int      `yaml:"db"`
	Port     uint16   `yaml:"port"`
	Wait     Duration `yaml:"wait"`
	Password Secret   `yaml:"password"`
}

func (s *sampleStore) Validate() []Fault {
	if s.Addr == "" {
		return []Fault{{Path: "addr", Message: "is required"}}
	}
	return nil
}

type sampleClient struct {
	ID string `yaml:"id"`
}

func (c *sampleClient) Validate() []Fault {
	if c.ID == "" {
		return []Fault{{Path: "id", Message: "is required"}}
	}
	return nil
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileEnvironmentAndFlagsInThisOrder(t *testing.T) {
	file := write(t, "egide.yaml", `
name: from file
debug: true
ratio: 2
tags: [a, b]
labels: {team: sante}
region: idf
limit: 7
store: {addr: "file:1", db: 3, wait: 90s, port: 6379}
clients: [{id: one}, {id: two}]
`)
	got := sample{Skipped: "default", hidden: "default"}
	err := Load(&got, Source{
		File: file, Prefix: "T_",
		Env: []string{"T_STORE_ADDR=env:1", "T_STORE_DB=4", "T_TAGS=x, y", "T_STORE_PASSWORD=s3cret", "HOME=/", "T=1"},
		Set: map[string]string{"store.db": "5", "debug": "false"},
	})
	if err != nil {
		t.Fatal(err)
	}
	seven := 7
	want := sample{
		Name: "from file", Ratio: 2, Tags: []string{"x", "y"}, Labels: map[string]string{"team": "sante"},
		Store:   sampleStore{Addr: "env:1", DB: 5, Port: 6379, Wait: Duration(90 * time.Second), Password: got.Store.Password},
		Clients: []sampleClient{{"one"}, {"two"}}, Limit: &seven, Common: Common{"idf"}, Skipped: "default", hidden: "default",
	}
	if !reflect.DeepEqual(got, want) || got.Store.Password.Reveal() != "s3cret" {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	file := write(t, "egide.yaml", `
name: 12
debug: "yes"
nmae: x
debug: true
store:
  db: many
  port: 70000
  wait: 90
  password: literal-s3cret
  hosts: [a]
clients: [{id: ok}, {}, 5]
tags: {a: b}
limit:
labels: &a {x: y}
`)
	var got sample
	err := Load(&got, Source{
		File: file, Prefix: "T_", Env: []string{"T_STORE_ADR=x", "T_RATIO=lots"},
		Set: map[string]string{"store.password": "flag-s3cret", "no.such": "1"},
	})
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %v", err)
	}
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		t.Fatalf("no list of faults in %v", err)
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, strings.ReplaceAll(f.String(), file, "F"))
	}
	want := []string{
		`name: wants text; put it between quotes (F, line 2)`,
		`debug: wants true or false (F, line 3)`,
		`nmae: unknown key (F, line 4)`,
		`debug: is given twice (F, line 5)`,
		`store.db: wants a whole number (F, line 7)`,
		`store.port: wants a whole number (F, line 8)`,
		`store.wait: wants text; put it between quotes (F, line 9)`,
		`store.password: is a secret: write it to a file and name that in password_file (F, line 10)`,
		`store.hosts: unknown key (F, line 11)`,
		`clients[2]: wants keys and values (F, line 12)`,
		`tags: wants a list (F, line 13)`,
		`limit: has no value; leave the key out to keep the default (F, line 14)`,
		`labels: anchors and aliases are not accepted (F, line 15)`,
		`ratio: wants a number (environment T_RATIO)`,
		`unknown variable (environment T_STORE_ADR)`,
		`no.such: unknown key (flag)`,
		`store.password: is a secret: every process sees the command line; use password_file (flag)`,
		`store.addr: is required`,
		`clients[1].id: is required`,
		`clients[2].id: is required`,
	}
	if !slices.Equal(lines, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Fatal("a fault repeats a secret")
	}
}

func TestSecretsByFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good": "from file\n", "empty": "\n", "env": "from env file"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "egide.yaml")
	for _, c := range []struct {
		name, yaml string
		env        []string
		want       string // the secret, or the fault
	}{
		{name: "relative to the file", yaml: "good", want: "from file"},
		{name: "absolute", yaml: filepath.Join(dir, "good"), want: "from file"},
		{name: "environment wins", yaml: "good", env: []string{"T_STORE_PASSWORD_FILE=" + filepath.Join(dir, "env")}, want: "from env file"},
		{name: "missing", yaml: "missing", want: "secret file cannot be read: no such file or directory"},
		{name: "folder", yaml: ".", want: "secret file cannot be read: is a directory"},
		{name: "empty", yaml: "empty", want: "secret file is empty"},
		{name: "both", yaml: "good", env: []string{"T_STORE_PASSWORD=a", "T_STORE_PASSWORD_FILE=b"}, want: "is given twice, as value and as file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte("store: {addr: a, password_file: "+c.yaml+"}"), 0o600); err != nil {
				t.Fatal(err)
			}
			var got sample
			err := Load(&got, Source{File: file, Prefix: "T_", Env: c.env})
			if faults, _ := errors.AsType[Faults](err); len(faults) == 1 {
				if faults[0].Path != "store.password_file" || faults[0].Message != c.want {
					t.Fatalf("got %v", faults)
				}
				return
			}
			if err != nil || got.Store.Password.Reveal() != c.want {
				t.Fatalf("got %q, %v", got.Store.Password.Reveal(), err)
			}
		})
	}
}

// A configuration is printed, logged and dumped in many ways; none shows a secret.
func TestSecretIsNeverPrinted(t *testing.T) {
	c := struct {
		Public  Secret
		private Secret
	}{NewSecret("s3cret"), NewSecret("s3cret")}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", c, &c, c.Public)
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	out.Write(y)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("dump", slog.Any("secret", c.Public), slog.Any("all", c))
	if s := out.String(); strings.Contains(s, "s3cret") || strings.Contains(s, fmt.Sprintf("%x", "s3cret")) {
		t.Fatal(s)
	}
	if c.private.Reveal() != "s3cret" || !(Secret{}).IsZero() {
		t.Fatal("secret is lost")
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"not YAML", "a: [", "is not YAML: line 1: did not find expected node content"},
		{"two documents", "store: {addr: a}\n---\nname: x", "holds more than one document"},
		{"a list", "- a", "wants keys and values"},
		{"merge key", "store: {addr: a}\n<<: {name: x}", "<<: unknown key"},
		{"complex key", "store: {addr: a}\n? [a, b]\n: c", "a key must be plain text"},
	} {
		err := Load(&sample{Store: sampleStore{Addr: "a"}}, Source{File: write(t, "f.yaml", c.text)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if err := Load(&sample{}, Source{File: filepath.Join(t.TempDir(), "missing")}); !fault.Is(err, fault.Invalid) {
		t.Errorf("missing file: got %v", err)
	}
	if err := Load(&sample{Store: sampleStore{Addr: "a"}}, Source{File: write(t, "f.yaml", "")}); err != nil {
		t.Errorf("empty file: got %v", err)
	}
	if err := Load(sample{}, Source{}); !fault.Is(err, fault.Internal) {
		t.Errorf("not a pointer: got %v", err)
	}
}

func TestVariableOfTwoKeysIsAFault(t *testing.T) {
	err := Load(&struct {
		A struct {
			BC string `yaml:"b_c"`
		} `yaml:"a"`
		AB struct {
			C string `yaml:"c"`
		} `yaml:"a_b"`
	}{}, Source{Prefix: "T_"})
	if err == nil || !strings.Contains(err.Error(), "a_b.c: shares the variable T_A_B_C with a.b_c") {
		t.Fatalf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"name: x\nstore: {addr: a, wait: 5m, db: 0x10}\nclients: [{id: a}]", "a: &a [*a]", "? {}\n: []", "limit: ~",
		"store: {password_file: /dev/null}", "\x00", "tags: [1, [2]]\nlabels: {a: {b: c}}", "<<: *x", "---\n---", "ratio: .inf\ndebug: on",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "_file") {
			t.Skip("names of files are not invented here")
		}
		var got sample
		for _, x := range Decode("fuzz.yaml", data, &got) {
			if x.Message == "" || x.Line < 0 {
				t.Fatalf("a fault without words: %+v", x)
			}
		}
		if !got.Store.Password.IsZero() {
			t.Fatal("a secret came from a literal")
		}
	})
}
