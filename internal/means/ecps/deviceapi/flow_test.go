package deviceapi_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
)

type decider = func(ecps.Request) device.Decision

func approve(r ecps.Request) device.Decision {
	return device.Decision{Do: device.Approve, Number: r.Number, PIN: rightPIN}
}

func TestWatchingPhoneAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		decide decider
		want   wallet.State
		reason string
	}{
		"approve": {approve, wallet.Approved, ""},
		"refuse":  {func(ecps.Request) device.Decision { return device.Decision{Do: device.Refuse} }, wallet.Refused, ecps.CodeRefused},
		"wrong number": {func(r ecps.Request) device.Decision {
			d := approve(r)
			if d.Number = "17"; r.Number == "17" {
				d.Number = "18"
			}
			return d
		}, wallet.Refused, ecps.CodeWrongNumber},
		"wrong PIN": {func(r ecps.Request) device.Decision {
			d := approve(r)
			d.PIN = badPIN
			return d
		}, wallet.Refused, ecps.CodeRefused}, // locked, which only a known browser is told
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			h.watch(h.phone(device.Options{}), test.decide)
			got := h.end(h.ask())
			if got.State != test.want || got.Reason != test.reason {
				t.Fatalf("%+v", got)
			}
		})
	}
}

// Three wrong PINs are asked for one by one, each with the tries left.
func TestWatchingPhoneAsksAgainAfterAWrongPIN(t *testing.T) {
	h := newHouse(t, nil)
	var mu sync.Mutex
	var left []int
	h.watch(h.phone(device.Options{}), func(r ecps.Request) device.Decision {
		mu.Lock()
		defer mu.Unlock()
		left = append(left, r.TriesLeft)
		d := approve(r)
		if len(left) < 3 {
			d.PIN = badPIN
		}
		return d
	})
	if got := h.end(h.ask()); got.State != wallet.Approved {
		t.Fatalf("%+v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(left) != 3 || left[0] != 3 || left[1] != 2 || left[2] != 1 {
		t.Fatal(left)
	}
}

// breakStreams is a proxy that answers streams in its own way.
func breakStreams(how http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ecps.PathEvents) {
				how(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func TestPhoneFallsBackToLongPolls(t *testing.T) {
	for name, how := range map[string]http.HandlerFunc{
		"forbidden": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no streams here", http.StatusForbidden) },
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<p>please log in to the hospital network</p>"))
		},
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, breakStreams(how))
			h.watch(h.phone(device.Options{}), approve)
			if got := h.end(h.ask()); got.State != wallet.Approved {
				t.Fatalf("%+v", got)
			}
		})
	}
}

// The answer arrives, its receipt does not: the phone finds out and is neither
// locked nor taken for a copy.
func TestLostReceiptIsMended(t *testing.T) {
	lost := false
	h := newHouse(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/answer") && !lost {
				lost = true
				next.ServeHTTP(discard{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	})
	h.watch(h.phone(device.Options{}), approve)
	for range 2 {
		if got := h.end(h.ask()); got.State != wallet.Approved {
			t.Fatalf("%+v", got)
		}
	}
	if !lost {
		t.Fatal("no receipt was lost")
	}
}

// discard is a response that goes nowhere.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// A locked phone stays on the line and answers again once the lock is lifted.
func TestPhoneOutlivesItsLock(t *testing.T) {
	h := newHouse(t, nil)
	var clumsy atomic.Bool
	clumsy.Store(true)
	h.watch(h.phone(device.Options{}), func(r ecps.Request) device.Decision {
		d := approve(r)
		if clumsy.Load() {
			d.PIN = badPIN
		}
		return d
	})
	if got := h.end(h.ask()); got.State != wallet.Refused {
		t.Fatalf("%+v", got)
	}
	clumsy.Store(false)
	if p := h.ask(); p.State != wallet.Open {
		t.Fatalf("%+v", p)
	}
	h.must(h.wallet.Forget(h.ctx, doctor))
	if got := h.end(h.ask()); got.State != wallet.Approved {
		t.Fatalf("%+v", got)
	}
}

// The phone comes back from its file and goes on with its ratchet.
func TestPhoneSurvivesARestart(t *testing.T) {
	h := newHouse(t, nil)
	var saved []byte
	keep := device.Options{Save: func(b []byte) error { saved = b; return nil }}
	h.phone(keep)
	for range 3 {
		p, err := device.Load(h.client, saved, keep)
		h.must(err)
		pending := h.ask()
		list, err := p.Waiting(h.ctx)
		h.must(err)
		_, err = p.Approve(h.ctx, list.Requests[0], pending.Number, rightPIN)
		h.must(err)
	}
}

// Whoever finds the phone must not be able to try PINs against what it keeps.
func TestStateHoldsNothingToTryAPINAgainst(t *testing.T) {
	h := newHouse(t, nil)
	p := h.phone(device.Options{})
	b, err := p.State()
	h.must(err)
	want := []string{`"v"`, `"base"`, `"iss"`, `"device"`, `"holder"`, `"key"`, `"secret"`, `"rounds"`, `"ratchets"`, `"expires_at"`}
	for _, name := range want {
		if !strings.Contains(string(b), name+":") {
			t.Errorf("state lacks %s", name)
		}
	}
	if got := strings.Count(string(b), `": `); got != len(want) {
		t.Errorf("state has %d members, the list of what a phone may keep has %d: look twice at the new one", got, len(want))
	}
	for _, e := range []string{rightPIN} {
		if strings.Contains(string(b), `"`+e+`"`) {
			t.Error("state holds the PIN")
		}
	}
}

func TestTrivialPINNeverLeavesThePhone(t *testing.T) {
	h := newHouse(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	})
	_, err := device.Enrol(h.ctx, h.client, h.server.URL+wallet.BasePath+"#code", "1234", device.Options{})
	if err == nil || !strings.Contains(err.Error(), ecps.CodeTrivialPIN) {
		t.Fatal(err)
	}
}

// A phone whose clock is an hour off mends it by the provider's.
func TestWrongClockIsMended(t *testing.T) {
	h := newHouse(t, nil)
	var saved []byte
	o := device.Options{
		Clock: clock.NewManual(clock.System{}.Now().Add(time.Hour)), Save: func(b []byte) error { saved = b; return nil },
	}
	h.phone(o)
	p, err := device.Load(h.client, saved, o)
	h.must(err)
	pending := h.ask()
	list, err := p.Waiting(h.ctx)
	h.must(err)
	_, err = p.Approve(h.ctx, list.Requests[0], pending.Number, rightPIN)
	h.must(err)
	p, err = device.Load(h.client, saved, o)
	h.must(err)
	h.watch(p, approve)
	if got := h.end(h.ask()); got.State != wallet.Approved {
		t.Fatalf("%+v", got)
	}
}
