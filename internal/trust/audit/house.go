package audit

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const summariseEvery = time.Minute

// Failure counts a vain try of somebody who has proven nothing. It never waits
// for the disk and never fails: an act is refused anyway.
func (l *Log) Failure(ctx context.Context, f Failure) {
	l.failures.add(f, OriginOf(ctx).Address)
}

// keepHouse does once a minute what nobody waits for.
func (l *Log) keepHouse() {
	ctx := context.Background()
	var purged string
	for {
		fired, release := l.o.Clock.After(summariseEvery)
		select {
		case <-l.halt:
			release()
			return
		case <-fired:
		}
		l.tellReserve(ctx)
		if err := l.summarise(ctx, l.writer.reserve.scarce()); err != nil {
			l.o.Log.ErrorContext(ctx, "failures could not be summarised", slog.String("error", err.Error()))
		}
		if today := l.o.Clock.Now().UTC().Format(time.DateOnly); l.o.Retention > 0 && today != purged {
			purged = today
			if _, err := l.Purge(ctx, l.o.Clock.Now().Add(-l.o.Retention)); err != nil {
				l.o.Log.ErrorContext(ctx, "old traces could not be purged", slog.String("error", err.Error()))
			}
		}
	}
}

// summarise records what was counted. Where space is scarce strangers wait: the
// counts stay in memory, which they cannot fill.
func (l *Log) summarise(ctx context.Context, scarce bool) error {
	if scarce {
		l.o.Log.WarnContext(ctx, "disk of the traces is nearly full: failures of strangers are counted but not recorded")
		return nil
	}
	var failed error
	for _, e := range l.failures.take(l.o.Clock.Now()) {
		failed = errors.Join(failed, l.Record(ctx, e))
	}
	return failed
}

// tellReserve traces that the reserve was given to the acts. The writer, which
// gave it, cannot wait for itself.
func (l *Log) tellReserve(ctx context.Context) {
	r := l.writer.reserve
	if !r.given.CompareAndSwap(true, false) {
		return
	}
	if err := l.Record(ctx, ReserveReleased{Bytes: r.bytes}); err != nil {
		l.o.Log.ErrorContext(ctx, "use of the reserve could not be traced", slog.String("error", err.Error()))
	}
}
