package sandbox

import (
	"context"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// typing is how long a holder takes for his PIN; misread is what he types when
// he is told to be wrong.
const (
	typing  = 300 * time.Millisecond
	misread = "4321"
)

// holder is every persona before the bridge's window: the reader tells which.
type holder struct{ *Cards }

// PIN implements pin.Prompter.
func (h holder) PIN(ctx context.Context, w pin.Window) ([]byte, error) {
	h.note(w)
	fired, stop := h.deps.Clock.After(typing)
	defer stop()
	select {
	case <-fired:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	typed, err := h.types(w)
	return []byte(typed), err
}

// types says what the holder of the card in that reader enters now.
func (h holder) types(w pin.Window) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	card := h.in[w.Reader]
	switch {
	case card == nil:
		return "", fault.New(fault.NotFound, cps.CodeCardRemoved, "the card has left the reader")
	case w.Wrong && card.mistaken:
		card.mistaken = false
		return "", fault.New(fault.Denied, cps.CodeCancelled, "the holder gives up")
	case h.mistake[card.who.Key]:
		delete(h.mistake, card.who.Key)
		card.mistaken = true
		return misread, nil
	case card.who.Behaviour == CardPulled:
		h.pullLater(card)
	}
	return card.pin, nil
}

// Confirm implements pin.Prompter: this holder risks the last try.
func (h holder) Confirm(_ context.Context, w pin.Window) error {
	h.note(w)
	return nil
}

// Choose implements pin.Prompter: of two cards he means the one put in last.
func (h holder) Choose(_ context.Context, _ pin.Window, readers []string) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	chosen, latest := 0, 0
	for i, r := range readers {
		if x := h.in[r]; x != nil && x.order > latest {
			chosen, latest = i, x.order
		}
	}
	return chosen, nil
}

// OnPad implements pin.Prompter; the readers of the sandbox have no keys.
func (h holder) OnPad(ctx context.Context, _ pin.Window) error {
	<-ctx.Done()
	return nil
}

func (h holder) note(w pin.Window) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.window = &Window{Service: w.Service, Provider: w.Provider, Reader: w.Reader, TriesLeft: w.Tries, Wrong: w.Wrong}
}
