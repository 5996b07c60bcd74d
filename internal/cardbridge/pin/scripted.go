package pin

import (
	"context"
	"sync"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Scripted plays a holder for tests and the sandbox: it types what it is told,
// chooses the first reader, and remembers what its windows showed.
type Scripted struct {
	// Type gives what is typed into a window; an error closes the window.
	Type func(ctx context.Context, w Window) (string, error)

	mu    sync.Mutex
	shown []Window
}

// Shown gives the windows of PIN and Confirm, in order.
func (s *Scripted) Shown() []Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Window{}, s.shown...)
}

func (s *Scripted) note(w Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const kept = 50
	if s.shown = append(s.shown, w); len(s.shown) > kept {
		s.shown = s.shown[1:]
	}
}

// PIN implements Prompter.
func (s *Scripted) PIN(ctx context.Context, w Window) ([]byte, error) {
	s.note(w)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	typed, err := s.Type(ctx, w)
	if err != nil {
		return nil, err
	}
	return []byte(typed), nil
}

// Confirm implements Prompter: this holder goes on.
func (s *Scripted) Confirm(context.Context, Window) error { return nil }

// Choose implements Prompter.
func (s *Scripted) Choose(_ context.Context, _ Window, readers []string) (int, error) {
	if len(readers) == 0 {
		return 0, fault.New(fault.Internal, "", "no reader to choose from")
	}
	return 0, nil
}

// OnPad implements Prompter.
func (s *Scripted) OnPad(ctx context.Context, w Window) error {
	s.note(w)
	<-ctx.Done()
	return nil
}
