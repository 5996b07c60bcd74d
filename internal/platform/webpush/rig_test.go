package webpush_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/webpush"
	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

const calling = 10 * time.Second // longer than a call may take

type result struct {
	id string
	webpush.Outcome
}

// rig is a sender that runs, and a push service that it may reach.
type rig struct {
	*webpush.Sender
	t       testing.TB
	clock   *clock.Manual
	service *webpushtest.Service
	key     *webpush.VAPIDKey
	results chan result
	log     *lockedBuffer
	stop    func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t testing.TB, change ...func(*webpush.Options)) *rig {
	t.Helper()
	key, err := webpush.OpenKey(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, clock: clock.NewManual(start), key: key, results: make(chan result, 1<<15), log: &lockedBuffer{}}
	r.service = webpushtest.New(t, r.clock)
	o := webpush.Options{
		HTTP: r.service.Client(), Key: key, Subject: "mailto:push@exemple.invalid", Clock: r.clock, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(r.log, nil)), Allow: webpush.Allow{Loopback: true},
		Results: func(_ context.Context, id string, o webpush.Outcome) { r.results <- result{id, o} },
	}
	for _, c := range change {
		c(&o)
	}
	if r.Sender, err = webpush.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// push is one to a new browser, alive for ten minutes.
func (r *rig) push(id string) webpush.Push {
	return webpush.Push{Subscription: r.service.Subscribe(id, r.key.PublicKey()), Payload: []byte("look"), TTL: 10 * time.Minute}
}

func (r *rig) enqueue(p webpush.Push) {
	r.t.Helper()
	if !r.Enqueue(p) {
		r.t.Fatalf("push %s was not taken", p.ID)
	}
}

// expect waits for the next outcome.
func (r *rig) expect(id string, kind webpush.Kind) webpush.Outcome {
	r.t.Helper()
	got := wait(r.t, r.results)
	if got.id != id || got.Kind != kind {
		r.t.Fatalf("%s became %v, want %s %v; log:\n%s", got.id, got.Kind, id, kind, r.log)
	}
	return got.Outcome
}

func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	fired, stop := clock.System{}.After(20 * time.Second) // the network's time
	defer stop()
	select {
	case v := <-c:
		return v
	case <-fired:
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
