package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/signing"
)

const (
	compareEvery = 2 * time.Second
	accordLife   = time.Minute      // of what a node said, after it stopped saying it
	accordRenew  = 20 * time.Second // so often it is said again
	behindFor    = 10 * time.Second // how long a node may lag: a network folder is not seen at once
)

// held is what the nodes of one store hold as their keys.
type held struct {
	signing.Standing

	Names string    `json:"names"` // fingerprint of the pairwise salt
	At    time.Time `json:"at"`
}

// accord compares this node's key folder with that of the nodes it shares the
// store with. A service may send any request to any node: two folders would mean
// tokens that half of the nodes refuse, and a dropped key that lives on.
type accord struct {
	records store.Records[held]
	keys    *signing.Keys
	names   string
	clock   clock.Clock
	log     *slog.Logger

	mu    sync.Mutex
	err   error
	since time.Time // of err
}

func newAccord(r *resources, d Deps) (*accord, error) {
	salt, err := r.names.Fingerprint()
	if err != nil {
		return nil, err
	}
	return &accord{
		records: store.NewRecords[held](r.kv, "keys"), keys: r.keys, names: base64.RawURLEncoding.EncodeToString(salt), clock: d.Clock, log: d.Log,
	}, nil
}

// errAgreed leaves the record as it is.
var errAgreed error = fault.New(fault.Conflict, "", "nothing to write")

// compare looks at what the others hold, and says what this node holds. Errors:
// fault.Conflict when their folder is another one, fault.Unavailable when this
// node lags behind or the store cannot tell.
func (a *accord) compare(ctx context.Context) error {
	mine := held{Standing: a.keys.Standing(), Names: a.names, At: a.clock.Now()}
	_, err := a.records.Update(ctx, "held", func(theirs *held) (time.Duration, error) {
		if err := mine.against(*theirs); err != nil {
			return 0, err
		}
		if theirs.Revision == mine.Revision && mine.At.Sub(theirs.At).Abs() < accordRenew {
			return 0, errAgreed
		}
		*theirs = mine
		return accordLife, nil
	})
	switch {
	case errors.Is(err, errAgreed):
		return nil
	case fault.Is(err, fault.NotFound):
		if err = a.records.Put(ctx, "held", mine, accordLife); fault.Is(err, fault.Conflict) {
			return nil // another node was first: the next look compares
		}
	}
	return err
}

func (h held) against(theirs held) error {
	switch {
	case h.Folder != theirs.Folder || h.Names != theirs.Names:
		return fault.New(fault.Conflict, "", "the nodes that share the store have another key folder: share one, or wait a minute after they stopped")
	case h.Revision < theirs.Revision:
		return fault.New(fault.Unavailable, "", "the key folder is older than that of another node: it is a copy, or is not seen in time")
	case h.Revision == theirs.Revision && h.Digest != theirs.Digest:
		return fault.New(fault.Conflict, "", "two copies of the key folder went separate ways: share one")
	}
	return nil
}

// watch compares until ctx ends.
func (a *accord) watch(ctx context.Context) {
	for {
		a.note(ctx, a.compare(ctx))
		again, stop := a.clock.After(compareEvery)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-again:
		}
	}
}

// note keeps the outcome. A store that cannot be asked says nothing about keys;
// its own check tells of it.
func (a *accord) note(ctx context.Context, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && a.err == nil {
		a.since = a.clock.Now()
		a.log.ErrorContext(ctx, "this node's keys are not those of the others", slog.Any("error", err))
	}
	a.err = err
}

// healthy tells whether this node may answer: at once not with another folder,
// after a while not when it lags behind.
func (a *accord) healthy() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if fault.Is(a.err, fault.Unavailable) && a.clock.Now().Sub(a.since) < behindFor {
		return nil
	}
	return a.err
}
