package deviceapi_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	rightPIN = "2580"
	badPIN   = "7391"
)

var doctor = rpps.MustNationalID("899700990015")

// register knows one doctor.
type register struct{}

func (register) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	if id != doctor {
		return rpps.Professional{}, fault.New(fault.NotFound, "PF-ID-002", "no such person")
	}
	return rpps.Professional{ID: doctor}, nil
}

// house is a provider's phone side, served over HTTP, and one phone.
type house struct {
	t      *testing.T
	ctx    context.Context
	wallet *wallet.Wallet
	api    *deviceapi.API
	trace  *audit.Memory
	server *httptest.Server
	client *http.Client
}

// newHouse serves the API; between, if given, stands as a proxy would.
func newHouse(t *testing.T, between func(http.Handler) http.Handler) *house {
	t.Helper()
	h := &house{t: t, ctx: t.Context(), trace: &audit.Memory{}}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(h.ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "kv.db"), Clock: clock.System{}, Log: log})
	h.must(err)
	durable, err := db.Open(h.ctx, filepath.Join(t.TempDir(), "durable.db"))
	h.must(err)
	e := echo.New()
	var handler http.Handler = e
	if between != nil {
		handler = between(handler)
	}
	h.server = httptest.NewServer(handler)
	h.client = &http.Client{Transport: &http.Transport{}}
	h.wallet, err = wallet.New(wallet.Deps{
		KV: kv, Bus: store.NewLocalBus(), DB: durable, Directory: register{}, Clock: clock.System{}, Rand: rand.Reader,
		Audit: h.trace, Log: log, Issuer: h.server.URL + "/auth/realms/esante-wallet", Rounds: 2, Sandbox: true,
	})
	h.must(err)
	h.api, err = deviceapi.New(deviceapi.Deps{Wallet: h.wallet, Clock: clock.System{}, Log: log, Failures: h.trace.Failure})
	h.must(err)
	h.api.Mount(e.Group(wallet.BasePath))
	t.Cleanup(func() {
		h.api.Close()
		h.client.CloseIdleConnections()
		h.server.Close()
		_ = kv.Close()
		_ = durable.Close()
	})
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) phone(o device.Options) *device.Phone {
	h.t.Helper()
	inv, err := h.wallet.Invite(h.ctx, doctor)
	h.must(err)
	p, err := device.Enrol(h.ctx, h.client, inv.URL, rightPIN, o)
	h.must(err)
	return p
}

func (h *house) ask() wallet.Pending {
	h.t.Helper()
	p, err := h.wallet.Open(h.ctx, wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "Dossier de démonstration", AskerKind: "computer"})
	h.must(err)
	return p
}

// end waits for the request to leave the state open.
func (h *house) end(p wallet.Pending) wallet.Pending {
	h.t.Helper()
	got, err := h.wallet.Wait(h.ctx, p.ID, p)
	h.must(err)
	return got
}

// watch runs a phone until the test ends.
func (h *house) watch(p *device.Phone, decide decider) {
	ctx, stop := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- p.Watch(ctx, decide) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}
