package softcard

import (
	"context"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// connection is the exclusive use of one card.
type connection struct {
	bank  *Slots
	slot  *slot
	card  *Emulator
	sent  int
	reset bool // by another program
}

func (c *connection) ATR() []byte { return c.card.ATR() }
func (c *connection) T0() bool    { return c.card.T0() }

// PINPad implements cardbridge.Card.
func (c *connection) PINPad() bool {
	c.bank.mu.Lock()
	defer c.bank.mu.Unlock()
	return c.slot.pad
}

// Transmit implements cardbridge.Card.
func (c *connection) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.bank.mu.Lock()
	c.sent++
	event := Answer
	if c.slot.intercept != nil {
		event = c.slot.intercept(c.sent, command)
	}
	c.bank.mu.Unlock()
	if event == Pulled {
		c.bank.Remove(c.slot.name)
	}
	if !c.there() {
		return nil, removed()
	}
	if event == Reset {
		c.card.Reset()
		c.reset = true
	}
	if c.reset {
		return nil, fault.New(fault.Conflict, cps.CodeCardError, "another program has reset the card")
	}
	return c.card.Transmit(command), nil
}

// there tells that the card still stands in the reader, for this connection.
func (c *connection) there() bool {
	c.bank.mu.Lock()
	defer c.bank.mu.Unlock()
	return c.slot.held == c
}

func removed() error {
	return fault.New(fault.NotFound, cps.CodeCardRemoved, "the card has left the reader")
}

// VerifyOnPad implements cardbridge.Card: the holder types the right PIN on the
// reader, which puts it into the command.
func (c *connection) VerifyOnPad(ctx context.Context, template []byte, least, most int) ([]byte, error) {
	if !c.PINPad() {
		return nil, fault.New(fault.Unavailable, "", "the reader has no PIN pad")
	}
	typed := c.card.secret()
	const head = 4
	if len(template) < head || len(typed) < least || len(typed) > most {
		return nil, fault.New(fault.Invalid, "", "the reader does not understand the command")
	}
	command := append(append([]byte{}, template[:head]...), byte(len(typed))) //nolint:gosec // at most eight
	return c.Transmit(ctx, append(command, typed...))
}

// Reconnect implements cardbridge.Card.
func (c *connection) Reconnect(context.Context) error {
	if !c.there() {
		return removed()
	}
	c.card.Reset()
	c.reset = false
	return nil
}

// Close implements cardbridge.Card. A card that has left meanwhile is not ours
// to reset: it may stand in a reader again, for somebody else.
func (c *connection) Close() error {
	c.bank.mu.Lock()
	defer c.bank.mu.Unlock()
	if c.slot.held == c {
		c.card.Reset()
		c.slot.held = nil
	}
	return nil
}
