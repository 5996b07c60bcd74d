package sqlite

import (
	"context"
	"sync/atomic"

	"github.com/egide-id/egide/internal/platform/store"
)

// kind is what a write does.
type kind uint8

const (
	put kind = iota
	take
	update
	remove
	housekeeping // those after it are ours and wake no housekeeping
	sweep
	markTime
)

// write is one queued request and, once done has received, its answer.
type write struct {
	kind    kind
	key     string
	value   []byte // of Put and Update; answer of Take
	ttl     int64  // milliseconds
	was     store.Version
	version store.Version // answer of Update
	expired []string      // of sweep

	state atomic.Uint32
	done  chan struct{} // capacity 1: the writer never waits for a caller
	err   error
}

// States of a write: whoever moves it out of waiting decides its fate.
const (
	waiting uint32 = iota
	claimed
	withdrawn
)

func (w *write) claim() bool    { return w.state.CompareAndSwap(waiting, claimed) }
func (w *write) withdraw() bool { return w.state.CompareAndSwap(waiting, withdrawn) }

func newWrite(k kind) *write { return &write{kind: k, done: make(chan struct{}, 1)} }

// fail replaces whatever was decided inside a transaction that did not commit.
func (w *write) fail(cause error) {
	w.err, w.value, w.version = unavailable(cause), nil, 0
}

// do queues a write and waits for its answer.
//
// When ctx ends first, the write is withdrawn if its transaction has not begun:
// the answer Unavailable then means that nothing was or will be written. If it
// has begun, do waits for the true answer, a matter of one commit: a caller
// never believes in the failure of a write that took place.
func (s *Store) do(ctx context.Context, w *write) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	select {
	case s.queue <- w:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-s.closing:
		return unavailable(errClosed)
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		if w.withdraw() {
			return unavailable(ctx.Err())
		}
	case <-s.finished:
		// Queued just as the writer stopped: either it was taken or never will be.
		if w.withdraw() {
			return unavailable(errClosed)
		}
	}
	<-w.done
	return w.err
}
