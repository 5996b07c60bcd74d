package wallet

import (
	"context"
	"errors"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// errEnough stops a transition that has nothing to write.
var errEnough = errors.New("nothing to write")

// ensure moves a record that may not exist yet, in two round trips either way.
// Two callers who both find none: one creates, the other moves what is there.
func ensure(ctx context.Context, r store.Records[index], id string, change func(*index) (time.Duration, error)) error {
	_, err := r.Update(ctx, id, change)
	for fault.Is(err, fault.NotFound) {
		var fresh index
		ttl, changeErr := change(&fresh)
		if changeErr != nil {
			return enough(changeErr)
		}
		if err = r.Put(ctx, id, fresh, ttl); fault.Is(err, fault.Conflict) {
			_, err = r.Update(ctx, id, change)
		}
	}
	return enough(err)
}

func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
