package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real Redis of the system's packages, alone on a unix socket.
type server struct {
	socket string
	args   []string
	cmd    *exec.Cmd
}

func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("EGIDE_TEST_REQUIRE") == "1" {
			t.Fatal("redis-server is not installed, and this run may skip nothing")
		}
		t.Skip("SKIPPED: redis-server is not installed; the Redis backend is not tested")
	}
	// Not t.TempDir: the path of a socket holds 107 bytes.
	dir, err := os.MkdirTemp("", "egide-redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &server{socket: filepath.Join(dir, "s")}
	s.args = append([]string{
		binary, "--port", "0", "--unixsocket", s.socket, "--unixsocketperm", "700", "--dir", dir, "--save", "", "--appendonly", "no",
	}, args...)
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), "ready to accept connections") {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("redis-server did not start: %s", said.String())
		}
	}
}

// kill ends our own child, without a chance to say good-bye.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) open(t *testing.T, prefix string) *Store {
	t.Helper()
	kv, err := Open(t.Context(), Options{Addr: s.socket, Prefix: prefix, Log: slog.New(slog.DiscardHandler), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

// advance shortens the life of every key: the server's own clock cannot be moved.
func advance(t *testing.T, s *Store, d time.Duration) {
	t.Helper()
	ctx := context.Background()
	keys, err := s.client.Keys(ctx, s.prefix+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		left, err := s.client.PTTL(ctx, k).Result()
		if err == nil && left > 0 {
			// A few milliseconds have really passed; the tests count in seconds.
			err = s.client.PExpire(ctx, k, (left - d).Round(time.Second)).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStoreKeepsThePromise(t *testing.T) {
	s := startServer(t)
	n := 0
	storetest.Run(t, func(t *testing.T) storetest.Backend {
		n++
		prefix := fmt.Sprintf("t%d", n)
		first := s.open(t, prefix)
		return storetest.Backend{
			Nodes:   []store.KV{first, s.open(t, prefix)},
			Advance: func(d time.Duration) { advance(t, first, d) },
		}
	})
}

func TestBusKeepsThePromise(t *testing.T) {
	s := startServer(t)
	storetest.RunBus(t, func(t *testing.T) []store.Bus {
		return []store.Bus{s.open(t, "bus"), s.open(t, "bus")}
	})
}

func TestServerThatEvictsIsRefused(t *testing.T) {
	s := startServer(t, "--maxmemory-policy", "allkeys-lru")
	_, err := Open(t.Context(), Options{Addr: s.socket, Log: slog.New(slog.DiscardHandler), Rand: rand.Reader})
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("got %v", err)
	}
}

// A server that is gone never confirms: no write is believed, no replay
// accepted (D3). When it is back the same store serves again.
func TestD3ServerGoneFailsClosedAndComesBack(t *testing.T) {
	s := startServer(t)
	kv := s.open(t, "")
	ctx := t.Context()
	if err := kv.Put(ctx, "k", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	item, err := kv.Get(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	s.kill()
	for name, act := range map[string]func() error{
		"put":     func() error { return kv.Put(ctx, "new", nil, time.Hour) },
		"get":     func() error { _, err := kv.Get(ctx, "k"); return err },
		"take":    func() error { _, err := kv.Take(ctx, "k"); return err },
		"update":  func() error { _, err := kv.Update(ctx, "k", item.Version, nil, time.Hour); return err },
		"delete":  func() error { return kv.Delete(ctx, "k") },
		"publish": func() error { return kv.Publish(ctx, "t", nil) },
	} {
		if err := act(); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
	s.start(t)
	if err := errors.Join(kv.Put(ctx, "back", nil, time.Hour), kv.Delete(ctx, "back")); err != nil {
		t.Fatalf("after the server came back: %v", err)
	}
}

// After the server was gone, waiters hear of things again by themselves.
func TestBusComesBackAfterTheServer(t *testing.T) {
	s := startServer(t)
	here, there := s.open(t, ""), s.open(t, "")
	messages, cancel, err := here.Subscribe(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	s.kill()
	s.start(t)
	for range 200 { // ten seconds
		// Lost while nobody is connected: a bus is best effort.
		_ = there.Publish(t.Context(), "t", []byte("again"))
		retry, stop := clock.System{}.After(50 * time.Millisecond)
		select {
		case <-messages:
			stop()
			return
		case <-retry:
		}
	}
	t.Fatal("the bus stays deaf")
}

// A caller who goes away in the middle hears what really happened.
func TestCancelledCallerHearsTheTruth(t *testing.T) {
	kv := startServer(t).open(t, "")
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		key := fmt.Sprintf("k:%d", i)
		told := kv.Put(ctx, key, nil, time.Hour)
		_, found := kv.Get(t.Context(), key)
		if (told == nil) != (found == nil) {
			t.Fatalf("told %v, but the server says %v", told, found)
		}
	}
}

// Whoever can publish into the channel must not crash a node.
func TestMalformedBusMessageIsDropped(t *testing.T) {
	s := startServer(t)
	kv := s.open(t, "")
	messages, cancel, err := kv.Subscribe(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	for _, bad := range []string{"", "\xff", "\x05ab", strings.Repeat("\xff", 20)} {
		if err := kv.client.Publish(t.Context(), kv.bus.channel, bad).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Publish(t.Context(), "t", []byte("good")); err != nil {
		t.Fatal(err)
	}
	if got := <-messages; string(got) != "good" {
		t.Fatalf("got %q", got)
	}
}
