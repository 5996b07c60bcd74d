package deviceapi_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
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
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// benchStreams is the number: connections in memory, because a machine
// may allow fewer files than that.
const benchStreams = 50_000

// anyone is a register that knows everybody.
type anyone struct{}

// Lookup gives a person with that identifier.
func (anyone) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	return rpps.Professional{ID: id}, nil
}

// untraced keeps no trace: it would grow beside what is measured.
type untraced struct{}

// Record does nothing.
func (untraced) Record(context.Context, audit.Event) error { return nil }

// wire is a connection without a socket: it says one request, counts what it is
// told and keeps nothing.
type wire struct {
	say    []byte
	told   *atomic.Int64 // good answers
	closed chan struct{}
	past   chan struct{} // the deadline of the read that is under way
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	if len(w.say) > 0 {
		n := copy(b, w.say)
		if w.say = w.say[n:]; len(w.say) == 0 {
			w.say = nil
		}
		return n, nil
	}
	select {
	case <-w.closed:
		return 0, io.EOF
	case <-w.past:
		return 0, os.ErrDeadlineExceeded
	}
}

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("HTTP/1.1 200 OK\r\n")) {
		w.told.Add(1)
	}
	return len(b), nil
}

// Close implements net.Conn.
func (w *wire) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

// SetReadDeadline implements net.Conn: the server ends its own reading ahead by a
// deadline that is long past.
func (w *wire) SetReadDeadline(at time.Time) error {
	if !at.IsZero() && at.Before(clock.System{}.Now()) {
		w.past <- struct{}{}
	}
	return nil
}

// The rest of net.Conn.
func (w *wire) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (w *wire) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// wires is a listener of such connections.
type wires chan net.Conn

// Accept implements net.Listener.
func (w wires) Accept() (net.Conn, error) {
	c, ok := <-w
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements net.Listener.
func (w wires) Close() error { close(w); return nil }

// Addr implements net.Listener.
func (w wires) Addr() net.Addr { return &net.TCPAddr{} }

// BenchmarkHeldStreams opens 50,000 signed streams once and tells what the
// process holds for each of them. Run it with -benchtime 1x: it takes a minute or two.
func BenchmarkHeldStreams(b *testing.B) {
	for b.Loop() {
		holdStreams(b)
	}
}

func holdStreams(b *testing.B) {
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(b.Context(), sqlite.Options{Path: filepath.Join(b.TempDir(), "kv.db"), Clock: clock.System{}, Log: log})
	must(err)
	defer func() { must(kv.Close()) }()
	durable, err := db.Open(b.Context(), filepath.Join(b.TempDir(), "durable.db"))
	must(err)
	defer func() { must(durable.Close()) }()
	w, err := wallet.New(wallet.Deps{
		KV: kv, Bus: store.NewLocalBus(), DB: durable, Directory: anyone{}, Clock: clock.System{}, Rand: rand.Reader,
		Audit: untraced{}, Log: log, Issuer: handIssuer, Rounds: 2, Sandbox: true,
	})
	must(err)
	api, err := deviceapi.New(deviceapi.Deps{Wallet: w, Clock: clock.System{}, Log: log})
	must(err)
	e := echo.New()
	api.Mount(e.Group(wallet.BasePath))
	lines, server := make(wires), web.Server(e, log)
	go func() { _ = server.Serve(lines) }()
	before := memory()
	var told atomic.Int64
	for i := range benchStreams / 4 {
		key, id := benchPhone(b, w, i)
		for range 4 {
			lines <- &wire{say: benchCall(b, key, id), told: &told, closed: make(chan struct{}), past: make(chan struct{}, 1)}
		}
	}
	for end := (clock.System{}).Now().Add(patience); told.Load() < benchStreams; {
		if (clock.System{}).Now().After(end) {
			b.Fatalf("%d of %d streams", told.Load(), benchStreams)
		}
		tick, _ := clock.System{}.After(10 * time.Millisecond)
		<-tick
	}
	after := memory()
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/benchStreams, "live-heap-B/stream")
	b.ReportMetric((float64(after.StackInuse)-float64(before.StackInuse))/benchStreams, "stack-B/stream")
	b.ReportMetric(float64(after.Sys-after.HeapReleased)/(1<<20), "held-MB")
	api.Close()
	must(server.Close())
}

func memory() (m runtime.MemStats) {
	debug.FreeOSMemory()
	runtime.ReadMemStats(&m)
	return m
}

func benchPhone(b *testing.B, w *wallet.Wallet, i int) (*ecdsa.PrivateKey, string) {
	b.Helper()
	inv, err := w.Invite(b.Context(), rpps.MustNationalID(fmt.Sprint(899700900000+i)))
	if err != nil {
		b.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	_, pin, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	token, err := ecps.SignEnrolment(key, pin, ecps.Enrolment{V: ecps.Version, Issuer: handIssuer, Invitation: inv.Code, Rounds: 2, Time: clock.System{}.Now().Unix()})
	if err != nil {
		b.Fatal(err)
	}
	done, err := w.Enrol(b.Context(), token)
	if err != nil {
		b.Fatal(err)
	}
	return key, done.Device
}

func benchCall(b *testing.B, key *ecdsa.PrivateKey, device string) []byte {
	b.Helper()
	id, err := ecps.NewID(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	proof, err := ecps.SignCall(key, device, ecps.Call{
		V: ecps.Version, Issuer: handIssuer, Method: http.MethodGet, Path: ecps.PathEvents, Body: ecps.BodyHash(nil), Time: clock.System{}.Now().Unix(), ID: id,
	})
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Appendf(nil, "GET %s%s HTTP/1.1\r\nHost: egide.invalid\r\nAuthorization: %s %s\r\n\r\n", wallet.BasePath, ecps.PathEvents, ecps.Scheme, proof)
}
