//go:build unix

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// fillDisk runs in a child, under a limit on the size of its files that stands
// for a full disk, and says what happened.
func fillDisk(s *Store) {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	if err := errors.Join(s.Put(ctx, "code", []byte("precious"), time.Hour), limitFiles(1<<20)); err != nil {
		fmt.Println("error", err)
		return
	}
	n, err := 0, error(nil)
	for value := make([]byte, 4096); err == nil && n < 10_000; n++ {
		err = s.Put(ctx, fmt.Sprintf("fill:%d", n), value, time.Hour)
	}
	n-- // the last one was refused
	fmt.Println("put:", fault.KindOf(err))
	fmt.Println("not a byte more:", limitFiles(100))
	_, err = s.Take(ctx, "code")
	fmt.Println("take:", fault.KindOf(err))
	_, err = s.Get(ctx, fmt.Sprintf("fill:%d", n))
	fmt.Println("refused key:", fault.KindOf(err))

	fmt.Println("space again:", limitFiles(1<<40))
	fmt.Println("put:", s.Put(ctx, "after", nil, time.Hour))
	lost := 0
	for i := range n {
		if _, err := s.Get(ctx, fmt.Sprintf("fill:%d", i)); err != nil {
			lost++
		}
	}
	fmt.Println("lost:", lost)
	v, err := s.Take(ctx, "code")
	fmt.Println("taken:", string(v), err)
	_, err = s.Take(ctx, "code")
	fmt.Println("taken twice:", fault.KindOf(err))
	fmt.Println("close:", s.Close())
}

func limitFiles(bytes uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = min(bytes, l.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

// A full disk refuses writes with Unavailable, consumes nothing, loses nothing,
// and the store serves again once there is room.
func TestHA5FullDiskFailsClosedAndRecovers(t *testing.T) {
	cmd, out := spawn(t, "full", filepath.Join(t.TempDir(), "state.db"))
	said, err := io.ReadAll(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"put: unavailable", "not a byte more: <nil>", "take: unavailable", "refused key: not_found",
		"space again: <nil>", "put: <nil>", "lost: 0", "taken: precious <nil>", "taken twice: not_found", "close: <nil>", "",
	}, "\n")
	if string(said) != want {
		t.Fatalf("got\n%s\nwant\n%s", said, want)
	}
}
