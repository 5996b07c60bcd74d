package agent

import (
	"context"
	"slices"
	"sync"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
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
