package softcard

import (
	"context"
	"slices"
	"sync"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Slots is a bank of readers in this process: a cardbridge.Transport whose cards
// are put in and pulled by a call.
type Slots struct {
	mu      sync.Mutex
	slots   []*slot
	changed chan struct{} // closed and replaced at each change
}

// slot is one reader.
type slot struct {
	name      string
	card      *Emulator
	mute, pad bool
	held      *connection
	stay      uint64
	intercept func(n int, command []byte) Event
}

// Event is what happens to a card instead of, or before, an answer.
type Event int

// What a test may let happen at an APDU.
const (
	Answer Event = iota // nothing: the card answers
	Pulled              // the card leaves the reader before it answers
	Reset               // another program resets the card first
)

// NewSlots makes empty readers.
func NewSlots(readers ...string) *Slots {
	s := &Slots{changed: make(chan struct{})}
	for _, name := range readers {
		s.slots = append(s.slots, &slot{name: name})
	}
	return s
}

func (s *Slots) slot(reader string) *slot {
	i := slices.IndexFunc(s.slots, func(x *slot) bool { return x.name == reader })
	if i < 0 {
		return nil
	}
	return s.slots[i]
}

// change does something to a reader and wakes who waits for it. Whoever held the
// card that was there holds nothing now.
func (s *Slots) change(reader string, do func(*slot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.slot(reader); x != nil {
		x.card, x.mute, x.held = nil, false, nil
		do(x)
		x.stay++
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// Insert puts a card into a reader, in place of the one that was there.
func (s *Slots) Insert(reader string, card *Emulator) {
	s.change(reader, func(x *slot) {
		card.Reset()
		x.card = card
	})
}

// Remove pulls the card.
func (s *Slots) Remove(reader string) {
	s.change(reader, func(*slot) {})
}

// Mute puts in a card that does not answer: the wrong way round, or damaged.
func (s *Slots) Mute(reader string) {
	s.change(reader, func(x *slot) { x.mute = true })
}

// PINPad gives the reader a keypad of its own, on which the right PIN is typed.
func (s *Slots) PINPad(reader string) { s.equip(reader, func(x *slot) { x.pad = true }) }

// Intercept lets something happen at the n-th APDU of a connection, counted from one.
func (s *Slots) Intercept(reader string, at func(n int, command []byte) Event) {
	s.equip(reader, func(x *slot) { x.intercept = at })
}

// equip changes the reader and leaves the card where it is.
func (s *Slots) equip(reader string, do func(*slot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.slot(reader); x != nil {
		do(x)
	}
}

// Readers implements cardbridge.Transport.
func (s *Slots) Readers(context.Context) ([]cardbridge.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]cardbridge.Reader, 0, len(s.slots))
	for _, x := range s.slots {
		r := cardbridge.Reader{Name: x.name, State: cardbridge.Empty, PINPad: x.pad, Stay: x.stay}
		switch {
		case x.mute:
			r.State = cardbridge.Mute
		case x.held != nil:
			r.State, r.ATR = cardbridge.Busy, x.card.ATR()
		case x.card != nil:
			r.State, r.ATR = cardbridge.Present, x.card.ATR()
		}
		list = append(list, r)
	}
	return list, nil
}

// Changed implements cardbridge.Transport.
func (s *Slots) Changed(ctx context.Context, seen []cardbridge.Reader) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		now, err := s.Readers(ctx)
		if err != nil || !slices.EqualFunc(now, seen, sameReader) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sameReader compares what a person sees; who holds a card is none of it.
func sameReader(a, b cardbridge.Reader) bool { return a.Name == b.Name && a.Stay == b.Stay }

// Connect implements cardbridge.Transport.
func (s *Slots) Connect(_ context.Context, reader string) (cardbridge.Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.slot(reader)
	switch {
	case x == nil:
		return nil, fault.New(fault.NotFound, cps.CodeNoReader, "no such reader")
	case x.mute:
		return nil, fault.New(fault.Unavailable, cps.CodeCardUnknown, "the card does not answer")
	case x.card == nil:
		return nil, fault.New(fault.NotFound, cps.CodeNoCard, "no card in the reader")
	case x.held != nil:
		return nil, fault.New(fault.Conflict, cps.CodeBusy, "another program holds the card")
	}
	x.held = &connection{bank: s, slot: x, card: x.card}
	return x.held, nil
}
