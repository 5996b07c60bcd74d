package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/sandbox"
	"github.com/egide-id/egide/internal/trust/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node opens a provider on a small register, in the given environment.
func node(t *testing.T, environment string, change ...func(*Config)) (*Provider, Config) {
	t.Helper()
	dir := t.TempDir()
	c := Default()
	c.Environment, c.DataDir = environment, dir
	c.ClientsDir, c.KeysDir = filepath.Join(dir, "clients"), filepath.Join(dir, "keys")
	c.Issuer = "https://auth.example.org/auth/realms/esante-wallet"
	if err := os.MkdirAll(c.ClientsDir, 0o700); err != nil {
		t.Fatal(err)
	}
	extract := filepath.Join(dir, "extrait.txt")
	f, err := os.Create(extract)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(directory.WriteRestricted(f, []rpps.Professional{sandbox.Personas()[0].Person}), f.Close())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := directory.Import(t.Context(), directory.ImportOptions{
		Dir: filepath.Join(dir, "register"), Files: []string{extract}, Accept: true, Clock: clock.System{}, Log: log,
	}); err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&c)
	}
	p, err := New(t.Context(), c, Deps{Clock: clock.System{}, Rand: rand.Reader, Log: log, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p, c
}

func get(p *Provider, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec
}

func TestServesDiscoveryAtBothPaths(t *testing.T) {
	p, c := node(t, Production)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/wallet-openid-configuration"} {
		rec := get(p, "/auth/realms/esante-wallet"+path)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"issuer":"`+c.Issuer+`"`) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if rec := get(p, "/healthz"); rec.Code != http.StatusNoContent {
		t.Errorf("healthz: %d", rec.Code)
	}
}

// HA8: a configuration that could not be read, or that moves what is open,
// leaves the old one in force.
func TestHA8BrokenReloadKeepsTheOldConfiguration(t *testing.T) {
	p, c := node(t, Production)
	p.Reload(t.Context(), Config{}, fault.New(fault.Invalid, "", "unreadable"))
	moved := c
	moved.Issuer = "https://other.example.org/realm"
	p.Reload(t.Context(), moved, nil)
	if p.Config().Issuer != c.Issuer {
		t.Fatalf("issuer is %s", p.Config().Issuer)
	}
	if rec := get(p, "/auth/realms/esante-wallet/.well-known/openid-configuration"); rec.Code != http.StatusOK {
		t.Errorf("after broken reloads discovery answers %d", rec.Code)
	}
	better := c
	better.Lifetimes.AccessToken = config.Duration(time.Minute)
	p.Reload(t.Context(), better, nil)
	if p.Config().Lifetimes.AccessToken != better.Lifetimes.AccessToken {
		t.Error("a good configuration was not taken")
	}
}

// Architecture, point 14: nobody is invited by command outside a declared sandbox.
func TestAttackInvitationByCommandInProduction(t *testing.T) {
	for environment, allowed := range map[string]bool{Production: false, Sandbox: true} {
		p, _ := node(t, environment)
		_, err := serving(t, p).Invite(t.Context(), sandbox.Personas()[0].Person.ID)
		if (err == nil) != allowed {
			t.Errorf("%s: %v", environment, err)
		}
	}
}

// The socket is the owner's alone.
func TestAdminSocketIsPrivate(t *testing.T) {
	p, c := node(t, Sandbox)
	serving(t, p)
	info, err := os.Stat(c.socket())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

// serving runs the node until the test ends.
func serving(t *testing.T, p *Provider) *Admin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.ServeOn(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	admin := NewAdmin(p.Config())
	for range 1000 { // the socket appears before anything is answered
		if _, err := admin.Runtime(t.Context()); err == nil {
			break
		}
	}
	t.Cleanup(admin.http.CloseIdleConnections)
	return admin
}

func TestTracesTellWhatTheNodeDid(t *testing.T) {
	p, c := node(t, Production)
	c = c.withDefaults()
	if err := p.res.traces.Record(t.Context(), audit.AdminActed{}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(c.TracesDir, "lines", "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	body, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"service.started", "admin.acted"} {
		if !strings.Contains(string(body), `"event":"`+event+`"`) {
			t.Errorf("no %s in %s", event, body)
		}
	}
}
