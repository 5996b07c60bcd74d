package deviceapi_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
)

// 50,000 idle phones must cost the database nothing.
func TestKeepAliveAsksNeitherStoreNorRegister(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	before := s.asked.Load()
	for range 2 {
		s.pass(1, 15*time.Second)
		e.wants(": still here")
	}
	if n := s.asked.Load() - before; n != 0 {
		t.Errorf("%d calls for two comments", n)
	}
}

// What happens on the bus reaches the phone while the clock stands still: a
// request, its end, a freeze.
func TestWokenStreamTellsAtOnce(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	p := s.ask()
	e.wants(p.ID)
	s.must(s.wallet.Cancel(t.Context(), p.ID))
	e.wants(`"requests":[]`)
	for range wallet.MaxPINFailures {
		s.guess(s.wallet, badPIN)
	}
	e.wants(`"obstacle":"` + ecps.CodeLocked)
}

func TestLostWakeUpIsFoundByTheSafetyLook(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	s.bus.deaf.Store(true)
	p := s.ask()
	for range 4 { // within a minute
		s.pass(1, 15*time.Second)
		if strings.Contains(e.event(), p.ID) {
			return
		}
	}
	t.Error("the request was not found within a minute")
}

// A stolen phone that opens streams without end gets four; those of a phone that
// left are free at once.
func TestStreamsOfOnePhoneAreFour(t *testing.T) {
	s := newStation(t, nil)
	var ears []*ear
	for range 4 {
		ears = append(ears, s.listen())
	}
	if fifth := s.dial(); fifth.status != "HTTP/1.1 503 Service Unavailable" {
		t.Fatal(fifth.status)
	}
	s.must(ears[0].conn.Close())
	s.until("free place", func() bool { return s.dial().status == "HTTP/1.1 200 OK" })
}

func TestCloseEndsEveryStream(t *testing.T) {
	s := newStation(t, nil)
	ears := []*ear{s.listen(), s.listen(), s.listen(), s.listen()}
	s.api.Close()
	for _, e := range ears {
		e.ends()
	}
}

// A stream ends within five minutes, so that the phone proves its key again.
func TestStreamEndsByItself(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	s.pass(1, 5*time.Minute)
	e.ends()
}

// Whoever sends anything on a stream (a smuggled second request) is cut, and
// what he sent is answered by nobody.
func TestRequestSmuggledBehindAStreamIsNotServed(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	_, err := e.conn.Write([]byte("GET /ecps/v1/parameters HTTP/1.1\r\nHost: egide.invalid\r\n\r\n"))
	s.must(err)
	e.ends()
}

// The head of a taken-over connection is a whole HTTP/1.1 response.
func TestHeadOfAStream(t *testing.T) {
	s := newStation(t, nil)
	e := s.listen()
	for _, want := range []string{"Content-Type: text/event-stream\n", "Connection: close\n", "Cache-Control: no-store\n", "Date: ", "X-Accel-Buffering: no\n"} {
		if !strings.Contains(e.head, want) {
			t.Errorf("head lacks %q:\n%s", want, e.head)
		}
	}
	if strings.Contains(e.head, "Content-Length") || strings.Contains(e.head, "Transfer-Encoding") {
		t.Errorf("a length was promised:\n%s", e.head)
	}
}

// full is a connection whose peer reads no more once stuck: a write fails at its
// deadline, and hangs for good where none was set.
type full struct {
	net.Conn
	stuck    *atomic.Bool
	deadline atomic.Int64 // seconds since 1970
	closed   chan struct{}
	once     sync.Once
}

// SetDeadline implements net.Conn: the server lifts its own when it gives the
// connection away.
func (f *full) SetDeadline(at time.Time) error {
	f.deadline.Store(at.Unix())
	return f.Conn.SetDeadline(at)
}

// SetWriteDeadline implements net.Conn.
func (f *full) SetWriteDeadline(at time.Time) error {
	f.deadline.Store(at.Unix())
	return f.Conn.SetWriteDeadline(at)
}

// Close implements net.Conn.
func (f *full) Close() error {
	f.once.Do(func() { close(f.closed) })
	return f.Conn.Close()
}

// Write implements net.Conn.
func (f *full) Write(b []byte) (int, error) {
	if !f.stuck.Load() {
		return f.Conn.Write(b)
	}
	left := f.deadline.Load() - clock.System{}.Now().Unix()
	if left < 0 || left > 10 {
		<-f.closed
		return 0, net.ErrClosed
	}
	return 0, os.ErrDeadlineExceeded
}

// fullListener gives such connections.
type fullListener struct {
	net.Listener
	stuck atomic.Bool
}

// Accept implements net.Listener.
func (l *fullListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &full{Conn: c, stuck: &l.stuck, closed: make(chan struct{})}, nil
}

// A phone that stops reading holds its place for one deadline, no longer.
func TestSlowReaderIsCut(t *testing.T) {
	var l *fullListener
	s := newStation(t, func(h *httptest.Server) {
		l = &fullListener{Listener: h.Listener}
		h.Listener = l
	})
	e := s.listen()
	l.stuck.Store(true)
	s.ask()
	e.ends()
	l.stuck.Store(false)
	for range 4 {
		if e := s.dial(); e.status != "HTTP/1.1 200 OK" {
			t.Fatalf("its place is still taken: %s", e.status)
		}
	}
}

// HTTP/2 has no connection to take over: the same stream in the plain way.
func TestStreamOverHTTP2(t *testing.T) {
	s := newStation(t, func(h *httptest.Server) { h.EnableHTTP2 = true })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+wallet.BasePath+ecps.PathEvents, http.NoBody)
	s.must(err)
	req.Header.Set("Authorization", s.proof())
	res, err := s.server.Client().Do(req)
	s.must(err)
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK {
		t.Fatal(res.Proto, res.Status)
	}
	defer func() { _ = res.Body.Close() }()
	e := &ear{s: s, in: bufio.NewReader(res.Body)}
	e.wants(`"requests":[]`)
	s.pass(1, 15*time.Second)
	e.wants(": still here")
	p := s.ask()
	e.wants(p.ID)
	s.api.Close()
	if _, err := e.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the stream stays", err)
	}
}
