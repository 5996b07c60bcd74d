// Package sqlite keeps short-lived state in one embedded file: the default
// backend, for one machine and no server.
//
// One goroutine writes. It gathers the writes that wait into one transaction
// and answers each after the commit, so that many callers share the price of
// one (group commit). Reads go beside it on connections of their own (WAL).
// Checkpoints and the sweep of expired rows run in the background: inside the
// writer they would hold everybody up for 40 ms (storage.md, section 1).
//
// What survives: with synchronous=NORMAL an acknowledged write survives the
// death of the process at any instant (kill -9); a power cut may lose the last
// moments before it, never the order or the soundness of the file.
package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Options is what Open needs; all are required.
type Options struct {
	Path  string
	Clock clock.Clock
	Log   *slog.Logger
}

// Store is an open file. Safe for concurrent use; other processes may have the
// same file open.
type Store struct {
	path  string
	log   *slog.Logger
	clock clock.Clock
	time  timeline

	queue   chan *write
	written chan struct{} // holds one token when housekeeping has work
	idle    chan *reader
	readers int // opened; Close collects as many
	keeper  *keeper

	closing  chan struct{} // closed first: no new work
	finished chan struct{} // closed when the writer has answered all it took
	keeping  sync.WaitGroup
	close    func() error
}

var _ store.KV = (*Store)(nil)

// Open opens or creates the file, readable by its owner only, and starts the
// writer and housekeeping, which Close stops. ctx concerns the opening only.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		path: o.Path, log: o.Log, clock: o.Clock,
		queue:    make(chan *write, maxBatch),
		written:  make(chan struct{}, 1),
		idle:     make(chan *reader, readerCount),
		closing:  make(chan struct{}),
		finished: make(chan struct{}),
	}
	s.close = sync.OnceValue(s.shutDown)
	w, err := s.openAll(ctx)
	if err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, "", "state store cannot be opened", err), s.closeConns())
	}
	go w.run()
	s.keeping.Go(s.keeper.run)
	return s, nil
}

func (s *Store) openAll(ctx context.Context) (*writer, error) {
	if err := private(s.path); err != nil {
		return nil, err
	}
	w := &writer{store: s}
	if err := w.open(); err != nil {
		return nil, err
	}
	if err := s.openRest(w); err != nil {
		return nil, errors.Join(err, w.conn.Close())
	}
	return w, ctx.Err()
}

func (s *Store) openRest(w *writer) (err error) {
	if s.time, err = newTimeline(s.clock, w.conn); err != nil {
		return err
	}
	for range readerCount {
		r, err := openReader(s.path)
		if err != nil {
			return err
		}
		s.readers++
		s.idle <- r
	}
	s.keeper, err = openKeeper(s)
	return err
}

// Close refuses new work, finishes accepted work and releases the file.
func (s *Store) Close() error { return s.close() }

func (s *Store) shutDown() error {
	close(s.closing)
	<-s.finished
	s.keeping.Wait()
	return s.closeConns()
}

// closeConns waits for running reads: each holds its connection.
func (s *Store) closeConns() error {
	var errs []error
	for range s.readers {
		errs = append(errs, (<-s.idle).conn.Close())
	}
	if s.keeper != nil && s.keeper.conn != nil {
		errs = append(errs, s.keeper.conn.Close())
	}
	return errors.Join(errs...)
}

// private creates the file for its owner alone; SQLite gives its log the same mode.
func private(path string) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

var errClosed = errors.New("store is closed")

func unavailable(err error) error {
	return fault.Wrap(fault.Unavailable, "", "state store cannot confirm", err)
}
