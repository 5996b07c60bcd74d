package deviceapi

import (
	"context"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

// The pace of a stream. What changes is told by the bus; 50,000 phones that each
// looked every few seconds would keep the database busy with nothing.
const (
	keepAlive  = 15 * time.Second // a comment, without any look
	safetyLook = time.Minute      // at most: looks anyway, in case a wake-up was lost
	spread     = 20 * time.Second // by how much safety looks and ends of streams differ
	pollLook   = 5 * time.Second  // looks where there is no bus
)

// stillHere is a comment: an event stream that carries nothing else proves that
// it is alive.
var stillHere = []byte(": still here\n\n")

// stream is what stays in memory of a phone that listens.
type stream struct {
	device wallet.Device // only what names it: its keys have done their work
	wakes  <-chan []byte // nil: the bus is gone, poll
	cancel func()
	gone   <-chan struct{} // closed when a taken-over connection's phone left
	out    func(event []byte) error
	jitter time.Duration // under spread
	end    time.Time
	told   string // hash of the list that the phone has
}

// open counts a stream of the phone and has the bus wake it. salt, whatever
// differs between streams, spreads what streams that began together do later:
// a node that restarts is called by all phones at once.
// Errors: fault.Unavailable when the phone has too many.
func (a *API) open(ctx context.Context, d wallet.Device, life time.Duration, salt string) (*stream, error) {
	if !a.enter(d.ID) {
		return nil, fault.New(fault.Unavailable, ecps.CodeBusy, "too many streams of this phone")
	}
	s := &stream{device: wallet.Device{ID: d.ID, Holder: d.Holder}, end: a.deps.Clock.Now().Add(life)}
	if salt != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(salt))
		s.jitter = time.Duration(h.Sum64() % uint64(spread))
		s.end = s.end.Add(-s.jitter)
	}
	wakes, cancel, err := a.deps.Wallet.WatchHolder(ctx, d)
	if err != nil {
		a.deps.Log.WarnContext(ctx, "phone is served by polling", slog.Any("error", err))
		wakes, cancel = nil, func() {}
	}
	s.wakes, s.cancel = wakes, func() {
		cancel()
		a.leave(d.ID)
	}
	return s, nil
}

// close releases what open took.
func (s *stream) close() { s.cancel() }

// every is how long the stream goes without a look when nothing wakes it.
func (s *stream) every() time.Duration {
	if s.wakes == nil {
		return pollLook
	}
	return safetyLook - s.jitter
}

// follow tells the list whenever it has changed, and that the stream is alive,
// until its life is over, the phone is gone or the server closes.
func (a *API) follow(ctx context.Context, s *stream) error {
	now := a.deps.Clock.Now()
	look, word := now.Add(s.every()), now.Add(keepAlive)
	for now.Before(s.end) {
		woken, goOn := a.pause(ctx, s, min(look.Sub(now), word.Sub(now), s.end.Sub(now)))
		if !goOn {
			return nil
		}
		now = a.deps.Clock.Now()
		var event []byte
		if woken || !now.Before(look) {
			var err error
			if event, err = a.newsAside(ctx, s); err != nil {
				return err
			}
			look = now.Add(s.every())
		}
		// A look that found nothing says nothing: strangers' requests that stay
		// silent must not reach the phone, even as traffic.
		if event == nil && !now.Before(word) {
			event = stillHere
		}
		if event == nil {
			continue
		}
		if err := s.out(event); err != nil {
			return err
		}
		word = now.Add(keepAlive)
	}
	return nil
}

// newsAside looks in a goroutine of its own: the stack that a query needs is ten
// times that of a stream, and would stay with each stream until it is collected.
func (a *API) newsAside(ctx context.Context, s *stream) (event []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		event, err = a.news(ctx, s)
	}()
	<-done
	return event, err
}

// pause waits for a wake-up, at most d. It tells whether one came, and whether
// to go on.
func (a *API) pause(ctx context.Context, s *stream, d time.Duration) (woken, goOn bool) {
	passed, stop := a.deps.Clock.After(d)
	defer stop()
	select {
	case _, open := <-s.wakes:
		if !open {
			s.wakes = nil
		}
		return true, true
	case <-passed:
		return false, true
	case <-a.closing:
	case <-s.gone:
	case <-ctx.Done():
	}
	return false, false
}

func (a *API) enter(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[id] >= maxStreams {
		return false
	}
	a.streams[id]++
	return true
}

func (a *API) leave(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams[id]--; a.streams[id] <= 0 {
		delete(a.streams, id)
	}
}
