package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// departure closes a window as soon as its card leaves.
type departure struct {
	stop func()
	mu   sync.Mutex
	gone bool
}

// whileCardStays gives a context that ends when the card of a reader leaves.
func (a *Agent) whileCardStays(ctx context.Context, r cardbridge.Reader) (context.Context, *departure) {
	ctx, cancel := context.WithCancel(ctx)
	d := &departure{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if a.left(ctx, r) {
			d.mu.Lock()
			d.gone = true
			d.mu.Unlock()
			cancel()
		}
	}()
	d.stop = func() { cancel(); <-done }
	return ctx, d
}

// explain names the card's leaving as the cause of what it interrupted.
func (d *departure) explain(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return refuse(cps.CardRemoved, err)
	}
	return err
}

// left waits until the card has left the reader, or the reader the computer.
// It tells false when ctx ended first or the readers cannot be watched.
func (a *Agent) left(ctx context.Context, r cardbridge.Reader) bool {
	for {
		seen, err := a.Transport.Readers(ctx)
		if err != nil || ctx.Err() != nil {
			return false
		}
		if gone(seen, r) {
			return true
		}
		if err := a.Transport.Changed(ctx, seen); err != nil {
			return false
		}
	}
}

func gone(now []cardbridge.Reader, was cardbridge.Reader) bool {
	i := slices.IndexFunc(now, func(r cardbridge.Reader) bool { return r.Name == was.Name })
	return i < 0 || now[i].Stay != was.Stay || now[i].State == cardbridge.Empty || now[i].State == cardbridge.Mute
}

// stays are the cards that a login stands on: when one leaves, its logins are
// reported to their providers by the bridge itself. No page need be alive.
type stays struct {
	agent *Agent
	mu    sync.Mutex
	held  []stay
	cease context.CancelFunc // of the watcher, while there is one
	done  chan struct{}
	over  bool
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
)

// watch adds a login to those of its card.
func (s *stays) watch(r cardbridge.Reader, origin string, removal cps.Removal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.agent.Clock.Now()
	s.held = slices.DeleteFunc(s.held, func(x stay) bool { return now.After(x.until) })
	if s.over || len(s.held) >= maxStays {
		go s.agent.report(context.Background(), origin, removal) // better logged out than unwatched
		return
	}
	s.held = append(s.held, stay{reader: r, origin: origin, removal: removal, until: now.Add(stayLimit)})
	if s.cease == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.cease, s.done = cancel, make(chan struct{})
		go s.run(ctx, s.done)
	}
}

// run watches the readers while there is a card to watch. A watch that fails is
// taken for the card's leaving: nobody would see it otherwise.
func (s *stays) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	var reports sync.WaitGroup
	defer reports.Wait()
	for {
		seen, err := s.agent.Transport.Readers(ctx)
		if ctx.Err() != nil {
			return
		}
		for _, x := range s.leaving(seen, err != nil) {
			reports.Go(func() { s.agent.report(ctx, x.origin, x.removal) })
		}
		if s.rest() {
			return
		}
		if err := s.agent.Transport.Changed(ctx, seen); err != nil && ctx.Err() != nil {
			return
		}
	}
}

// leaving takes out the logins whose card is gone.
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

// rest ends the watcher when nothing is left to watch.
func (s *stays) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) > 0 {
		return false
	}
	s.cease = nil
	return true
}

// close stops watching and reports everything watched.
func (s *stays) close(ctx context.Context) {
	s.mu.Lock()
	held, cease, done := s.held, s.cease, s.done
	s.held, s.cease, s.over = nil, nil, true
	s.mu.Unlock()
	if cease != nil {
		cease()
		<-done
	}
	var reports sync.WaitGroup
	for _, x := range held {
		reports.Go(func() { s.agent.post(ctx, x.origin, x.removal) })
	}
	reports.Wait()
}

// pauses between tries to reach a provider, half a minute in all.
func pauses() []time.Duration {
	return []time.Duration{0, 250 * time.Millisecond, time.Second, 3 * time.Second, 9 * time.Second, 17 * time.Second}
}

// report tells a provider that the card of a login has left; it is tried again
// for half a minute.
func (a *Agent) report(ctx context.Context, origin string, removal cps.Removal) {
	for _, pause := range pauses() {
		if pause > 0 {
			fired, stop := a.Clock.After(pause)
			select {
			case <-fired:
			case <-ctx.Done(): // the bridge stops: one last try
				stop()
				a.post(context.WithoutCancel(ctx), origin, removal)
				return
			}
		}
		if a.post(ctx, origin, removal) {
			return
		}
	}
	a.Log.ErrorContext(ctx, "the provider does not know that the card was pulled", slog.String("provider", origin))
}

func (a *Agent) post(ctx context.Context, origin string, removal cps.Removal) bool {
	body, err := json.Marshal(removal)
	if err != nil {
		return true // two strings: cannot fail
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+cps.RemovalPath, bytes.NewReader(body))
	if err != nil {
		return true // an origin of our own configuration: cannot fail
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := a.HTTP.Do(req)
	if err == nil {
		err = res.Body.Close()
	}
	if err != nil || res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
		a.Log.WarnContext(ctx, "a pulled card could not be reported", slog.String("provider", origin), slog.Any("error", err))
		return false
	}
	if res.StatusCode >= http.StatusBadRequest {
		a.Log.ErrorContext(ctx, "the provider refused the report of a pulled card", slog.String("provider", origin), slog.Any("error", fault.New(fault.Denied, "", res.Status)))
	}
	return true
}
