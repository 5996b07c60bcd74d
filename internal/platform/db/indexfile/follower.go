package indexfile

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// checkEvery bounds how often the file's name is looked at.
const checkEvery = time.Second

// Follower keeps the newest edition of a published file open. What a caller
// derives from an edition (a cache, its figures) lives and dies with it, so
// that nothing of an old edition outlives the switch.
type Follower[T any] struct {
	options  Options
	derive   func(*File) (T, error)
	current  atomic.Pointer[edition[T]]
	nextLook atomic.Int64
	looking  sync.Mutex
	closed   atomic.Bool
}

// Options say what to follow.
type Options struct {
	Path        string
	Connections int
	Clock       clock.Clock
	Log         *slog.Logger
}

type edition[T any] struct {
	file  *File
	value T
	// holders counts users plus one for being current; at zero it closes.
	holders atomic.Int64
}

// Follow opens the present edition. Errors: fault.NotFound when none was published.
func Follow[T any](o Options, derive func(*File) (T, error)) (*Follower[T], error) {
	f := &Follower[T]{options: o, derive: derive}
	e, err := f.open()
	if err != nil {
		return nil, err
	}
	f.current.Store(e)
	f.nextLook.Store(o.Clock.Now().Add(checkEvery).UnixNano())
	return f, nil
}

func (f *Follower[T]) open() (*edition[T], error) {
	file, err := Open(f.options.Path, f.options.Connections)
	if err != nil {
		return nil, err
	}
	value, err := f.derive(file)
	if err != nil {
		if closeErr := file.Close(); closeErr != nil {
			f.options.Log.Warn("index file cannot be closed", slog.Any("error", closeErr))
		}
		return nil, err
	}
	e := &edition[T]{file: file, value: value}
	e.holders.Store(1)
	return e, nil
}

// Lease is the use of one edition; Release ends it. Until then the edition
// stays open, whatever is published meanwhile.
type Lease[T any] struct {
	File     *File
	Value    T
	follower *Follower[T]
	edition  *edition[T]
}

// Release gives the edition back.
func (l Lease[T]) Release() { l.follower.release(l.edition) }

// Acquire gives the newest edition; the caller must release it.
func (f *Follower[T]) Acquire(ctx context.Context) (Lease[T], error) {
	f.look(ctx)
	for !f.closed.Load() {
		e := f.current.Load()
		if n := e.holders.Load(); n > 0 && e.holders.CompareAndSwap(n, n+1) {
			return Lease[T]{File: e.file, Value: e.value, follower: f, edition: e}, nil
		}
	}
	return Lease[T]{}, fault.New(fault.Unavailable, "", "index is closed")
}

func (f *Follower[T]) release(e *edition[T]) {
	if e.holders.Add(-1) > 0 {
		return
	}
	if err := e.file.Close(); err != nil {
		f.options.Log.Warn("index file cannot be closed", slog.Any("error", err))
	}
}

// look switches to a newer edition if there is one. One caller a second does
// it; the others go on with what is open. A new file that cannot be opened
// leaves the old one in service.
func (f *Follower[T]) look(ctx context.Context) {
	now := f.options.Clock.Now().UnixNano()
	if now < f.nextLook.Load() || !f.looking.TryLock() {
		return
	}
	defer f.looking.Unlock()
	if f.closed.Load() {
		return
	}
	f.nextLook.Store(now + int64(checkEvery))
	old := f.current.Load()
	info, err := os.Stat(f.options.Path)
	if err == nil && os.SameFile(info, old.file.Info()) {
		return
	}
	var next *edition[T]
	if err == nil {
		next, err = f.open()
	}
	if err != nil {
		f.options.Log.WarnContext(ctx, "newer index file cannot be opened; the old one stays in service", slog.Any("error", err))
		return
	}
	f.current.Store(next)
	f.release(old)
}

// Close releases the current edition; users under way finish first.
func (f *Follower[T]) Close() error {
	f.looking.Lock()
	defer f.looking.Unlock()
	if f.closed.CompareAndSwap(false, true) {
		f.release(f.current.Load())
	}
	return nil
}
