package web_test

import (
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/web"
)

func TestServerBoundsEveryWaitAndTheHeaders(t *testing.T) {
	s := web.Server(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("an open-ended limit: %+v", s)
	}
}

// A long poll that lifted its deadlines answers although both have passed.
func TestKeepOpenOutlivesTheDeadlines(t *testing.T) {
	var s *http.Server
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = web.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := web.KeepOpen(w); err != nil {
			t.Error(err)
		}
		// A silent connection opened now is cut by the deadline that this request,
		// which is older, has lifted.
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
		if r.Context().Err() != nil {
			t.Error("the deadline cancelled the request")
		}
		w.WriteHeader(http.StatusNoContent)
	}), slog.New(slog.DiscardHandler))
	s.ReadTimeout, s.WriteTimeout, s.ReadHeaderTimeout = 50*time.Millisecond, 50*time.Millisecond, 0
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	defer func() { _ = s.Close(); <-done }()
	r, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", r.StatusCode)
	}
}
