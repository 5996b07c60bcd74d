//go:build !linux

package audit

import "os"

func datasync(f *os.File) error { return f.Sync() }

func preallocate(*os.File, int64, int64, bool) error { return errNoReserve }
