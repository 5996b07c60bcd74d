package audit

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/egide-id/egide/internal/platform/fault"
)

// reserve is space kept for real acts: a file of blocks that nobody uses,
// deleted the moment the disk is full. From then on strangers' summaries and
// the Merkle log wait, and what is left belongs to the acts of professionals.
type reserve struct {
	path  string
	bytes int64
	held  atomic.Bool
	given atomic.Bool // released and not yet traced
}

const reserveName = "reserve"

// newReserve sets the space aside, or says why not: a full disk at start must
// not keep a hospital from logging in, only be known.
func newReserve(dir string, bytes int64) (*reserve, error) {
	r := &reserve{path: filepath.Join(dir, reserveName), bytes: bytes}
	return r, r.hold()
}

func (r *reserve) hold() error {
	if r.bytes <= 0 || r.held.Load() {
		return nil
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "no space can be reserved for traces", err)
	}
	err = preallocate(f, 0, r.bytes, false)
	if errors.Is(err, errNoReserve) {
		err = fill(f, r.bytes)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fault.Wrap(fault.Unavailable, "", "no space can be reserved for traces", err), os.Remove(r.path))
	}
	r.held.Store(true)
	return nil
}

// fill takes the space on file systems without preallocation.
func fill(f *os.File, bytes int64) error {
	block := make([]byte, 1<<20)
	for at := int64(0); at < bytes; at += int64(len(block)) {
		if _, err := f.WriteAt(block[:min(bytes-at, int64(len(block)))], at); err != nil {
			return err
		}
	}
	return nil
}

// release gives the space to the acts; it tells whether there was any.
func (r *reserve) release() bool {
	if !r.held.CompareAndSwap(true, false) {
		return false
	}
	r.given.Store(true)
	return os.Remove(r.path) == nil
}

// used tells whether the reserve was given to the acts.
func (r *reserve) used() bool { return r.bytes > 0 && !r.held.Load() }

// scarce tells whether strangers must wait: the reserve is in use, or the disk
// has less left than the reserve is worth. Where there is space again the
// reserve is taken again.
func (r *reserve) scarce() bool {
	if r.bytes <= 0 {
		return false
	}
	var fs unix.Statfs_t
	if unix.Statfs(filepath.Dir(r.path), &fs) != nil {
		return !r.held.Load()
	}
	free := int64(fs.Bavail) * int64(fs.Bsize) //nolint:gosec // sizes of a disk fit
	if !r.held.Load() && free > 3*r.bytes {
		return r.hold() != nil
	}
	return !r.held.Load() || free < r.bytes
}
