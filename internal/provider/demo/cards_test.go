package demo

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
)

// taken is a loopback port that somebody else holds.
func taken(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, portOf(l.Addr().String())
}

func TestWherePagesLookForABridge(t *testing.T) {
	_, port := taken(t)
	for name, c := range map[string]struct {
		o    Options
		look []int
	}{
		"its port is taken":              {Options{Addr: "127.0.0.1:8480", BridgePort: port}, []int{port}},
		"a real one is expected":         {Options{Addr: "127.0.0.1:8480", BridgePort: cps.Ports()[0], NoBridge: true}, cps.Ports()},
		"a real one on a port":           {Options{Addr: "127.0.0.1:0", BridgePort: port, NoBridge: true}, []int{port}},
		"a real one, provider on port 0": {Options{Addr: "127.0.0.1:0", NoBridge: true}, nil},
	} {
		c.o.Log = slog.New(slog.DiscardHandler)
		d := &Demo{}
		if got := d.listenBridge(t.Context(), c.o); !slices.Equal(got, c.look) || d.cards.bridge != nil {
			t.Errorf("%s: pages look at %v, want %v", name, got, c.look)
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Whoever has a bridge of his own on the ports still gets his demonstration, and
// the cards to try his reader with.
func TestWithoutABridge(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cards")
	d, err := Start(t.Context(), Options{
		Addr: "127.0.0.1:0", NoBridge: true, CardsDir: dir,
		DataDir: t.TempDir(), Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Sheet(); s.BridgePorts == nil || len(s.BridgePorts) != 0 || s.CardsURL == "" || !strings.Contains(s.bridge(), "start card-bridge") {
		t.Errorf("the sheet says %v, %s", s.BridgePorts, s.CardsURL)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 11 {
		t.Errorf("%d cards, %v", len(files), err)
	}
	for _, f := range files {
		if c, err := igc.LoadCard(filepath.Join(dir, f.Name())); err != nil || c.PIN == "" {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A named data folder keeps authority and cards: who pinned them elsewhere goes on.
func TestCardsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var before []byte
	for range 2 {
		d, err := Start(t.Context(), Options{Addr: "127.0.0.1:0", DataDir: dir, Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.cards.all.Insert("P1"); err != nil {
			t.Error(err)
		}
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
		var now []byte
		for _, file := range []string{"cards/P1.json", "card-authorities/fort-issuer.pem", "card-authorities/standard-root.pem"} {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			now = append(now, b...)
		}
		if before != nil && !slices.Equal(before, now) {
			t.Error("authority or card is another one")
		}
		before = now
	}
}

// Behind somebody's proxy the provider's public name may lead nowhere from here.
func TestBridgeReachesAProviderBehindAProxy(t *testing.T) {
	var asked []string
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.String())
		return nil, net.ErrClosed
	})
	client := &http.Client{Transport: nearby{public: "idp.example", origin: "http://127.0.0.1:8480", next: next}}
	for _, address := range []string{"https://idp.example/cps/v1/removal", "https://other.example/x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			t.Error("an answer from nowhere")
		}
	}
	if want := []string{"http://127.0.0.1:8480/cps/v1/removal", "https://other.example/x"}; !slices.Equal(asked, want) {
		t.Errorf("%v, want %v", asked, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
