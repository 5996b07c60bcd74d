package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
)

// stays are the cards that a login stands on: when one leaves, its logins are
// reported to their providers by the bridge itself. No page need be alive.
type stays struct {
	agent *Agent

	mu      sync.Mutex
	held    []stay
	wake    context.CancelFunc // of the watcher's present wait, while there is a watcher
	over    bool
	life    context.Context //nolint:containedctx // of watcher and reports; it ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // watcher and reports
}

type stay struct {
	reader  cardbridge.Reader
	origin  string
	removal cps.Removal
	until   time.Time
}

// stayLimit is longer than any session lives: after it nothing is left to end.
const (
	stayLimit = 12 * time.Hour
	maxStays  = 256
	hiccup    = time.Second // before readers that could not be watched are looked at again
)

func newStays(a *Agent) *stays {
	s := &stays{agent: a}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// watch adds a login to those of its card; false when the bridge stops.
func (s *stays) watch(r cardbridge.Reader, origin string, removal cps.Removal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.agent.Clock.Now()
	s.held = slices.DeleteFunc(s.held, func(x stay) bool { return now.After(x.until) })
	if s.over {
		return false
	}
	if len(s.held) >= maxStays {
		// Better logged out than unwatched.
		s.running.Go(func() { s.agent.report(s.life, origin, removal) })
		return true
	}
	s.held = append(s.held, stay{reader: r, origin: origin, removal: removal, until: now.Add(stayLimit)})
	if s.wake != nil {
		s.wake() // it waits for changes since a list that may be older than this login
		return true
	}
	s.wake = func() {} // there is a watcher from here on; its first wait is still to come
	s.running.Go(s.run)
	return true
}

// run watches the readers while there is a card to watch.
func (s *stays) run() {
	for {
		wait, ok := s.next()
		if !ok {
			return
		}
		seen, err := s.agent.look(s.life)
		if s.life.Err() != nil {
			return
		}
		for _, x := range s.leaving(seen, err != nil) {
			s.running.Go(func() { s.agent.report(s.life, x.origin, x.removal) })
		}
		err = s.agent.Transport.Changed(wait, seen)
		if err != nil && wait.Err() == nil {
			s.agent.pause(wait, hiccup)
		}
	}
}

// next gives the context of the next wait, or ends the watcher when nothing is
// left to watch.
func (s *stays) next() (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		s.wake()
	}
	if len(s.held) == 0 || s.over {
		s.wake = nil
		return nil, false
	}
	wait, wake := context.WithCancel(s.life)
	s.wake = wake
	return wait, true
}

// look lists the readers; a list that fails once, as when a reader is unplugged
// at that moment, is asked for again before it is believed.
func (a *Agent) look(ctx context.Context) ([]cardbridge.Reader, error) {
	seen, err := a.Transport.Readers(ctx)
	if err != nil && ctx.Err() == nil {
		a.pause(ctx, hiccup)
		seen, err = a.Transport.Readers(ctx)
	}
	return seen, err
}

func (a *Agent) pause(ctx context.Context, d time.Duration) {
	fired, stop := a.Clock.After(d)
	defer stop()
	select {
	case <-fired:
	case <-ctx.Done():
	}
}

// leaving takes out the logins whose card is gone. Readers that cannot be seen
// are taken for gone: nobody would notice otherwise.
func (s *stays) leaving(seen []cardbridge.Reader, blind bool) []stay {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []stay
	s.held = slices.DeleteFunc(s.held, func(x stay) bool {
		if blind || gone(seen, x.reader) {
			out = append(out, x)
			return true
		}
		return false
	})
	return out
}

// close stops watching, gives reports under way one last try and reports
// everything watched, all at once and within ctx.
func (s *stays) close(ctx context.Context) {
	s.mu.Lock()
	held := s.held
	s.held, s.over = nil, true
	s.mu.Unlock()
	s.end()
	for _, x := range held {
		s.running.Go(func() { s.agent.post(context.WithoutCancel(ctx), x.origin, x.removal) })
	}
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.agent.Log.WarnContext(ctx, "the bridge stops before every provider knows it", slog.Int("logins", len(held)))
	}
}
