package courier

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// Received is a letter in an inbox.
type Received struct {
	Channel Channel
	To      string
	Subject string
	Body    string
	At      time.Time
}

// Inbox keeps the last letters in memory, for demonstrations and tests: nothing leaves.
type Inbox struct {
	clock clock.Clock
	mu    sync.Mutex
	kept  []Received
	more  chan struct{} // closed by the next letter
}

const inboxSize = 200

// NewInbox makes one.
func NewInbox(c clock.Clock) *Inbox { return &Inbox{clock: c, more: make(chan struct{})} }

// Sender gives the inbox's end of a channel.
func (i *Inbox) Sender(c Channel) Sender { return slot{i, c} }

// Messages gives what came, newest last.
func (i *Inbox) Messages() []Received {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.kept)
}

// Wait gives the first letter that match accepts, among those kept and those to
// come. Errors: ctx's, when none came.
func (i *Inbox) Wait(ctx context.Context, match func(Received) bool) (Received, error) {
	for {
		i.mu.Lock()
		at, more := slices.IndexFunc(i.kept, match), i.more
		var found Received
		if at >= 0 {
			found = i.kept[at]
		}
		i.mu.Unlock()
		if at >= 0 {
			return found, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Received{}, ctx.Err()
		}
	}
}

type slot struct {
	inbox   *Inbox
	channel Channel
}

// Idempotent implements Sender: what is kept in memory is gone with its process.
func (slot) Idempotent() bool { return true }

// Send implements Sender.
func (s slot) Send(_ context.Context, o Outgoing) error {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	s.inbox.kept = append(s.inbox.kept, Received{Channel: s.channel, To: o.To, Subject: o.Subject, Body: o.Body, At: s.inbox.clock.Now()})
	close(s.inbox.more)
	s.inbox.more = make(chan struct{})
	if extra := len(s.inbox.kept) - inboxSize; extra > 0 {
		s.inbox.kept = slices.Delete(s.inbox.kept, 0, extra)
	}
	return nil
}
