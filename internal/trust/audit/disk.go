package audit

import (
	"errors"
	"os"
	"path/filepath"
)

// file is what the log needs of its open segment. Tests put one that fails in
// its place.
type file interface {
	Write(p []byte) (int, error)
	// Sync returns when what was written survives a loss of power.
	Sync() error
	// Reserve secures blocks for the bytes to come; the size stays.
	Reserve(offset, length int64) error
	Truncate(size int64) error
	Close() error
}

// errNoReserve: this file system cannot set blocks aside.
var errNoReserve = errors.New("no preallocation")

// osFile is a segment on disk.
type osFile struct{ *os.File }

// openFile opens a segment to append to, and makes its name durable if it is new.
func openFile(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return osFile{f}, nil
}

func (f osFile) Sync() error { return datasync(f.File) }

func (f osFile) Reserve(offset, length int64) error { return preallocate(f.File, offset, length, true) }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// writeWhole puts data under a name so that after a crash there is all of it or
// what was there before.
func writeWhole(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
