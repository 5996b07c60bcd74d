package sandbox

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// CardDeps is what the cards need; all are required.
type CardDeps struct {
	Authority *pki.Authority
	Dir       string // keeps the cards once they are made
	Clock     clock.Clock
	Log       *slog.Logger
}

// Cards are the cards of all personas, two readers on the desk, and the holder
// who types. A bridge meets them as real ones: Transport carries its APDUs,
// Holder answers its windows.
type Cards struct {
	deps  CardDeps
	bank  *softcard.Slots
	life  context.Context
	end   context.CancelFunc
	pulls sync.WaitGroup

	making sync.Mutex
	made   map[string]igc.CardFile // by persona's key

	mu      sync.Mutex
	in      map[string]*inserted // by reader
	count   int                  // insertions so far
	mistake map[string]bool      // personas whose next PIN is wrong
	window  *Window
}

// inserted is a card in a reader, from its insertion to its removal.
type inserted struct {
	who      Persona
	pin      string
	order    int  // a later insertion has a greater one
	mistaken bool // the window before got a wrong PIN on purpose
}

// readers are the names of the two readers.
func readers() []string { return []string{"Lecteur 1", "Lecteur 2"} }

// pullDelay is when the card of CardPulled leaves, after its PIN was typed.
const pullDelay = 3 * time.Second

// NewCards puts two empty readers on the desk.
func NewCards(d CardDeps) *Cards {
	life, end := context.WithCancel(context.Background())
	return &Cards{
		deps: d, bank: softcard.NewSlots(readers()...), life: life, end: end,
		made: map[string]igc.CardFile{}, in: map[string]*inserted{}, mistake: map[string]bool{},
	}
}

// Close forgets what was still to happen.
func (c *Cards) Close() {
	c.end()
	c.pulls.Wait()
}

// Transport reaches the readers.
func (c *Cards) Transport() cardbridge.Transport { return c.bank }

// Holder is who sits before the bridge's window.
func (c *Cards) Holder() pin.Prompter { return holder{c} }

// Insert puts the card of a persona (key or login) into the first empty reader,
// in its initial state: three tries, unless it is blocked by script. A card that
// is in a reader already is taken out and put in again.
// Errors: fault.NotFound, fault.Conflict when both readers are taken.
func (c *Cards) Insert(persona string) error {
	who, err := cardholder(persona)
	if err != nil {
		return err
	}
	file, err := c.card(who)
	if err != nil {
		return err
	}
	var o softcard.Options
	if who.Behaviour == CardPINBlocked {
		o.Tries = -1
	}
	card, err := softcard.New(file, o)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	reader := c.readerFor(who)
	if reader == "" {
		return fault.New(fault.Conflict, "", "both readers are taken: remove a card first")
	}
	c.count++
	c.in[reader] = &inserted{who: who, pin: file.PIN, order: c.count}
	c.bank.Insert(reader, card)
	return nil
}

// readerFor is where the card is, or else the first empty reader.
func (c *Cards) readerFor(who Persona) string {
	if at := c.where(who); at != "" {
		return at
	}
	i := slices.IndexFunc(readers(), func(r string) bool { return c.in[r] == nil })
	if i < 0 {
		return ""
	}
	return readers()[i]
}

// where is the reader that holds the card, empty if none does.
func (c *Cards) where(who Persona) string {
	for reader, x := range c.in {
		if x.who.Key == who.Key {
			return reader
		}
	}
	return ""
}

// Remove pulls the card of a persona; one that is in no reader stays away.
// Errors: fault.NotFound.
func (c *Cards) Remove(persona string) error {
	who, err := cardholder(persona)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pull(c.where(who))
	return nil
}

func (c *Cards) pull(reader string) {
	if reader != "" {
		delete(c.in, reader)
		c.bank.Remove(reader)
	}
}

// WrongPIN makes the holder mistype at the next window, and then give up, so
// that the page tells what is left. Errors: fault.NotFound.
func (c *Cards) WrongPIN(persona string) error {
	who, err := cardholder(persona)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mistake[who.Key] = true
	return nil
}

// pullLater is the script of CardPulled: this very insertion ends by itself.
func (c *Cards) pullLater(card *inserted) {
	fired, stop := c.deps.Clock.After(pullDelay)
	c.pulls.Go(func() {
		defer stop()
		select {
		case <-fired:
		case <-c.life.Done():
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for reader, x := range maps.Clone(c.in) {
			if x == card {
				c.pull(reader)
			}
		}
	})
}

// cardholder finds a persona with a card by key or login.
func cardholder(persona string) (Persona, error) {
	for _, p := range Personas() {
		if p.Card.Type != "" && (p.Key == persona || p.Login == persona) {
			return p, nil
		}
	}
	return Persona{}, fault.New(fault.NotFound, "", "no persona with a card is called "+persona)
}
