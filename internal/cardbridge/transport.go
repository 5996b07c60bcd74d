// Package cardbridge is the local agent that lets a login page ask a card in a
// reader of this computer (cps-card.md sections 4, 7 and 8). It stands apart
// from the provider and shares with it the protocol of means/cps alone.
package cardbridge

import (
	"context"
)

// Transport is a way to cards: pcsc (a real reader through PC/SC) or softcard
// (the emulator in this process).
//
// Errors: fault.NotFound with CodeNoReader or CodeNoCard, fault.Conflict with
// CodeBusy (another program holds the card), fault.Unavailable (no service).
type Transport interface {
	// Readers lists the readers and what stands in them, without touching a card.
	Readers(ctx context.Context) ([]Reader, error)
	// Connect opens the card in a reader for exclusive use: one transaction from
	// here to Close.
	Connect(ctx context.Context, reader string) (Card, error)
	// Changed returns when a reader or card has come or gone since seen was
	// listed, or when ctx ends.
	Changed(ctx context.Context, seen []Reader) error
}

// Reader is one reader as listed.
type Reader struct {
	Name   string
	State  State
	ATR    []byte // answer to reset, empty without a card
	PINPad bool   // the reader verifies the PIN itself (PC/SC part 10), where that is known before Connect
	Stay   uint64 // changes whenever a card is put in or taken out: the same card may be back
}

// State is what stands in a reader, in the words of the protocol.
type State string

// The states.
const (
	Empty   State = "empty"
	Present State = "present"
	Mute    State = "mute" // a card that does not answer: wrong way round, or damaged
	Busy    State = "busy" // another program holds it exclusively
)

// Card is an open card. Exactly one caller uses it.
type Card interface {
	ATR() []byte
	// T0 tells that the protocol is T=0: 61xx and 6Cxx reach the caller.
	T0() bool
	// Transmit exchanges one APDU; the answer ends with the two status bytes.
	// Errors: fault.NotFound with CodeCardRemoved, fault.Conflict when the card
	// was reset by another program, fault.Unavailable.
	Transmit(ctx context.Context, command []byte) ([]byte, error)
	// PINPad tells that the reader verifies the PIN itself.
	PINPad() bool
	// VerifyOnPad lets the reader collect and send the PIN (PC/SC part 10):
	// template is the VERIFY command with a placeholder. fault.Unavailable
	// without a PIN pad.
	VerifyOnPad(ctx context.Context, template []byte, minLen, maxLen int) (sw []byte, err error)
	// Reconnect resets the card after another program did, and opens it anew, once.
	Reconnect(ctx context.Context) error
	// Close resets the card, so that no other program finds the PIN verified
	// (cps-card.md section 4), and releases it.
	Close() error
}
