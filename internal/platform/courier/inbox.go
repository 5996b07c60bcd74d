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
}

const inboxSize = 200

// NewInbox makes one.
func NewInbox(c clock.Clock) *Inbox { return &Inbox{clock: c} }

// Sender gives the inbox's end of a channel.
func (i *Inbox) Sender(c Channel) Sender { return slot{i, c} }

// Messages gives what came, newest last.
func (i *Inbox) Messages() []Received {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.kept)
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
	if extra := len(s.inbox.kept) - inboxSize; extra > 0 {
		s.inbox.kept = slices.Delete(s.inbox.kept, 0, extra)
	}
	return nil
}
