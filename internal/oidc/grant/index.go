package grant

import (
	"context"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// index remembers what hangs on one key, oldest first, and never more than most:
// the logins that one browser holds open, the token families of one person at one
// service. Whoever adds one too many learns which to drop.
type index struct {
	records store.Records[listed]
	most    int
}

type listed struct {
	Open []listing `json:"open"`
}

type listing struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// add enters one and gives those that had to make room. Entries that have
// expired by the clock are forgotten first. The list lives as long as its last entry.
func (x index) add(ctx context.Context, key string, e listing, now time.Time) (dropped []string, err error) {
	life := e.Expires.Sub(now)
	for {
		err = x.records.Put(ctx, key, listed{Open: []listing{e}}, life)
		if !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		_, err = x.records.Update(ctx, key, func(l *listed) (time.Duration, error) {
			dropped = nil
			l.Open = slices.DeleteFunc(l.Open, func(o listing) bool { return !now.Before(o.Expires) })
			l.Open = append(l.Open, e)
			for len(l.Open) > x.most {
				dropped = append(dropped, l.Open[0].ID)
				l.Open = l.Open[1:]
			}
			last := slices.MaxFunc(l.Open, func(a, b listing) int { return a.Expires.Compare(b.Expires) })
			return last.Expires.Sub(now), nil
		})
		if !fault.Is(err, fault.NotFound) { // else it expired between the two calls
			return dropped, err
		}
	}
}
