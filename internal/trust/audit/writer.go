package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// pending is a record that waits for the disk.
type pending struct {
	rest bytes.Buffer // the line without number and time
	enc  *json.Encoder
	n    uint64
	done chan error
}

var pendings = sync.Pool{New: func() any {
	p := &pending{done: make(chan error, 1)}
	p.enc = json.NewEncoder(&p.rest)
	p.enc.SetEscapeHTML(false)
	return p
}}

const (
	maxGroup   = 1024    // records that share one sync
	maxBytes   = 1 << 20 // and their size
	allocation = 1 << 20 // blocks secured ahead of the writes
	maxStall   = 10 * time.Second
)

// writer is the one goroutine that touches the segment: it gathers whoever
// waits, writes once, syncs once, and answers all (group commit).
//
// After a failed write or sync it never touches the file again: what the kernel
// kept of it is unknown, and a second fdatasync on the same descriptor may
// answer success for pages that are lost. Every later record is refused until
// a restart has compared the file with itself and with the tree.
type writer struct {
	dir, node string
	clock     clock.Clock
	log       *slog.Logger
	open      func(path string) (file, error)
	reserve   *reserve
	queue     chan *pending

	broken  atomic.Pointer[fault.Error]
	since   atomic.Int64 // when the commit under way began, 0 if none
	buf     []byte
	file    file
	secured int64 // blocks of the segment are there up to this offset

	mu   sync.Mutex
	segs []segment // the last one is being written; sizes are durable ones
}

// run serves until the queue is closed.
func (w *writer) run() {
	group := make([]*pending, 0, maxGroup)
	for p := range w.queue {
		group = append(group[:0], p)
		size := p.rest.Len()
		for len(group) < maxGroup && size < maxBytes && len(w.queue) > 0 {
			p, ok := <-w.queue
			if !ok {
				break
			}
			group = append(group, p)
			size += p.rest.Len()
		}
		err := w.commit(group)
		for _, p := range group {
			p.done <- err
		}
	}
	if w.file != nil {
		_ = w.file.Truncate(w.last().size) // give back the blocks secured ahead
		_ = w.file.Close()
	}
}

// commit makes a group durable, or closes the log.
func (w *writer) commit(group []*pending) error {
	if err := w.refusal(); err != nil {
		return err
	}
	w.since.Store(clock.System{}.Now().UnixNano())
	defer w.since.Store(0)
	now := w.clock.Now()
	if err := w.ready(now); err != nil {
		return w.breakdown("trace segment cannot be opened", err)
	}
	seg := w.last()
	w.buf = w.buf[:0]
	for _, p := range group {
		p.n = seg.next
		w.buf = appendLine(w.buf, seg.next, now, p.rest.Bytes())
		seg.next++
	}
	w.secure(seg.size, int64(len(w.buf)))
	if _, err := w.file.Write(w.buf); err != nil {
		return w.breakdown("trace cannot be written", err)
	}
	if err := w.file.Sync(); err != nil {
		return w.breakdown("trace cannot be synced", err)
	}
	seg.size += int64(len(w.buf))
	w.mu.Lock()
	w.segs[len(w.segs)-1] = seg
	w.mu.Unlock()
	return nil
}

// ready opens the segment of the day. A clock that steps back changes nothing:
// days only follow one another.
func (w *writer) ready(now time.Time) error {
	day := now.UTC().Format(time.DateOnly)
	if w.file != nil && day <= w.last().day {
		return nil
	}
	seg := newSegment(day, w.node, 0)
	if have := w.segments(); len(have) > 0 {
		seg = have[len(have)-1]
	}
	if w.file != nil {
		if err := errors.Join(w.file.Truncate(seg.size), w.file.Close()); err != nil {
			return err
		}
		w.file = nil
	}
	fresh := len(w.segments()) == 0 || day > seg.day
	if fresh {
		seg = newSegment(day, w.node, seg.next)
	}
	f, err := w.open(filepath.Join(w.dir, linesDir, seg.name))
	if err != nil {
		return err
	}
	w.file, w.secured = f, seg.size
	if fresh {
		w.mu.Lock()
		w.segs = append(w.segs, seg)
		w.mu.Unlock()
	}
	return nil
}

// secure takes blocks before they are written, so that a full disk is met here,
// where there is still a reserve to give, and not in a write.
func (w *writer) secure(size, need int64) {
	if w.secured < 0 || size+need <= w.secured {
		return
	}
	err := w.file.Reserve(size, need+allocation)
	if full(err) && w.reserve.release() {
		w.log.ErrorContext(context.Background(), "disk full: space reserved for traces is now in use",
			slog.Int64("bytes", w.reserve.bytes))
		err = w.file.Reserve(size, need+allocation)
	}
	if full(err) {
		if w.file.Reserve(size, need) == nil {
			w.secured = size + need
		}
		return // the write will tell
	}
	if err != nil {
		w.secured = -1 // this file system cannot; the write will tell
		return
	}
	w.secured = size + need + allocation
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func (w *writer) breakdown(what string, cause error) error {
	err := fault.Wrap(fault.Unavailable, "", what, cause)
	w.broken.CompareAndSwap(nil, err)
	w.log.ErrorContext(context.Background(), "traces are closed: every act that needs one is refused until a restart",
		slog.String("error", err.Error()))
	if w.file != nil {
		_ = w.file.Close()
		w.file = nil
	}
	return err
}

// refusal tells why no record can be taken, nil if it can.
func (w *writer) refusal() error {
	if err := w.broken.Load(); err != nil {
		return fault.Wrap(fault.Unavailable, "", "traces are closed", err)
	}
	return nil
}

// stalled tells whether the disk has not answered for long: callers are refused
// at once then, instead of piling up behind it. Real time, whatever the sandbox
// does to its clock.
func (w *writer) stalled() bool {
	since := w.since.Load()
	return since != 0 && clock.System{}.Now().UnixNano()-since > int64(maxStall)
}

func (w *writer) segments() []segment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]segment(nil), w.segs...)
}

func (w *writer) last() segment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.segs[len(w.segs)-1]
}
