package cards

import (
	"context"
	"slices"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// opened lists the sessions that a card has opened and that may still live.
type opened struct {
	Sessions []openedSession `json:"sessions"`
}

type openedSession struct {
	SID  string    `json:"sid"`
	Ends time.Time `json:"ends"`
}

// maxOpened bounds the record; nobody logs in that often within the life of a
// session, and who does is refused rather than forgotten.
const maxOpened = 256

// remember notes a session of the card before it can be used.
func (c *Cards) remember(ctx context.Context, number, sid string) error {
	now := c.Clock.Now()
	entry := openedSession{SID: sid, Ends: now.Add(c.SessionLife)}
	key := hash(number)
	for range 3 { // the record may expire between the two calls
		err := c.opened.Put(ctx, key, opened{Sessions: []openedSession{entry}}, c.SessionLife)
		if !fault.Is(err, fault.Conflict) {
			return err
		}
		_, err = c.opened.Update(ctx, key, func(o *opened) (time.Duration, error) {
			o.Sessions = slices.DeleteFunc(o.Sessions, func(s openedSession) bool { return !now.Before(s.Ends) || s.SID == sid })
			if len(o.Sessions) >= maxOpened {
				return 0, fault.New(fault.Unavailable, "", "too many sessions of one card")
			}
			o.Sessions = append(o.Sessions, entry)
			return c.SessionLife, nil
		})
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "", "the sessions of the card cannot be noted")
}

// Sessions gives the sessions that the card has opened, oldest first; some may
// have ended since.
func (c *Cards) Sessions(ctx context.Context, number string) ([]string, error) {
	o, err := c.opened.Get(ctx, hash(number))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, len(o.Sessions))
	for _, s := range o.Sessions {
		list = append(list, s.SID)
	}
	return list, nil
}
