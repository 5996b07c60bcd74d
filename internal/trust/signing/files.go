package signing

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	lockName     = "lock"
	manifestName = "keys.json"
	newPattern   = ".new-*"
)

// secureDir makes the folder, or refuses one that others may enter: a key that
// a neighbour can read is nobody's signature. One that holds no key yet has
// nothing to give away, and is closed instead.
func secureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, "", "key folder cannot be made", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "key folder cannot be read", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, manifestName)); !errors.Is(err, os.ErrNotExist) {
		return fault.New(fault.Invalid, "", "key folder "+dir+" is open to others: chmod 700")
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return fault.Wrap(fault.Unavailable, "", "key folder cannot be closed to others", err)
	}
	return nil
}

// readSecret reads a file that only its owner may touch. It checks the open
// file, not the name, so that nobody swaps one for the other in between.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "key file cannot be read", err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "key file cannot be read", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Invalid, "", "key file "+path+" is open to others: chmod 600")
	}
	if info.Size() > maxKeyFile {
		return nil, fault.New(fault.Invalid, "", "key file "+path+" is too large")
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "key file cannot be read", err)
	}
	return data, nil
}

const maxKeyFile = 1 << 20

// writeSecret puts data under name so that after a crash there is the old file
// or the new one, whole.
func writeSecret(dir, name string, data []byte) error {
	err := func() error {
		f, err := os.CreateTemp(dir, newPattern) // created 0600
		if err != nil {
			return err
		}
		defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
		_, err = f.Write(data)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
			return err
		}
		return syncDir(dir)
	}()
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "key file cannot be written", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remove deletes a key file; one that is gone already is no error.
func remove(dir, name string) error {
	err := os.Remove(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Unavailable, "", "key file cannot be removed", err)
	}
	return nil
}
