package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The example names every key and is good as it stands.
func TestExampleConfigurationIsGood(t *testing.T) {
	s, err := settingsFlags{Config: "../../deploy/card-bridge/config.example.yaml"}.load()
	if err != nil || len(s.Providers) != 1 || len(s.Ports) != 3 || s.Pinentry == "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFaultsOfTheSettings(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no keys":              {"providers: [{origin: 'https://a.example'}]", "jwks_url"},
		"keys twice":           {"providers: [{origin: 'https://a.example', jwks_url: 'https://a.example/k', jwks_file: k.json}]", "jwks_url"},
		"path in the origin":   {"providers: [{origin: 'https://a.example/login', jwks_url: 'https://a.example/k'}]", "origin"},
		"capital letters":      {"providers: [{origin: 'https://A.example', jwks_url: 'https://a.example/k'}]", "origin"},
		"http far away":        {"providers: [{origin: 'http://a.example', jwks_url: 'https://a.example/k'}]", "https"},
		"keys without TLS":     {"providers: [{origin: 'https://a.example', jwks_url: 'http://a.example/k'}]", "https"},
		"one page twice":       {"providers: [{origin: 'https://a.example', jwks_url: 'https://a.example/k'}, {origin: 'https://a.example', jwks_url: 'https://b.example/k'}]", "twice"},
		"port of no computer":  {"ports: [70000]", "ports"},
		"unknown key":          {"provider: []", "unknown"},
		"star for all origins": {"providers: [{origin: '*', jwks_url: 'https://a.example/k'}]", "origin"},
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (settingsFlags{Config: file}).load(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a word of %q", name, err, c.want)
		}
	}
}

// A file of keys stands beside the configuration; what is said on the command
// line counts before what is written.
func TestKeysBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`
	write("keys.json", good)
	config := write("config.yaml", "providers: [{origin: 'https://a.example', jwks_file: keys.json}]")
	s, err := settingsFlags{Config: config}.load()
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.providers(nil); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	s, err = settingsFlags{Config: config, AllowOrigin: []string{"https://a.example=https://a.example/new"}}.load()
	if err != nil || len(s.Providers) != 1 || s.Providers[0].JWKSURL != "https://a.example/new" {
		t.Errorf("%+v, %v", s.Providers, err)
	}
	for name, text := range map[string]string{"nothing": `{"keys":[]}`, "a page": "<html>", "a secret": `{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`, "no kid": strings.Replace(good, `"kid":"k1",`, "", 1)} {
		write("keys.json", text)
		s, err := settingsFlags{Config: config}.load()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.providers(nil); err == nil {
			t.Errorf("keys with %s were taken", name)
		}
	}
}

// Without anything set up the doctor says what to do first, in the user's
// language. A process of its own: the card library reads its surroundings once.
func TestDoctorWithoutAnything(t *testing.T) {
	ourselves, err := os.Executable()
	must(t, err)
	for lang, want := range map[string]string{"fr_FR.UTF-8": "Pages de connexion: ajoutez", "en_GB.UTF-8": "Login pages: add"} {
		cmd := exec.CommandContext(t.Context(), ourselves, "doctor", "--port", "0")
		cmd.Env = append(os.Environ(), asProgram+"=1", "PCSCLITE_CSOCK_NAME="+filepath.Join(t.TempDir(), "nobody"), "XDG_CONFIG_HOME="+t.TempDir(), "LC_ALL="+lang)
		out, err := cmd.Output()
		if said := string(out); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said, want) || strings.Count(said, "!!") < 2 {
			t.Errorf("%s: %v, %s", lang, err, said)
		}
	}
}

// A bridge that nobody may ask does not start.
func TestBridgeWithoutALoginPage(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out, complaints strings.Builder
	if code := run(t.Context(), []string{"run"}, &out, &complaints); code != 1 || !strings.Contains(complaints.String(), "--allow-origin") {
		t.Errorf("exit %d: %s", code, complaints.String())
	}
}
