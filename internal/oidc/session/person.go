package session

import (
	"context"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// maxHeld bounds the list of one person's sessions. Who opens more loses the
// oldest from the list, not from the reach of his epoch, which ends them too.
const maxHeld = 128

// held is the list of a person's sessions, the newest last: what must be found
// by holder hangs on an index record (architecture, point 4).
type held struct {
	Sessions []entry `json:"sessions"`
}

type entry struct {
	SID  string    `json:"sid"`
	Ends time.Time `json:"ends"` // absolute end
}

// enter puts a session on its person's list. It goes before the session itself:
// a session that "end everything" does not find must never have a cookie.
func (s *Sessions) enter(ctx context.Context, v Session) error {
	for {
		_, err := s.people.Update(ctx, v.Auth.Sub, func(h *held) (time.Duration, error) {
			h.put(entry{SID: v.SID, Ends: v.Ends}, s.clock.Now())
			return s.absolute, nil
		})
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		err = s.people.Put(ctx, v.Auth.Sub, held{Sessions: []entry{{SID: v.SID, Ends: v.Ends}}}, s.absolute)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// put enters or moves one session and forgets those that are over.
func (h *held) put(e entry, now time.Time) {
	h.Sessions = slices.DeleteFunc(h.Sessions, func(o entry) bool { return o.SID == e.SID || !now.Before(o.Ends) })
	if over := len(h.Sessions) + 1 - maxHeld; over > 0 {
		h.Sessions = slices.Delete(h.Sessions, 0, over)
	}
	h.Sessions = append(h.Sessions, e)
}

// Of gives the live sessions of a person, by his sub, the newest first.
// Errors: fault.Unavailable.
func (s *Sessions) Of(ctx context.Context, sub string) ([]Session, error) {
	h, err := s.people.Get(ctx, sub)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var live []Session
	for _, e := range slices.Backward(h.Sessions) {
		v, err := s.BySID(ctx, e.SID)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		live = append(live, v)
	}
	return live, nil
}
