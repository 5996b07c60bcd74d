package webpush

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// slip is how far the clock may move while a wait is being set, before it is set anew.
const slip = time.Millisecond

// Sender sends pushes. Safe for concurrent use.
type Sender struct {
	o      Options
	http   *http.Client
	tokens tokens
	wake   chan struct{}

	mu      sync.Mutex
	queue   *queue
	started bool
	ended   bool
}

// Enqueue takes a push to be sent. It never blocks and has no error: who asks
// goes on whether somebody is woken or not. The answer is false when the queue is
// full, the sender has ended, or the push cannot be sent as it is, which the log
// says and Results hears as Refused, or Failed when it has expired.
func (s *Sender) Enqueue(p Push) bool {
	ctx := context.Background()
	now := s.o.Clock.Now()
	if err := p.check(s.o.Allow); err != nil {
		s.o.Log.WarnContext(ctx, "a push cannot be sent", slog.String("id", p.ID), slog.Any("error", err))
		s.o.Results(ctx, p.ID, Outcome{Kind: Refused})
		return false
	}
	if p.Expires.IsZero() {
		p.Expires = now.Add(p.TTL)
	}
	if last := now.Add(maxHeld); p.Expires.After(last) {
		p.Expires = last
	}
	if !now.Before(p.Expires) {
		s.o.Results(ctx, p.ID, Outcome{Kind: Failed})
		return false
	}
	to, err := outbound.Parse(p.Endpoint)
	if err != nil {
		return false // checked above
	}
	p.Payload = bytes.Clone(p.Payload)
	s.mu.Lock()
	taken := !s.ended && s.queue.put(p, to.Host)
	s.mu.Unlock()
	if taken {
		s.poke()
	}
	return taken
}

func (s *Sender) poke() {
	select {
	case s.wake <- struct{}{}:
	default: // somebody has
	}
}

// Run sends until ctx ends; calls under way are cut off then, and Run returns
// once they have ended, without error. What waits is lost. Errors:
// fault.Conflict if it ran before.
func (s *Sender) Run(ctx context.Context) error {
	s.mu.Lock()
	again := s.started
	s.started = true
	s.mu.Unlock()
	if again {
		return fault.New(fault.Conflict, "", "webpush: the sender runs already")
	}
	var calls sync.WaitGroup
	for ctx.Err() == nil {
		now := s.o.Clock.Now()
		next, waits := s.step(ctx, now, &calls)
		s.pause(ctx, now, next, waits)
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	calls.Wait()
	s.http.CloseIdleConnections()
	return nil
}

// step starts what may start, and tells when to look again.
func (s *Sender) step(ctx context.Context, now time.Time, calls *sync.WaitGroup) (next time.Time, waits bool) {
	s.mu.Lock()
	expired := s.queue.pass(now)
	var due []*entry
	for e := s.queue.start(); e != nil; e = s.queue.start() {
		due = append(due, e)
	}
	if waits = len(s.queue.times) > 0; waits {
		next = s.queue.times[0].at()
	}
	s.mu.Unlock()
	for _, e := range due {
		calls.Go(func() { s.try(ctx, e) })
	}
	for _, p := range expired {
		s.o.Results(ctx, p.ID, Outcome{Kind: Failed})
	}
	return next, waits
}

// pause waits for something to do.
func (s *Sender) pause(ctx context.Context, now, next time.Time, waits bool) {
	var fired <-chan time.Time
	if waits {
		var stop func()
		fired, stop = s.o.Clock.After(next.Sub(now))
		defer stop()
		if s.o.Clock.Now().Sub(now) > slip {
			return // set from an instant that has passed, it would ring too late
		}
	}
	select {
	case <-fired:
	case <-s.wake:
	case <-ctx.Done():
	}
}

// try makes one call for a push and decides what comes after it.
func (s *Sender) try(ctx context.Context, e *entry) {
	p := e.push // nobody changes it while it is under way
	a := s.send(ctx, p)
	if ctx.Err() != nil && a.err != nil {
		return // cut off by the node's stop: nobody knows
	}
	now := s.o.Clock.Now()
	o := s.judge(p, a, e.tries, now)
	var due time.Time
	if o.Kind == Later {
		due = now.Add(o.After)
	}
	if o.Kind != Accepted {
		s.o.Log.WarnContext(ctx, "a push was not taken", slog.String("id", p.ID), slog.String("service", e.lane.host),
			slog.String("outcome", o.Kind.String()), slog.Int("status", a.status), slog.Int("try", e.tries+1), slog.Any("error", a.err))
	}
	s.mu.Lock()
	e.tries++
	s.queue.end(e, due, a.err == nil)
	s.mu.Unlock()
	s.poke()
	s.o.Results(ctx, p.ID, o)
}
