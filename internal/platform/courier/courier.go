// Package courier writes to people: mail by SMTP, messages by an HTTP gateway,
// from an outbox in the durable database.
//
// A letter is entered once under its name and handed over at most once. A worker
// that dies while handing over leaves a letter of which nobody knows whether it
// left; it becomes "unsure" and is not sent again by itself, because a second
// secret in a mailbox is worse than one that must be asked for again. A sender
// that recognises a repetition by the letter's name (a gateway that honours
// Idempotency-Key, GatewayOptions.OnceUnderOneKey) gets it again.
package courier

import (
	"context"
	"time"
)

// Channel is how a letter travels.
type Channel string

// The channels.
const (
	Mail Channel = "mail"
	SMS  Channel = "sms"
)

// Message is one letter.
type Message struct {
	Key     string // names it for ever; at most 128 bytes
	Channel Channel
	To      string // mail address, or number in E.164
	Subject string // of a mail
	Body    string // plain text; may hold a secret
	Holder  string // whom it concerns, for support
	Kind    string // "activation", "ending", ...
	Void    bool   // takes the same way and is thrown away at its end
	Expires time.Time
}

// Outgoing is what a sender gets.
type Outgoing struct {
	Key     string `json:"key"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// Sender hands a letter over. Its error is a *Refusal when somebody said no;
// any other error is a failure that may pass.
type Sender interface {
	Send(ctx context.Context, o Outgoing) error
	// Idempotent tells that handing over the same key twice sends once.
	Idempotent() bool
}

// Refusal is a no that will not become a yes, or one that may after a while.
type Refusal struct {
	Why       string
	Permanent bool
	After     time.Duration // when to ask again, if the other side said so
	// Unsure: the letter may have left all the same.
	Unsure bool
}

// Error implements error.
func (r *Refusal) Error() string { return r.Why }

// State is where a letter stands.
type State string

// The states; all but Waiting and Handing are final.
const (
	Waiting State = "waiting"
	Handing State = "handing"
	Sent    State = "sent"
	Failed  State = "failed"  // refused for good, or too often
	Expired State = "expired" // what it says has died before it could leave
	Unsure  State = "unsure"  // it may have left
	Void    State = "void"
)

// Delivery is what support sees of a letter: never its content.
type Delivery struct {
	Channel  Channel
	Kind     string
	State    State
	To       string // masked
	At       time.Time
	DoneAt   time.Time
	Attempts int
}
