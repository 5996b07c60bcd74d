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

// Run works until ctx ends; a hand-over under way is finished and recorded first.
func (w *Worker) Run(ctx context.Context) {
	var purged time.Time
	for ctx.Err() == nil {
		w.drain(ctx)
		if now := w.Outbox.clock.Now(); now.Sub(purged) >= purgeEvery {
			purged = now
			if err := w.Outbox.purge(ctx); err != nil && ctx.Err() == nil {
				w.Log.ErrorContext(ctx, "old letters were not dropped", slog.Any("error", err))
			}
		}
		poll, stop := w.Outbox.clock.After(pollEvery)
		select {
		case <-w.Outbox.wake:
		case <-poll:
		case <-ctx.Done():
		}
		stop()
	}
}

// drain hands over what is due, a few at once: one slow relay does not hold the rest.
func (w *Worker) drain(ctx context.Context) {
	if err := w.Outbox.abandon(ctx, w.idempotent); err != nil && ctx.Err() == nil {
		w.Log.ErrorContext(ctx, "outbox cannot be written", slog.Any("error", err))
	}
	var working sync.WaitGroup
	for range hands {
		working.Go(func() {
			for ctx.Err() == nil {
				h, err := w.Outbox.claim(ctx)
				if fault.Is(err, fault.NotFound) {
					return
				}
				if err != nil {
					if ctx.Err() == nil {
						w.Log.ErrorContext(ctx, "outbox cannot be read", slog.Any("error", err))
					}
					return
				}
				// What was handed over must be recorded, even if the node stops now.
				w.hand(context.WithoutCancel(ctx), h)
			}
		})
	}
	working.Wait()
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
		err = w.Outbox.again(ctx, h.id, at)
	} else {
		err = w.Outbox.finish(ctx, h.id, to)
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
	case sender == nil:
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
