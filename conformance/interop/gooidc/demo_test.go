package gooidc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sheet is the line of `egide demo --json`.
type sheet struct {
	Issuer                string       `json:"issuer"`
	AuthorizationEndpoint string       `json:"authorization_endpoint"`
	DMPURL                string       `json:"dmp_url"`
	Clients               []demoClient `json:"clients"`
	Personas              []persona    `json:"personas"`
}

type demoClient struct {
	ID                     string   `json:"client_id"`
	Secret                 string   `json:"client_secret"`
	Profile                string   `json:"profile"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris"`
}

type persona struct {
	Login     string `json:"login"`
	Name      string `json:"name"`
	Means     string `json:"means"`
	Behaviour string `json:"behaviour"`
}

// demo is the running demonstration that all tests share.
var demo sheet

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "egide-interop-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		var stop func() error
		if stop, err = start(dir); err == nil {
			code := m.Run()
			if err = stop(); err == nil {
				return code
			}
		}
	}
	fmt.Fprintln(os.Stderr, "gooidc:", err)
	return 1
}

// start runs `egide demo --json` and reads its line; stop ends it as an
// operator would, by SIGTERM, and wants exit code 0.
func start(dir string) (stop func() error, err error) {
	binary, err := find(dir)
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "demo.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "demo", "--json", "--addr", addr, "--data", filepath.Join(dir, "data"))
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	tooLate := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	tooLate.Stop()
	if err == nil {
		err = json.Unmarshal(line, &demo)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		said, _ := os.ReadFile(log.Name())
		return nil, errors.Join(fmt.Errorf("demo printed no sheet: %w\n%s", err, said), cmd.Wait(), log.Close())
	}
	return func() error {
		err := cmd.Process.Signal(syscall.SIGTERM)
		tooLate := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer tooLate.Stop()
		_, _ = io.Copy(io.Discard, out)
		return errors.Join(err, cmd.Wait(), log.Close())
	}, nil
}

// find gives the binary of EGIDE_BIN, or builds one.
func find(dir string) (string, error) {
	if binary := os.Getenv("EGIDE_BIN"); binary != "" {
		return filepath.Abs(binary)
	}
	binary := filepath.Join(dir, "egide")
	build := exec.Command("go", "build", "-o", binary, "./cmd/egide")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
}

func freeAddr() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// approving gives the first persona whose phone says yes at once.
func approving(t *testing.T) persona {
	t.Helper()
	for _, p := range demo.Personas {
		if p.Behaviour == "approve-300ms" && strings.HasPrefix(p.Login, "8") {
			return p
		}
	}
	t.Fatal("no persona approves")
	return persona{}
}

// codeClients gives the clients that take part in the code flow.
func codeClients(t *testing.T) []demoClient {
	t.Helper()
	var all []demoClient
	for _, c := range demo.Clients {
		if len(c.RedirectURIs) > 0 {
			all = append(all, c)
		}
	}
	if len(all) < 3 {
		t.Fatalf("want a psc, an oidc and a public client, got %d", len(all))
	}
	return all
}
