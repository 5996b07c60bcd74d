package demo

import (
	"crypto/rand"
	"log/slog"
	"net"
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
