package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
)

var doctor = rpps.MustNationalID("899700990015")

type everybody struct{}

func (everybody) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	return rpps.Professional{ID: id}, nil
}

// desk is a provider's phone side over HTTP, and a folder for a phone.
type desk struct {
	t      *testing.T
	wallet *wallet.Wallet
	dir    string
}

// newDesk serves phones; a sandbox tells them the number of the page.
func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(d.dir, "kv.db"), Clock: clock.System{}, Log: log})
	d.must(err)
	durable, err := db.Open(t.Context(), filepath.Join(d.dir, "durable.db"))
	d.must(err)
	e := echo.New()
	server := httptest.NewServer(e)
	d.wallet, err = wallet.New(wallet.Deps{
		KV: kv, Bus: store.NewLocalBus(), DB: durable, Directory: everybody{}, Clock: clock.System{}, Rand: rand.Reader,
		Audit: &audit.Memory{}, Log: log, Issuer: server.URL, Rounds: 2, Sandbox: true,
	})
	d.must(err)
	api, err := deviceapi.New(deviceapi.Deps{Wallet: d.wallet, Clock: clock.System{}, Log: log})
	d.must(err)
	api.Mount(e.Group(wallet.BasePath))
	t.Cleanup(func() {
		api.Close()
		server.Close()
		_ = kv.Close()
		_ = durable.Close()
	})
	d.must(os.WriteFile(d.file("pin"), []byte("2580\n"), 0o600))
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) file(name string) string { return filepath.Join(d.dir, name) }

// run runs the program to its end.
func (d *desk) run(in string, args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(d.t.Context(), args, streams{in: strings.NewReader(in), out: &o, err: &e})
	return code, o.String(), e.String()
}

func (d *desk) enrol() {
	d.t.Helper()
	inv, err := d.wallet.Invite(d.t.Context(), doctor)
	d.must(err)
	code, out, msg := d.run("", "enrol", "--invitation", inv.URL, "--pin-file", d.file("pin"), "--state", d.file("phone"))
	if code != 0 || !strings.Contains(out, "holder "+doctor.String()) {
		d.t.Fatal(code, out, msg)
	}
}

// watch runs `ecps watch` beside the test.
func (d *desk) watch(args ...string) {
	ctx, stop := context.WithCancel(d.t.Context())
	var log syncBuffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, append([]string{"watch", "--state", d.file("phone")}, args...), streams{in: strings.NewReader(""), out: &log, err: &log})
	}()
	d.t.Cleanup(func() {
		stop()
		if code := <-done; code != 0 {
			d.t.Errorf("watch ended with %d: %s", code, log.String())
		}
	})
}

func (d *desk) login() wallet.Pending {
	d.t.Helper()
	p, err := d.wallet.Open(d.t.Context(), wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "Démonstration", AskerKind: ecps.AskerComputer})
	d.must(err)
	p, err = d.wallet.Wait(d.t.Context(), p.ID, p)
	d.must(err)
	return p
}

func TestBehaviours(t *testing.T) {
	for behaviour, want := range map[string]wallet.State{
		"--approve": wallet.Approved, "--refuse": wallet.Refused, "--wrong-number": wallet.Refused, "--wrong-pin": wallet.Refused,
	} {
		t.Run(behaviour, func(t *testing.T) {
			d := newDesk(t)
			d.enrol()
			d.watch(behaviour, "--pin-file", d.file("pin"), "--delay", "1ms")
			if got := d.login(); got.State != want {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestShowTellsTheStateAndTheTriesLeft(t *testing.T) {
	d := newDesk(t)
	d.enrol()
	if code, out, msg := d.run("", "show", "--state", d.file("phone")); code != 0 || !strings.Contains(out, "state active\ntries_left 3") {
		t.Fatal(code, out, msg)
	}
	d.must(d.wallet.Lock(t.Context(), doctor))
	if code, out, msg := d.run("", "show", "--state", d.file("phone")); code != 0 || !strings.Contains(out, "state locked\ntries_left 0") {
		t.Fatal(code, out, msg)
	}
}

func TestEnrolNeverReplacesAPhone(t *testing.T) {
	d := newDesk(t)
	d.enrol()
	before, err := os.ReadFile(d.file("phone"))
	d.must(err)
	inv, err := d.wallet.Invite(t.Context(), doctor)
	d.must(err)
	if code, _, _ := d.run("2580\n", "enrol", "--invitation", inv.URL, "--state", d.file("phone")); code != 1 {
		t.Fatal("a phone was replaced")
	}
	after, err := os.ReadFile(d.file("phone"))
	d.must(err)
	if !bytes.Equal(before, after) {
		t.Fatal("the state changed")
	}
	info, err := os.Stat(d.file("phone"))
	d.must(err)
	if info.Mode().Perm() != 0o600 {
		t.Fatalf("state is readable to others: %v", info.Mode())
	}
}

func TestBareCodeAndTypedPIN(t *testing.T) {
	d := newDesk(t)
	inv, err := d.wallet.Invite(t.Context(), doctor)
	d.must(err)
	server, _, _ := strings.Cut(inv.URL, "#")
	code, _, msg := d.run("2580\n", "enrol", "--invitation", inv.Code, "--server", server, "--state", d.file("phone"))
	if code != 0 {
		t.Fatal(msg)
	}
}

func TestFailuresAreToldAndLeaveNothing(t *testing.T) {
	d := newDesk(t)
	inv, err := d.wallet.Invite(t.Context(), doctor)
	d.must(err)
	for name, test := range map[string]struct {
		in   string
		args []string
		code int
		says string
	}{
		"trivial PIN":     {"1234\n", []string{"enrol", "--invitation", inv.URL, "--state", d.file("x")}, 1, ecps.CodeTrivialPIN},
		"no PIN":          {"", []string{"enrol", "--invitation", inv.URL, "--state", d.file("x")}, 1, "nothing was typed"},
		"no such code":    {"2580\n", []string{"enrol", "--invitation", strings.Split(inv.URL, "#")[0] + "#" + strings.Repeat("A", 43), "--state", d.file("x")}, 1, ecps.CodeInvitation},
		"no invitation":   {"2580\n", []string{"enrol", "--invitation", "hello", "--state", d.file("x")}, 1, ecps.CodeInvitation},
		"no state":        {"", []string{"watch", "--refuse", "--state", d.file("x")}, 1, "no such file"},
		"two behaviours":  {"", []string{"watch", "--refuse", "--approve", "--state", d.file("x")}, 2, "--approve"},
		"no behaviour":    {"", []string{"watch", "--state", d.file("x")}, 2, "--approve"},
		"unknown command": {"", []string{"dance"}, 2, "dance"},
	} {
		code, _, msg := d.run(test.in, test.args...)
		if code != test.code || !strings.Contains(msg, test.says) {
			t.Errorf("%s: %d %s", name, code, msg)
		}
		if _, err := os.Stat(d.file("x")); err == nil {
			t.Errorf("%s left a state behind", name)
		}
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	d := newDesk(t)
	for _, args := range [][]string{{"--help"}, {"watch", "--help"}} {
		code, out, msg := d.run("", args...)
		if code != 0 || !strings.Contains(out, "Usage: ecps") || msg != "" {
			t.Errorf("%v: %d %q %q", args, code, out, msg)
		}
	}
}

// syncBuffer is a log that two goroutines may touch.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
