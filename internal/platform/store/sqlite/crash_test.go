package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// childOf names, in the environment of a child process, what it shall do.
const childOf = "EGIDE_STORE_CHILD"

// child turns this test binary into a process that may be killed.
func child() {
	mode, path, ok := strings.Cut(os.Getenv(childOf), ":")
	if !ok {
		return
	}
	s, err := Open(context.Background(), Options{Path: path, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	switch mode {
	case "crash":
		work(s)
	case "count":
		count(s)
	case "full":
		fillDisk(s)
	}
	os.Exit(0)
}

func spawn(t *testing.T, mode, path string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+mode+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// work puts and takes as fast as it can and says aloud what was acknowledged.
func work(s *Store) {
	var (
		done sync.WaitGroup
		mu   sync.Mutex
	)
	say := func(words ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(words...) // one write(2) a line: what is printed is out, kill or not
	}
	ctx, run := context.Background(), rand.Uint64()
	for g := range 8 {
		done.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("code:%d-%d-%d", run, g, i)
				if err := s.Put(ctx, key, []byte(key), time.Hour); err != nil {
					say("error", err)
					return
				}
				say("put", key)
				if i%2 == 0 {
					continue
				}
				say("taking", key)
				if _, err := s.Take(ctx, key); err != nil {
					say("error", err)
					return
				}
				say("taken", key)
			}
		})
	}
	done.Wait()
}

// kill -9 at random instants: what was acknowledged is there, and what was
// consumed never comes back.
func TestHA5KilledProcessLosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	total := 0
	for range 5 {
		cmd, out := spawn(t, "crash", path)
		put, taking, taken := map[string]bool{}, map[string]bool{}, map[string]bool{}
		stopAt := 200 + rand.IntN(2000)
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			what, key, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "put":
				put[key] = true
			case "taking":
				taking[key] = true
			case "taken":
				taken[key] = true
			default:
				t.Fatal(lines.Text())
			}
			if n == stopAt {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed: it has no exit code to check
		verifyAfterKill(t, path, put, taking, taken)
		total += len(put)
	}
	t.Logf("%d acknowledged writes over 5 kills", total)
}

func verifyAfterKill(t *testing.T, path string, put, taking, taken map[string]bool) {
	t.Helper()
	s := openAt(t, path, clock.System{})
	for key := range put {
		item, err := s.Get(t.Context(), key)
		switch {
		case taken[key]:
			if !fault.Is(err, fault.NotFound) {
				t.Fatalf("consumed key %s is back: %v", key, err)
			}
		case taking[key]: // died in between: either is right
		case err != nil || string(item.Value) != key:
			t.Fatalf("acknowledged key %s is lost: %v", key, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

const increments = 150

// count adds to a counter that other processes add to as well.
func count(s *Store) {
	ctx := context.Background()
	for n := 0; n < increments; {
		item, err := s.Get(ctx, "counter")
		if err == nil {
			was, _ := strconv.Atoi(string(item.Value)) // only numbers are ever written
			_, err = s.Update(ctx, "counter", item.Version, []byte(strconv.Itoa(was+1)), time.Hour)
		}
		switch {
		case err == nil:
			n++
		case !fault.Is(err, fault.Conflict):
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
}

func TestTwoProcessesShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path, clock.System{})
	if err := s.Put(t.Context(), "counter", []byte("0"), time.Hour); err != nil {
		t.Fatal(err)
	}
	first, said1 := spawn(t, "count", path)
	second, said2 := spawn(t, "count", path)
	for _, p := range []struct {
		cmd  *exec.Cmd
		said io.Reader
	}{{first, said1}, {second, said2}} {
		said, err := io.ReadAll(p.said)
		if err := errors.Join(err, p.cmd.Wait()); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
	}
	item, err := s.Get(t.Context(), "counter")
	if err != nil || string(item.Value) != strconv.Itoa(2*increments) {
		t.Fatalf("counted to %s: %v", item.Value, err)
	}
}
