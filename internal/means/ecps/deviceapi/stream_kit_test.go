package deviceapi_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// station serves streams under a clock that the test moves, and counts what
// they cost.
type station struct {
	*hand
	wallet *wallet.Wallet
	api    *deviceapi.API
	server *httptest.Server
	bus    *lossyBus
	asked  atomic.Int64 // calls of the store and the register
	armed  atomic.Int64 // timers that streams wait for
}

// lossyBus loses what is published while deaf.
type lossyBus struct {
	store.Bus
	deaf atomic.Bool
}

// Publish implements store.Bus.
func (b *lossyBus) Publish(ctx context.Context, topic string, payload []byte) error {
	if b.deaf.Load() {
		return nil
	}
	return b.Bus.Publish(ctx, topic, payload)
}

// countedKV counts reads.
type countedKV struct {
	store.KV
	asked *atomic.Int64
}

// Get implements store.KV.
func (k countedKV) Get(ctx context.Context, key string) (store.Item, error) {
	k.asked.Add(1)
	return k.KV.Get(ctx, key)
}

// countedRegister counts lookups: each look of a stream makes at least one.
type countedRegister struct{ asked *atomic.Int64 }

// Lookup gives the one doctor.
func (c countedRegister) Lookup(ctx context.Context, id rpps.NationalID) (rpps.Professional, error) {
	c.asked.Add(1)
	return register{}.Lookup(ctx, id)
}

// armedClock tells how many wait for it, so that a test moves it only then.
type armedClock struct {
	*clock.Manual
	armed *atomic.Int64
}

// After implements clock.Clock.
func (c armedClock) After(d time.Duration) (<-chan time.Time, func()) {
	fired, stop := c.Manual.After(d)
	c.armed.Add(1)
	return fired, func() {
		stop()
		c.armed.Add(-1)
	}
}

// newStation serves the API; on may change the server before it starts.
func newStation(t *testing.T, on func(*httptest.Server)) *station {
	t.Helper()
	s := &station{bus: &lossyBus{Bus: store.NewLocalBus()}}
	s.hand = &hand{t: t}
	moved, log := clock.NewManual(clock.System{}.Now()), slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "kv.db"), Clock: clock.System{}, Log: log})
	s.must(err)
	durable, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "durable.db"))
	s.must(err)
	ticking := armedClock{moved, &s.armed}
	s.wallet, err = wallet.New(wallet.Deps{
		KV: countedKV{kv, &s.asked}, Bus: s.bus, DB: durable, Directory: countedRegister{&s.asked}, Clock: ticking, Rand: rand.Reader,
		Audit: &audit.Memory{}, Log: log, Issuer: handIssuer, Rounds: 2, Sandbox: true,
	})
	s.must(err)
	s.hand = newHand(t, s.wallet, moved)
	s.api, err = deviceapi.New(deviceapi.Deps{Wallet: s.wallet, Clock: ticking, Log: log})
	s.must(err)
	e := echo.New()
	s.api.Mount(e.Group(wallet.BasePath))
	s.server = httptest.NewUnstartedServer(e)
	if on != nil {
		on(s.server)
	}
	if s.server.EnableHTTP2 {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	t.Cleanup(func() {
		s.api.Close()
		s.server.Close()
		s.until("streams to end", func() bool { return s.armed.Load() == 0 })
		_ = kv.Close()
		_ = durable.Close()
	})
	return s
}

// proof signs the call for events.
func (s *station) proof() string {
	s.t.Helper()
	id, err := ecps.NewID(rand.Reader)
	s.must(err)
	proof, err := ecps.SignCall(s.key, s.done.Device, ecps.Call{
		V: ecps.Version, Issuer: handIssuer, Method: http.MethodGet, Path: ecps.PathEvents, Body: ecps.BodyHash(nil), Time: s.clock.Now().Unix(), ID: id,
	})
	s.must(err)
	return ecps.Scheme + " " + proof
}

// ear is one raw connection that asked for events.
type ear struct {
	s      *station
	conn   net.Conn
	in     *bufio.Reader
	status string
	head   string
}

// dial asks for events over a connection of its own and reads the head.
func (s *station) dial() *ear {
	s.t.Helper()
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.server.Listener.Addr().String())
	s.must(err)
	s.t.Cleanup(func() { _ = conn.Close() })
	s.must(conn.SetReadDeadline(clock.System{}.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "GET %s%s HTTP/1.1\r\nHost: egide.invalid\r\nAuthorization: %s\r\n\r\n", wallet.BasePath, ecps.PathEvents, s.proof())
	s.must(err)
	e := &ear{s: s, conn: conn, in: bufio.NewReader(conn)}
	e.status = e.line()
	for l := e.line(); l != ""; l = e.line() {
		e.head += l + "\n"
	}
	return e
}

// listen is dial for a stream that must be given; it swallows the first list.
func (s *station) listen() *ear {
	s.t.Helper()
	e := s.dial()
	if e.status != "HTTP/1.1 200 OK" {
		s.t.Fatal(e.status)
	}
	e.wants("event: requests", `"requests":[]`)
	return e
}

func (e *ear) line() string {
	e.s.t.Helper()
	l, err := e.in.ReadString('\n')
	e.s.must(err)
	return strings.TrimRight(l, "\r\n")
}

// event reads to the next empty line.
func (e *ear) event() string {
	e.s.t.Helper()
	all := ""
	for l := e.line(); l != ""; l = e.line() {
		all += l + "\n"
	}
	return all
}

// wants reads one event that must hold all parts.
func (e *ear) wants(parts ...string) {
	e.s.t.Helper()
	got := e.event()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			e.s.t.Fatalf("event %q lacks %q", got, p)
		}
	}
}

// ends reads to the end of the connection.
func (e *ear) ends() {
	e.s.t.Helper()
	for {
		_, err := e.in.ReadString('\n')
		if n, ok := err.(net.Error); ok && n.Timeout() { //nolint:errorlint // as net gives it
			e.s.t.Fatal("the connection stays")
		}
		if err != nil {
			return
		}
	}
}

// until waits for what must become true.
func (s *station) until(what string, ready func() bool) {
	s.t.Helper()
	for end := (clock.System{}).Now().Add(patience); !ready(); {
		if (clock.System{}).Now().After(end) {
			s.t.Fatalf("no %s", what)
		}
		tick, _ := clock.System{}.After(time.Millisecond)
		<-tick
	}
}

// pass moves the clock once n streams wait for it.
func (s *station) pass(n int64, d time.Duration) {
	s.t.Helper()
	s.until("streams that wait", func() bool { return s.armed.Load() == n })
	s.clock.Advance(d)
}

func (s *station) ask() wallet.Pending {
	s.t.Helper()
	p, err := s.wallet.Open(s.t.Context(), wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "Dossier de démonstration", AskerKind: "computer"})
	s.must(err)
	return p
}
