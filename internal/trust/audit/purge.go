package audit

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Purge deletes the days that ended before an instant and tells how many
// records went (PG-66). The event that says so is durable, integrated and under
// a signed checkpoint before the first file goes: without it the same deletion
// is a fault. What remains of a purged record is its salted hash in the tree, so
// that every later proof still holds.
//
// Days are deleted from the oldest on and never the one being written.
func (l *Log) Purge(ctx context.Context, before time.Time) (uint64, error) {
	l.purging.Lock()
	defer l.purging.Unlock()
	day := before.UTC().Format(time.DateOnly)
	segs := l.writer.segments()
	old := 0
	for old < len(segs)-1 && segs[old].day < day {
		old++
	}
	if old == 0 {
		return 0, nil
	}
	kept := segs[old]
	n, err := l.record(ctx, TracesPurged{Before: kept.first, Day: kept.day})
	if err != nil {
		return 0, err
	}
	if err := l.covered(ctx, n); err != nil {
		return 0, err
	}
	return kept.first - segs[0].first, l.drop(ctx, segs[:old])
}

// covered waits until a signed checkpoint covers a record.
func (l *Log) covered(ctx context.Context, n uint64) error {
	l.hurry.Store(true) // even on a full disk: a purge is what frees it
	defer l.hurry.Store(false)
	for {
		size, err := l.tree.published(ctx)
		if err != nil || size > n {
			return err
		}
		fired, release := clock.System{}.After(publishEvery / 10)
		select {
		case <-fired:
		case <-ctx.Done():
			release()
			return fault.Wrap(fault.Unavailable, "", "the purge is not yet provable", ctx.Err())
		case <-l.halt:
			release()
			return fault.New(fault.Unavailable, "", "traces are closed")
		}
	}
}

func (l *Log) drop(ctx context.Context, segs []segment) error {
	for _, seg := range segs {
		if err := os.Remove(filepath.Join(l.o.Dir, linesDir, seg.name)); err != nil {
			return fault.Wrap(fault.Unavailable, "", "old traces cannot be deleted", err)
		}
		l.writer.forget(seg)
		l.o.Log.InfoContext(ctx, "old traces purged", slog.String("file", seg.name), slog.Uint64("records", seg.next-seg.first))
	}
	if err := syncDir(filepath.Join(l.o.Dir, linesDir)); err != nil {
		return fault.Wrap(fault.Unavailable, "", "old traces cannot be deleted", err)
	}
	return nil
}

// forget takes a deleted segment off the list.
func (w *writer) forget(gone segment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, seg := range w.segs {
		if seg.name == gone.name {
			w.segs = append(w.segs[:i:i], w.segs[i+1:]...)
			return
		}
	}
}
