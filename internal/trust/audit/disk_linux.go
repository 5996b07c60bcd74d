package audit

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync is fsync without the times of the file, which nobody needs.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// preallocate secures blocks; keep leaves the size of the file as it is.
func preallocate(f *os.File, offset, length int64, keep bool) error {
	var mode uint32
	if keep {
		mode = unix.FALLOC_FL_KEEP_SIZE
	}
	for {
		err := unix.Fallocate(int(f.Fd()), mode, offset, length)
		switch {
		case errors.Is(err, unix.EINTR):
		case err == nil, errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
			return err
		default:
			return errNoReserve
		}
	}
}
