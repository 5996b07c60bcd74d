//go:build pcsc

package pcsc

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ebfe/scard"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Readers is the PC/SC service of this computer.
type Readers struct {
	clock clock.Clock
	pads  sync.Map // names of the readers with a PIN pad: known once a card was opened in them
}

// Open gives the readers; the service is asked at each call, not here.
func Open(c clock.Clock) (cardbridge.Transport, error) { return &Readers{clock: c}, nil }

// plugged names no reader: PC/SC reports readers that come and go under it.
const plugged = `\\?PnP?\Notification`

// Readers implements cardbridge.Transport.
func (r *Readers) Readers(ctx context.Context) ([]cardbridge.Reader, error) {
	service, err := establish()
	if err != nil {
		return nil, err
	}
	defer func() { _ = service.Release() }() // nothing depends on it any more
	states, err := look(service)
	if err != nil {
		return nil, err
	}
	list := make([]cardbridge.Reader, 0, len(states))
	for _, s := range states {
		x := describe(s)
		_, x.PINPad = r.pads.Load(s.Reader)
		list = append(list, x)
	}
	return list, ctx.Err()
}

// establish opens a context for one use: PC/SC makes the calls of a context wait
// for each other, and whoever waits for a card must not hold up a login.
func establish() (*scard.Context, error) {
	service, err := scard.EstablishContext()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, cps.CodeNoReader, "the smart card service does not run (pcscd)", err)
	}
	return service, nil
}

// look lists the readers as they stand now.
func look(service *scard.Context) ([]scard.ReaderState, error) {
	names, err := service.ListReaders()
	if errors.Is(err, scard.ErrNoReadersAvailable) || err == nil && len(names) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, failure(err)
	}
	states := make([]scard.ReaderState, 0, len(names))
	for _, name := range names {
		states = append(states, scard.ReaderState{Reader: name, CurrentState: scard.StateUnaware})
	}
	if err := service.GetStatusChange(states, 0); err != nil && !errors.Is(err, scard.ErrTimeout) {
		return nil, failure(err)
	}
	return states, nil
}

// counter is where PC/SC counts how often a card came or went.
const counter = 16

func describe(s scard.ReaderState) cardbridge.Reader {
	r := cardbridge.Reader{Name: s.Reader, State: cardbridge.Empty, Stay: uint64(s.EventState) >> counter}
	has := func(f scard.StateFlag) bool { return s.EventState&f != 0 }
	switch {
	case has(scard.StateMute):
		r.State = cardbridge.Mute
	case has(scard.StatePresent) && has(scard.StateExclusive):
		r.State, r.ATR = cardbridge.Busy, s.Atr
	case has(scard.StatePresent):
		r.State, r.ATR = cardbridge.Present, s.Atr
	}
	return r
}

// Changed implements cardbridge.Transport.
func (r *Readers) Changed(ctx context.Context, seen []cardbridge.Reader) error {
	service, err := establish()
	if err != nil {
		return err
	}
	defer func() { _ = service.Release() }() // nothing depends on it any more
	stop := context.AfterFunc(ctx, func() { _ = service.Cancel() })
	defer stop()
	for ctx.Err() == nil {
		states, err := look(service)
		if err != nil {
			return err
		}
		if differ(states, seen) {
			return nil
		}
		for i := range states {
			states[i].CurrentState = states[i].EventState &^ scard.StateChanged
		}
		states = append(states, scard.ReaderState{Reader: plugged, CurrentState: scard.StateFlag(len(seen) << counter)}) //nolint:gosec // a handful
		// Not for ever: a cancellation that comes just before the wait is lost.
		err = service.GetStatusChange(states, time.Second)
		if err != nil && !errors.Is(err, scard.ErrTimeout) && !errors.Is(err, scard.ErrCancelled) && !errors.Is(err, scard.ErrUnknownReader) {
			return failure(err)
		}
	}
	return ctx.Err()
}

// differ compares what a person sees: readers, and cards that came or went. Who
// uses a card is none of it.
func differ(states []scard.ReaderState, seen []cardbridge.Reader) bool {
	if len(states) != len(seen) {
		return true
	}
	for i, s := range states {
		now := describe(s)
		there := now.State == cardbridge.Present || now.State == cardbridge.Busy
		was := seen[i].State == cardbridge.Present || seen[i].State == cardbridge.Busy
		if now.Name != seen[i].Name || now.Stay != seen[i].Stay || there != was {
			return true
		}
	}
	return false
}

// failure puts PC/SC's own errors into the house's kinds.
func failure(err error) error {
	var e scard.Error
	if !errors.As(err, &e) {
		return fault.Wrap(fault.Unavailable, cps.CodeCardError, "the smart card service failed", err)
	}
	switch e {
	case scard.ErrRemovedCard, scard.ErrNoSmartcard:
		return fault.Wrap(fault.NotFound, cps.CodeCardRemoved, "the card has left the reader", err)
	case scard.ErrReaderUnavailable, scard.ErrUnknownReader:
		return fault.Wrap(fault.NotFound, cps.CodeCardRemoved, "the reader is gone", err)
	case scard.ErrResetCard:
		return fault.Wrap(fault.Conflict, cps.CodeCardError, "another program has reset the card", err)
	case scard.ErrSharingViolation:
		return fault.Wrap(fault.Conflict, cps.CodeBusy, "another program holds the card", err)
	case scard.ErrUnresponsiveCard, scard.ErrUnpoweredCard, scard.ErrUnsupportedCard, scard.ErrProtoMismatch:
		return fault.Wrap(fault.Unavailable, cps.CodeCardUnknown, "the card does not answer", err)
	case scard.ErrNoService, scard.ErrServiceStopped:
		return fault.Wrap(fault.Unavailable, cps.CodeNoReader, "the smart card service does not run (pcscd)", err)
	}
	return fault.Wrap(fault.Unavailable, cps.CodeCardError, "the smart card service failed", err)
}
