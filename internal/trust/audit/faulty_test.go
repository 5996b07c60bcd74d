package audit

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
)

// slowDisk is a real file that counts its syncs and can hold them.
type slowDisk struct {
	file
	hold    chan struct{}
	syncs   atomic.Int64
	written atomic.Int64
	synced  atomic.Int64 // writes before the last sync
}

func (d *slowDisk) open(path string) (f file, err error) {
	d.file, err = openFile(path)
	return d, err
}

func (d *slowDisk) Write(p []byte) (int, error) {
	d.written.Add(1)
	return d.file.Write(p)
}

func (d *slowDisk) Sync() error {
	if d.hold != nil {
		<-d.hold
	}
	d.syncs.Add(1)
	defer d.synced.Store(d.written.Load())
	return d.file.Sync()
}

func (d *slowDisk) pause() { runtime.Gosched() }

// brokenDisk is a real file that fails when told to.
type brokenDisk struct {
	file
	failSync  atomic.Bool
	failWrite atomic.Bool
	failSpace atomic.Int64 // Reserve calls that find no space
	calls     atomic.Int64 // writes and syncs tried
	opened    atomic.Int64
}

func (d *brokenDisk) open(path string) (f file, err error) {
	d.opened.Add(1)
	d.file, err = openFile(path)
	return d, err
}

var errDisk = errors.New("input/output error")

func (d *brokenDisk) Write(p []byte) (int, error) {
	d.calls.Add(1)
	if d.failWrite.Load() {
		n, _ := d.file.Write(p[:len(p)/2]) // torn, as a full disk does it
		return n, &os.PathError{Op: "write", Err: syscall.ENOSPC}
	}
	return d.file.Write(p)
}

func (d *brokenDisk) Sync() error {
	d.calls.Add(1)
	if d.failSync.Load() {
		return errDisk
	}
	return d.file.Sync()
}

func (d *brokenDisk) Reserve(offset, length int64) error {
	if d.failSpace.Add(-1) >= 0 {
		return syscall.ENOSPC
	}
	return d.file.Reserve(offset, length)
}
