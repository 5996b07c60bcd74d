package courier

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	pollEvery  = 15 * time.Second
	purgeEvery = time.Hour
	patience   = 45 * time.Second // of one hand-over
	maxTries   = 8
	firstPause = 5 * time.Second
	longPause  = 10 * time.Minute
	hands      = 4 // hand-overs at once on one node
)

// Worker hands letters over.
type Worker struct {
	Outbox  *Outbox
	Senders map[Channel]Sender
	Rand    io.Reader
	Log     *slog.Logger
}

// Run works until ctx ends; hand-overs under way are finished and recorded first.
// Each hand waits for itself: a relay that hangs holds one hand, not the rest.
func (w *Worker) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	for range hands {
		working.Go(func() { w.serve(ctx) })
	}
	var purged time.Time
	for ctx.Err() == nil {
		w.settle(ctx)
		if now := w.Outbox.clock.Now(); now.Sub(purged) >= purgeEvery {
			purged = now
			w.report(ctx, "dropping old letters", w.Outbox.purge(ctx))
		}
		w.Outbox.Wake()
		poll, stop := w.Outbox.clock.After(pollEvery)
		select {
		case <-poll:
		case <-ctx.Done():
		}
		stop()
	}
}

// serve is one hand.
func (w *Worker) serve(ctx context.Context) {
	for {
		select {
		case <-w.Outbox.wake:
			w.empty(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// settle looks after what dead workers left.
func (w *Worker) settle(ctx context.Context) {
	w.report(ctx, "settling abandoned letters", w.Outbox.abandon(ctx, w.idempotent))
}

// empty hands over what is due, until nothing is. Where one letter was there may
// be more: the next hand is called before this one is busy.
func (w *Worker) empty(ctx context.Context) {
	for ctx.Err() == nil {
		h, err := w.Outbox.claim(ctx)
		switch {
		case fault.Is(err, fault.Conflict):
			continue
		case fault.Is(err, fault.NotFound):
			return
		case err != nil:
			w.report(ctx, "taking a letter", err)
			return
		}
		w.Outbox.Wake()
		// What was handed over must be recorded, even if the node stops now.
		w.hand(context.WithoutCancel(ctx), h)
	}
}

func (w *Worker) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		w.Log.ErrorContext(ctx, "outbox is not served", slog.String("step", what), slog.Any("error", err))
	}
}

func (w *Worker) idempotent(c Channel) bool {
	s, ok := w.Senders[c]
	return ok && s.Idempotent()
}

// hand makes one try and records what became of it.
func (w *Worker) hand(ctx context.Context, h held) {
	to, at := w.try(ctx, h)
	var err error
	if to == Waiting {
		err = w.Outbox.again(ctx, h, at)
	} else {
		err = w.Outbox.finish(ctx, h, to)
	}
	if err != nil { // the lease ends, and abandon settles it
		w.Log.ErrorContext(ctx, "what became of a letter was not recorded", slog.String("letter", h.id), slog.Any("error", err))
	}
}

func (w *Worker) try(ctx context.Context, h held) (to State, at time.Time) {
	now := w.Outbox.clock.Now()
	sender := w.Senders[h.channel]
	switch {
	case h.void:
		return Void, now
	case !now.Before(h.ends):
		return Expired, now
	case sender == nil, h.attempts > maxTries: // a letter that kills its worker each time ends too
		return Failed, now
	}
	out, err := w.open(h)
	if err != nil {
		w.Log.ErrorContext(ctx, "a letter cannot be opened", slog.String("letter", h.id), slog.Any("error", err))
		return Failed, now
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = sender.Send(bounded, out)
	if err == nil {
		return Sent, now
	}
	w.Log.WarnContext(ctx, "a letter was not taken", slog.String("letter", h.id), slog.String("channel", string(h.channel)), slog.Int("attempt", h.attempts), slog.Any("error", err))
	return w.afterFailure(h, sender, err, w.Outbox.clock.Now())
}

// afterFailure decides whether to try again, and when.
func (w *Worker) afterFailure(h held, s Sender, err error, now time.Time) (State, time.Time) {
	refusal, said := errors.AsType[*Refusal](err)
	switch {
	case said && refusal.Unsure && !s.Idempotent():
		return Unsure, now
	case said && refusal.Permanent, h.attempts >= maxTries:
		return Failed, now
	}
	pause := min(firstPause<<(h.attempts-1), longPause)
	pause += w.jitter(pause / 4)
	if said && refusal.After > 0 {
		pause = min(refusal.After, longPause)
	}
	if at := now.Add(pause); at.Before(h.ends) {
		return Waiting, at
	}
	return Expired, now
}

func (w *Worker) open(h held) (Outgoing, error) {
	var out Outgoing
	plain, err := w.Outbox.seal.Unseal(purpose+h.id, h.sealed)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(plain, &out)
}

// jitter keeps nodes from knocking at a relay that comes back all at once.
func (w *Worker) jitter(most time.Duration) time.Duration {
	var b [4]byte
	if _, err := io.ReadFull(w.Rand, b[:]); err != nil || most <= 0 {
		return 0
	}
	return time.Duration(binary.BigEndian.Uint32(b[:])) % most
}
