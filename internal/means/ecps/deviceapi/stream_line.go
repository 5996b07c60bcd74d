package deviceapi

import (
	"bytes"
	"context"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/telemetry"
)

// line is a connection taken over from the HTTP server: of an HTTP/1.1 request
// that has been read nothing is needed any more, and what the server keeps for
// it (its buffers, the request, a deep stack) is several times what a stream is.
type line struct {
	conn net.Conn
	head []byte // of the response
}

// takeOver gives the connection of an HTTP/1 exchange, or nil: HTTP/2 goes the
// plain way, where a stream has no connection of its own. The response has no
// length and ends with the connection (RFC 9112 section 6.3, point 8).
func takeOver(w *echo.Response) *line {
	var head bytes.Buffer
	h := w.Header().Clone()
	h.Set("Date", clock.System{}.Now().Format(http.TimeFormat))
	h.Set("Connection", "close")
	head.WriteString("HTTP/1.1 200 OK\r\n")
	if err := h.Write(&head); err != nil {
		return nil
	}
	head.WriteString("\r\n")
	conn, _, err := http.NewResponseController(w.Writer).Hijack()
	if err != nil {
		return nil
	}
	w.Status, w.Committed = http.StatusOK, true
	return &line{conn: conn, head: head.Bytes()}
}

// write gives the phone ioTime to take the bytes: a slow reader is cut.
func (l *line) write(b []byte) error {
	if err := l.conn.SetWriteDeadline(clock.System{}.Now().Add(ioTime)); err != nil {
		return err
	}
	_, err := l.conn.Write(b)
	return err
}

// hangUp gives a channel that is closed when the phone has left, so that one
// that changes networks finds its place free. A phone has nothing to say here:
// whoever does is cut.
func (l *line) hangUp() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = l.conn.Read(make([]byte, 1))
	}()
	return gone
}

// detach answers with head and first event and leaves the stream to a goroutine
// whose stack is small: the handler's goes with the handler. Of the handler's
// context only the request's id stays.
func (a *API) detach(ctx context.Context, s *stream, l *line, first []byte) error {
	kept := telemetry.WithRequestID(context.Background(), telemetry.RequestID(ctx))
	hello := append(l.head, first...)
	l.head = nil
	s.out = l.write
	if err := l.write(hello); err != nil {
		a.ended(kept, err)
		s.close()
		return l.conn.Close()
	}
	s.gone = l.hangUp()
	go func() {
		a.ended(kept, a.follow(kept, s))
		s.close()
		_ = l.conn.Close() // it may have been cut
		<-s.gone
	}()
	return nil
}
