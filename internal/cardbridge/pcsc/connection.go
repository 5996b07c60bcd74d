//go:build pcsc

package pcsc

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// forAnswer is the patience with one command; a real signature takes about a second.
const forAnswer = 10 * time.Second

// connection is a card held in one transaction.
type connection struct {
	clock   clock.Clock
	service *scard.Context
	card    *scard.Card
	atr     []byte
	verify  uint32        // control code of the reader's own PIN entry, 0 if it has none
	turn    chan struct{} // one call at a time
	lost    atomic.Bool   // the card has left
}

// ATR implements cardbridge.Card.
func (c *connection) ATR() []byte { return c.atr }

// T0 implements cardbridge.Card.
func (c *connection) T0() bool { return c.card.ActiveProtocol() == scard.ProtocolT0 }

// PINPad implements cardbridge.Card.
func (c *connection) PINPad() bool { return c.verify != 0 }

// Transmit implements cardbridge.Card.
func (c *connection) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := c.bounded(ctx, forAnswer, command, c.card.Transmit)
	if err == nil && len(answer) < 2 {
		// What a driver says when the card leaves while it answers.
		err = fault.New(fault.NotFound, cps.CodeCardRemoved, "the card has left the reader")
	}
	if fault.CodeOf(err) == cps.CodeCardRemoved {
		c.lost.Store(true)
	}
	return answer, err
}

// bounded leaves a call that hangs in the driver: it ends when the card is
// pulled. The call has a copy of the command: whoever gives up wipes his own,
// and a wiped PIN on its way to the card would cost a try.
func (c *connection) bounded(ctx context.Context, limit time.Duration, command []byte, call func([]byte) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	own := bytes.Clone(command)
	go func() {
		defer func() { <-c.turn }()
		defer clear(own)
		answer, err := call(own)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, failure(r.err)
		}
		return r.answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// enter waits for the call that was left, if there is one. After ctx has ended
// nothing is sent any more.
func (c *connection) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reconnect implements cardbridge.Card.
func (c *connection) Reconnect(ctx context.Context) error {
	_, err := c.bounded(ctx, forAnswer, nil, func([]byte) ([]byte, error) {
		if err := c.card.Reconnect(scard.ShareShared, scard.ProtocolAny, scard.ResetCard); err != nil {
			return nil, err
		}
		return nil, begin(c.clock, c.card)
	})
	return err
}

// Close implements cardbridge.Card. The reset makes sure that no other program
// finds the PIN verified [C RUN]; a card that hangs is reset when it answers.
func (c *connection) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), forTheCard)
	defer cancel()
	if c.enter(ctx) != nil {
		go func() {
			c.turn <- struct{}{}
			_ = c.leave() // nobody waits for it any more
		}()
		return fault.New(fault.Unavailable, cps.CodeCardError, "the card still works at a command")
	}
	return c.leave()
}

// leave ends the transaction and the connection. A card that has left has
// forgotten its PIN by itself, and asking pcscd 1.9.9 to reset it leaves the
// reader blind for good [C RUN].
func (c *connection) leave() error {
	end := scard.ResetCard
	if c.lost.Load() {
		end = scard.LeaveCard
	}
	err := c.card.Disconnect(end)
	if releasing := c.service.Release(); err == nil {
		err = releasing
	}
	if errors.Is(err, scard.ErrNoSmartcard) || errors.Is(err, scard.ErrRemovedCard) || errors.Is(err, scard.ErrReaderUnavailable) || errors.Is(err, scard.ErrInvalidHandle) {
		return nil
	}
	if err != nil {
		return failure(err)
	}
	return nil
}
