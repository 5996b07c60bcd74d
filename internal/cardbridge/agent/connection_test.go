package agent_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/means/cps"
)

// impatient connections take a deadline in the future for one that has almost
// come, and remember the last that was set.
type impatient struct {
	net.Conn
	at *deadline
}

type deadline struct {
	mu    sync.Mutex
	spans []time.Duration // 0 is none
	hurry bool
}

func (c impatient) SetReadDeadline(at time.Time) error {
	c.at.mu.Lock()
	defer c.at.mu.Unlock()
	ahead := time.Until(at)
	if at.IsZero() {
		ahead = 0
	}
	c.at.spans = append(c.at.spans, ahead)
	if c.at.hurry && ahead > time.Second {
		at = time.Now().Add(50 * time.Millisecond)
	}
	return c.Conn.SetReadDeadline(at)
}

func (d *deadline) last() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spans[len(d.spans)-1]
}

// again serves a second port, whose connections are impatient.
func (b *bed) again(hurry bool) *deadline {
	b.Helper()
	b.stop()
	d := &deadline{hurry: hurry}
	l, err := agent.Listen(b.Context(), 0)
	must(b.T, err)
	l.Through(func(c net.Conn) net.Conn { return impatient{c, d} })
	b.agent, err = agent.New(b.agent.Options)
	must(b.T, err)
	b.port = l.Port
	b.serve(l)
	return d
}

// raw opens a connection and writes to it.
func (b *bed) raw(text string) net.Conn {
	b.Helper()
	c, err := new(net.Dialer).DialContext(b.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(b.port))
	must(b.T, err)
	b.Cleanup(func() { _ = c.Close() }) // it may be closed already
	must(b.T, c.SetDeadline(time.Now().Add(soon)))
	_, err = io.WriteString(c, text)
	must(b.T, err)
	return c
}

func (b *bed) head(length int) string {
	return fmt.Sprintf("POST /v1/authenticate HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: %s\r\nContent-Type: application/json\r\nX-Card-Bridge: 1\r\nContent-Length: %d\r\n\r\n",
		b.port, b.provider.origin, length)
}

// A body that trickles in ends with the server's deadline, and keeps nobody out.
func TestSlowBody(t *testing.T) {
	b := newBed(t)
	b.again(true)
	slow := b.raw(b.head(1000) + `{"protocol":`)
	answer, err := io.ReadAll(slow) // until the server gives up
	must(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), string(cps.RequestInvalid)) {
		t.Errorf("%q", answer)
	}
	b.windows(0)
}

func TestSlowHeader(t *testing.T) {
	b := newBed(t)
	b.again(true)
	slow := b.raw("POST /v1/authenticate HTTP/1.1\r\nHost: ")
	if answer, err := io.ReadAll(slow); err != nil || strings.Contains(string(answer), "200") {
		t.Errorf("%q, %v", answer, err)
	}
}

// A body that stops short is no request, whatever it says so far.
func TestBodyCutShort(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	c := b.raw(b.head(len(asked(token))+1) + asked(token))
	must(t, c.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(c)
	must(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("%q", answer)
	}
	b.windows(0)
}

// The deadline is for the page's request; the holder has longer to type.
func TestReadDeadlineIsNotTheHolders(t *testing.T) {
	b := newBed(t)
	d := b.again(false)
	opened, _ := b.holder.hesitates()
	_, token := b.challenge()
	pending := b.later(b.request(http.MethodPost, "/v1/authenticate", asked(token)))
	wait(t, opened, "window")
	if ahead := d.last(); ahead != 0 {
		t.Errorf("the connection ends in %s", ahead)
	}
	d.mu.Lock()
	first := d.spans[0]
	d.mu.Unlock()
	if first <= 0 || first > 10*time.Second {
		t.Errorf("a request may take %s to come in", first)
	}
	b.stop()
	wait(t, pending, "answer")
}

// Two bodies in one request, for who reads one and who reads the other.
func TestAmbiguousLength(t *testing.T) {
	b := newBed(t)
	_, token := b.challenge()
	both := strings.Replace(b.head(len(asked(token))), "Content-Length", "Transfer-Encoding: chunked\r\nContent-Length", 1)
	c := b.raw(both + asked(token))
	must(t, c.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(c)
	must(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("%q", answer)
	}
	b.windows(0)
}

func TestOnlyLoopbackListens(t *testing.T) {
	b := newBed(t)
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", "127.0.0.2:"+strconv.Itoa(b.port)); err == nil {
		_ = c.Close() // the test has failed already
		t.Error("another address answers")
	}
}

// Another program on the first port: the second is taken, and none left is told.
func TestPortsInOrder(t *testing.T) {
	first, err := agent.Listen(t.Context(), 0)
	must(t, err)
	second, err := agent.Listen(t.Context(), first.Port, 0)
	must(t, err)
	if second.Port == first.Port || second.Port == 0 {
		t.Errorf("port %d twice", second.Port)
	}
	if _, err := agent.Listen(t.Context(), first.Port, second.Port); err == nil {
		t.Error("a port was taken from another program")
	}
	must(t, first.Close())
	must(t, second.Close())
}
