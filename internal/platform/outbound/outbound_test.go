package outbound_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

func client(t *testing.T, o outbound.Options) *outbound.Client {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// service answers like the site of a service that may be hostile.
func service(t *testing.T, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, pool
}

func TestFetchesAndPosts(t *testing.T) {
	s, pool := service(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("Accept")+string(body))
	})
	c := client(t, outbound.Options{Allow: outbound.Allow{Loopback: true}, CAs: pool})
	a, err := c.Get(t.Context(), s.URL, "application/json")
	if err != nil || a.Status != http.StatusTeapot || string(a.Body) != "GET application/json" {
		t.Errorf("%v, %d %q", err, a.Status, a.Body)
	}
	a, err = c.PostForm(t.Context(), s.URL, url.Values{"a": {"b c"}})
	if err != nil || string(a.Body) != "POST a=b+c" {
		t.Errorf("%v, %q", err, a.Body)
	}
}

// A service that answers with a redirect must not steer this server elsewhere.
func TestD8SSRFByRedirectIsNotFollowed(t *testing.T) {
	asked := 0
	s, pool := service(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/metadata", http.StatusFound)
	})
	a, err := client(t, outbound.Options{Allow: outbound.Allow{Loopback: true}, CAs: pool}).Get(t.Context(), s.URL, "*/*")
	if err != nil || a.Status != http.StatusFound || asked != 1 {
		t.Errorf("%v, %d after %d requests", err, a.Status, asked)
	}
}

func TestD8SSRFToLoopbackIsRefusedWithoutLeave(t *testing.T) {
	s, pool := service(t, func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	c := client(t, outbound.Options{CAs: pool})
	for _, address := range []string{s.URL, "https://127.0.0.1/", "http://example.invalid/", "https://[::ffff:10.0.0.1]/", "ftp://x/"} {
		if _, err := c.Get(t.Context(), address, "*/*"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", address, err)
		}
	}
	// A name that leads here passes the early look and stops at the dial.
	if _, err := c.Get(t.Context(), "https://localhost.localdomain/", "*/*"); err == nil {
		t.Error("a name led to loopback")
	}
}

func TestD8EndlessAnswerIsCut(t *testing.T) {
	s, pool := service(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 2000)) })
	c := client(t, outbound.Options{Allow: outbound.Allow{Loopback: true}, CAs: pool, MaxBody: 1999})
	if _, err := c.Get(t.Context(), s.URL, "*/*"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

// A peer that holds the line holds one slot, for as long as the clock says.
func TestD8HA6SlowPeerIsLeft(t *testing.T) {
	release, here := make(chan struct{}), make(chan struct{}, 1)
	s, pool := service(t, func(_ http.ResponseWriter, r *http.Request) {
		here <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	now := clock.NewManual(time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC))
	c := client(t, outbound.Options{Clock: now, Allow: outbound.Allow{Loopback: true}, CAs: pool, AtOnce: 1})
	failed := make(chan error, 1)
	go func() {
		_, err := c.Get(t.Context(), s.URL, "*/*")
		failed <- err
	}()
	<-here
	now.Advance(outbound.DefaultPatience)
	if err := <-failed; !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v", err)
	}
}
