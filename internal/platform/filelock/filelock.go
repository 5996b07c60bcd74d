// Package filelock keeps two processes from doing the same thing to the same
// folder (architecture, point 13: one writer of truth).
//
// The lock is flock(2): it belongs to the open file, not to the process, and
// dies with it, so that a killed process never leaves a folder locked.
package filelock

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Lock is a held lock.
type Lock struct{ f *os.File }

// Try takes the lock or answers fault.Conflict at once if somebody holds it.
func Try(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "lock file cannot be opened", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "", "another process holds "+path)
		}
		return nil, fault.Wrap(fault.Unavailable, "", "folder cannot be locked", err)
	}
	return &Lock{f: f}, nil
}

// pause between two tries of Wait: short enough that nobody notices, long
// enough that waiting costs nothing.
const pause = 20 * time.Millisecond

// Wait takes the lock as soon as it is free, or gives up when ctx is done. It
// waits in real time: the holder is another process, whose clock no test moves.
func Wait(ctx context.Context, path string) (*Lock, error) {
	for {
		l, err := Try(path)
		if !fault.Is(err, fault.Conflict) {
			return l, err
		}
		fired, stop := clock.System{}.After(pause)
		select {
		case <-ctx.Done():
			stop()
			return nil, fault.Wrap(fault.Conflict, "", "another process holds "+path, ctx.Err())
		case <-fired:
		}
	}
}

// Release gives the lock back. The file stays: deleting it would let two
// processes hold locks on two files of one name.
func (l *Lock) Release() error { return l.f.Close() }
