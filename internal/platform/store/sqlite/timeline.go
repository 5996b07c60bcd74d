package sqlite

import (
	"time"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/egide-id/egide/internal/platform/clock"
)

// timeline measures expiry by time that passed, not by what the wall says:
// between two readings the clock's monotonic part counts, so an administrator
// or NTP who sets the wall back does not revive a consumed code or a jti
// (HA7). Across restarts it goes on from the latest instant the file knows.
type timeline struct {
	clock clock.Clock
	start time.Time
	base  int64
}

func newTimeline(c clock.Clock, db *conn) (timeline, error) {
	latest, err := sqlitex.ResultInt64(db.Prep(`SELECT value FROM meta WHERE name = 'time'`))
	if err != nil {
		return timeline{}, err
	}
	start := c.Now()
	return timeline{clock: c, start: start, base: max(latest, start.UnixMilli())}, nil
}

// now is the present in milliseconds.
func (t timeline) now() int64 {
	return t.base + t.clock.Now().Sub(t.start).Milliseconds()
}

// millis rounds up: a value never lives shorter than was asked.
func millis(ttl time.Duration) int64 {
	return int64((ttl + time.Millisecond - 1) / time.Millisecond)
}
