package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// Registrations from the command line, against a running provider: what is made
// is shown once, what is changed is traced, what is disabled stays listed.
func TestClientsFromTheCommandLine(t *testing.T) {
	data := t.TempDir()
	d, err := demo.Start(t.Context(), demo.Options{Addr: "127.0.0.1:0", DataDir: data, Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	ask := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), append(append([]string{"client"}, args...), "--data", data), &out, &out); code != want {
			t.Fatalf("%v: %d %s", args, code, out.String())
		}
		return out.String()
	}
	secretIn := regexp.MustCompile(`client_secret: (\S{43})\n`)
	who := []string{"--case", "2026-1181", "--operator", "anna"}
	out := ask(0, append([]string{"add", "--id", "essai", "--name", "Essai", "--redirect", "https://essai.example/cb"}, who...)...)
	secret := secretIn.FindStringSubmatch(out)
	if secret == nil || !strings.Contains(out, "version 1") || !strings.Contains(out, "warning: purpose") {
		t.Fatal(out)
	}
	if out := ask(0, "show", "essai"); strings.Contains(out, secret[1]) || strings.Contains(out, "sha256") || !strings.Contains(out, "https://essai.example/cb") {
		t.Error(out)
	}
	file := filepath.Join(data, "essai.yaml")
	if err := os.WriteFile(file, []byte("name: Essai\nprofile: oidc\nowner: Éditeur\ncontact: a@exemple.invalid\npurpose: dossier\nmin_acr: eidas2\nscopes: [openid, profile]\nclaims: [name]\nredirect_uris: [\"https://essai.example/cb\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := ask(0, append([]string{"change", "essai", "--file", file}, who...)...); secretIn.MatchString(out) || !strings.Contains(out, "version 2") {
		t.Error(out)
	}
	if out := ask(0, append([]string{"rotate-secret", "essai"}, who...)...); !secretIn.MatchString(out) || !strings.Contains(out, "old secret is good until") {
		t.Error(out)
	}
	if out := ask(0, append([]string{"rotate-secret", "essai", "--now"}, who...)...); !secretIn.MatchString(out) || strings.Contains(out, "old secret") {
		t.Error(out)
	}
	ask(0, append([]string{"disable", "essai"}, who...)...)
	if out := ask(0, "list"); !strings.Contains(out, "essai") || !strings.Contains(out, "disabled") || !strings.Contains(out, "sandbox") {
		t.Error(out)
	}
	ask(0, append([]string{"enable", "essai"}, who...)...)
	if out := ask(0, "matrix", "--client", "essai"); !strings.Contains(out, "beyond the declared need: given_name") {
		t.Error(out)
	}
	if out := ask(0, "matrix", "--format", "csv"); !strings.Contains(out, "essai,profile,name,yes\n") || !strings.Contains(out, "essai,profile,family_name,no\n") {
		t.Error(out)
	}
	if out := ask(0, "matrix", "--format", "markdown"); !strings.Contains(out, "## essai") || !strings.Contains(out, "| given_name |  | + |  |\n") {
		t.Error(out)
	}
	out = ask(0, append([]string{"invite", "--owner", "Éditeur", "--purpose", "essais", "--scope", "openid,profile"}, who...)...)
	right := regexp.MustCompile(`right ([0-9a-f]{16}) `).FindStringSubmatch(out)
	if right == nil || !strings.Contains(out, "initial_access_token: ") {
		t.Fatal(out)
	}
	ask(0, append([]string{"uninvite", right[1]}, who...)...)
	if out := ask(0, "invitations"); !strings.Contains(out, right[1]) || strings.Contains(out, " -  ") {
		t.Error(out)
	}
	ask(1, append([]string{"disable", "dmp"}, who...)...)
	ask(1, append([]string{"disable", "nobody"}, who...)...)
	ask(2, "disable", "essai")
}
