package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/oidc/client"
)

const clientFile = "id: essai\nname: Essai\nprofile: oidc\nauth_method: none\nredirect_uris: [http://127.0.0.1/cb]\n"

func TestClientLint(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", clientFile)
	twin := file("twin.yaml", clientFile)
	bad := file("bad.yaml", strings.ReplaceAll(clientFile, "http://127", "http://10")+"secret: x\n")
	for _, c := range []struct {
		name  string
		files []string
		fails bool
		says  []string
	}{
		{"good", []string{good}, false, []string{"good.yaml: good (client essai)"}},
		{"bad", []string{bad}, true, []string{"bad.yaml:6: secret: unknown key"}},
		{"both", []string{good, bad}, true, []string{"good.yaml: good", "bad.yaml:6"}},
		{"two files of one client", []string{good, twin}, true, []string{"twin.yaml: id: is taken by"}},
	} {
		var out bytes.Buffer
		err := clientLintCmd{Files: c.files}.Run(&app{Ctx: context.Background(), Out: &out})
		if errors.Is(err, errReported) != c.fails || err != nil && !c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q lacks %q", c.name, out.String(), want)
			}
		}
	}
	if err := (clientLintCmd{Files: []string{filepath.Join(dir, "absent.yaml")}}).Run(&app{Out: new(bytes.Buffer)}); err == nil {
		t.Error("a file that is not there is good")
	}
}

func TestClientSecretFitsItsHash(t *testing.T) {
	var out bytes.Buffer
	if err := (clientSecretCmd{}).Run(&app{Out: &out, Rand: strings.NewReader(strings.Repeat("x", 32))}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	secret := strings.TrimPrefix(lines[0], "client_secret: ")
	if lines[1] != "secret_sha256: ["+client.HashSecret(secret)+"]" {
		t.Error(out.String())
	}
}
