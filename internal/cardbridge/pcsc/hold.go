//go:build pcsc

package pcsc

import (
	"context"
	"errors"
	"time"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Patience with other programs.
const (
	forTheCard = 3 * time.Second // their transaction
	renewals   = 3               // of a connection whose card they reset
	resets     = 20              // looks at a card that is being reset just now
	resetPause = 50 * time.Millisecond
)

// Connect implements cardbridge.Transport: shared, so that practice software
// may stay connected, and alone from the first command to the last.
//
// PC/SC waits for another program's transaction without end and cannot be
// cancelled meanwhile: what comes too late gives the card back by itself.
func (r *Readers) Connect(ctx context.Context, reader string) (cardbridge.Card, error) {
	type result struct {
		c   *connection
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := r.hold(reader)
		done <- result{c, err}
	}()
	late, stop := r.clock.After(forTheCard)
	defer stop()
	var err error
	select {
	case got := <-done:
		if got.err != nil {
			return nil, got.err
		}
		if got.c.PINPad() {
			r.pads.Store(reader, true)
		}
		return got.c, nil
	case <-late:
		err = fault.New(fault.Conflict, cps.CodeBusy, "another program holds the card")
	case <-ctx.Done():
		err = ctx.Err()
	}
	go func() {
		if got := <-done; got.err == nil {
			_ = got.c.Close() // nobody waits for it any more
		}
	}()
	return nil, err
}

// hold connects and begins the transaction.
func (r *Readers) hold(reader string) (*connection, error) {
	service, err := establish()
	if err != nil {
		return nil, err
	}
	c := &connection{service: service, clock: r.clock, turn: make(chan struct{}, 1)}
	if c.card, err = r.connect(service, reader); err != nil {
		_ = service.Release() // the connection's own failure counts
		return nil, connectFailure(err)
	}
	if err := begin(r.clock, c.card); err != nil {
		return nil, errors.Join(failure(err), c.Close())
	}
	status, err := c.card.Status()
	if err != nil || c.card.ActiveProtocol() == scard.ProtocolUndefined {
		return nil, errors.Join(failure(err), c.Close())
	}
	c.atr, c.verify = status.Atr, pinPad(c.card)
	return c, nil
}

// connect connects, and waits out a reset that is under way.
func (r *Readers) connect(service *scard.Context, reader string) (card *scard.Card, err error) {
	err = settled(r.clock, func() error {
		card, err = service.Connect(reader, scard.ShareShared, scard.ProtocolAny)
		return err
	})
	return card, err
}

// settled tries again while the card is being reset, as after each login of
// ours: for that moment it has no protocol [C RUN].
func settled(c clock.Clock, try func() error) error {
	err := try()
	for range resets {
		if !errors.Is(err, scard.ErrProtoMismatch) {
			break
		}
		over, _ := c.After(resetPause)
		<-over
		err = try()
	}
	return err
}

// begin takes the card for us alone. A program that ended with a reset, as we do
// ourselves, may have done so since we connected: the connection is renewed.
func begin(c clock.Clock, card *scard.Card) error {
	err := card.BeginTransaction()
	for range renewals {
		if !errors.Is(err, scard.ErrResetCard) {
			break
		}
		err = settled(c, func() error { return card.Reconnect(scard.ShareShared, scard.ProtocolAny, scard.LeaveCard) })
		if err == nil {
			err = card.BeginTransaction()
		}
	}
	return err
}

func connectFailure(err error) error {
	switch {
	case errors.Is(err, scard.ErrNoSmartcard), errors.Is(err, scard.ErrRemovedCard):
		return fault.Wrap(fault.NotFound, cps.CodeNoCard, "no card in the reader", err)
	case errors.Is(err, scard.ErrUnknownReader), errors.Is(err, scard.ErrReaderUnavailable):
		return fault.Wrap(fault.NotFound, cps.CodeNoReader, "the reader is gone", err)
	}
	return failure(err)
}
