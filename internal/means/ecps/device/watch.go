package device

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
)

// Decision is what the holder does with a request.
type Decision struct {
	Do     Action
	Number string        // for Approve: as read on the page
	PIN    string        // for Approve
	After  time.Duration // how long he takes
}

// Action of a holder.
type Action uint8

// The actions.
const (
	Ignore Action = iota
	Approve
	Refuse
)

// Watch follows the requests of the holder until ctx is done, over a stream of
// events where the network lets it through, else by long polls, and does with
// each what decide says. decide runs once per request in a goroutine of its
// own, and once more after each wrong PIN (TriesLeft tells how many are left).
// Errors: only when the provider does not know this phone any more.
func (p *Phone) Watch(ctx context.Context, decide func(ecps.Request) Decision) error {
	ctx, cancel := context.WithCancel(ctx)
	var handlers sync.WaitGroup
	defer handlers.Wait()
	defer cancel()
	seen := map[string]struct{}{}
	handle := func(list ecps.Requests) {
		if list.Obstacle != "" {
			p.o.Log.WarnContext(ctx, "phone may not answer now", slog.String("reason_code", list.Obstacle))
		}
		present := map[string]struct{}{}
		for _, r := range list.Requests {
			present[r.ID] = struct{}{}
			if _, known := seen[r.ID]; !known {
				handlers.Go(func() { p.handle(ctx, r, decide) })
			}
		}
		seen = present
	}
	return p.listen(ctx, handle)
}

// handle lives one request through with its holder.
func (p *Phone) handle(ctx context.Context, r ecps.Request, decide func(ecps.Request) Decision) {
	log := p.o.Log.With(slog.String("request", r.ID), slog.String("service", r.Service))
	if err := p.Received(ctx, r.ID); err != nil {
		log.DebugContext(ctx, "receipt was not noted", slog.Any("error", err))
	}
	for {
		d := decide(r)
		if d.Do == Ignore || !p.sleep(ctx, d.After) {
			return
		}
		if err := p.Opened(ctx, r.ID); err != nil {
			log.DebugContext(ctx, "opening was not noted", slog.Any("error", err))
		}
		err := p.persist(ctx, r, d)
		refusal, heard := errors.AsType[*Refusal](err)
		if !heard || refusal.Problem.Code != ecps.CodeWrongPIN || refusal.Problem.TriesLeft == nil {
			report(ctx, log, d, err)
			return
		}
		log.InfoContext(ctx, "wrong PIN", slog.Int("tries_left", *refusal.Problem.TriesLeft))
		r.TriesLeft = *refusal.Problem.TriesLeft
	}
}

const again = time.Second

// persist answers again where the first answer or its confirmation was lost on
// the way, as long as the request lives: a provider that dies while it judges
// holds the answer for seconds, and the next one may die too. It asks first what became of it: a PIN that was wrong must not be
// counted twice.
func (p *Phone) persist(ctx context.Context, r ecps.Request, d Decision) error {
	err := p.do(ctx, r, d)
	for p.now().Before(time.Unix(r.ExpiresAt, 0)) {
		if !unclear(err) || !p.sleep(ctx, again) {
			return err
		}
		now, lookErr := p.Request(ctx, r.ID)
		switch {
		case unclear(lookErr):
			continue
		case lookErr != nil:
			return err
		case d.Do == Approve && now.State == "approved", d.Do == Refuse && now.State == "refused":
			return nil
		case now.State != "open" || now.TriesLeft != r.TriesLeft:
			return err
		}
		err = p.do(ctx, r, d)
	}
	return err
}

// unclear tells that nobody knows what became of a call, or that it came while
// another answer was being judged.
func unclear(err error) bool {
	refusal, heard := errors.AsType[*Refusal](err)
	switch {
	case err == nil:
		return false
	case !heard:
		return true
	}
	return refusal.Status >= 500 || refusal.Problem.Code == ecps.CodeAnswered
}

func (p *Phone) do(ctx context.Context, r ecps.Request, d Decision) error {
	if d.Do == Refuse {
		_, err := p.Refuse(ctx, r)
		return err
	}
	receipt, err := p.Approve(ctx, r, d.Number, d.PIN)
	if err == nil && receipt.WrongPINs > 0 {
		p.o.Log.WarnContext(ctx, "wrong PINs were typed before this one", slog.Int("count", receipt.WrongPINs))
	}
	return err
}

func report(ctx context.Context, log *slog.Logger, d Decision, err error) {
	if err != nil {
		log.WarnContext(ctx, "answer was not taken", slog.Any("error", err))
		return
	}
	log.InfoContext(ctx, "answered", slog.Bool("approved", d.Do == Approve))
}

// sleep tells whether d passed before ctx was done.
func (p *Phone) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	fired, stop := p.o.Clock.After(d)
	defer stop()
	select {
	case <-fired:
		return true
	case <-ctx.Done():
		return false
	}
}
