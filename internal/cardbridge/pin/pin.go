// Package pin is the bridge's own window: where the holder sees who asks and
// types his code, never in a page. Pinentry shows it on a desktop, Terminal on a
// console; a reader with keys of its own needs only a message.
package pin

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Prompter asks the holder. Each call ends with ctx.
// Errors: fault.Denied with CodeCancelled when he says no; fault.Expired with
// CodeTimeout when the window gave up; fault.Unavailable with CodeNoWindow when
// none can be shown.
type Prompter interface {
	// PIN gives what he typed; the caller wipes it.
	PIN(ctx context.Context, w Window) ([]byte, error)
	// Confirm asks before the last try, after which the card is blocked.
	Confirm(ctx context.Context, w Window) error
	// Choose lets him take one of several readers, by its place.
	Choose(ctx context.Context, w Window, readers []string) (int, error)
	// OnPad shows, until ctx ends, that the code is typed on the reader.
	OnPad(ctx context.Context, w Window) error
}

// Window is what the holder must see before he types.
type Window struct {
	Service  string // asking service, as the provider names it
	Provider string // origin of the login page
	Reader   string
	Tries    int  // left before the card is blocked
	Wrong    bool // the code typed just before was wrong
	Length   bool // it had an impossible length, and was not sent
	Shortest int  // digits of a PIN
	Longest  int
	French   bool
}

// Texts come from the provider, the browser or a reader's maker: at most so
// many characters of them are shown.
const maxShown = 128

// clean makes a foreign text fit for one line of a window: no control
// characters, no line breaks, nothing that turns the writing direction.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > maxShown {
			b.WriteRune('…')
			break
		}
		switch {
		case !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r):
			r = '\ufffd'
		case r == '<': // some pinentries read markup
			r = '‹'
		case r == '>':
			r = '›'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (w Window) say(fr, en string) string {
	if w.French {
		return fr
	}
	return en
}

func (w Window) title() string { return w.say("Carte professionnelle", "Professional card") }

// description names service and provider, and once the card is open its reader
// and the tries left, each on its line.
func (w Window) description() string {
	lines := []string{
		w.say("Service : ", "Service: ") + clean(w.Service),
		w.say("Page de connexion : ", "Sign-in page: ") + clean(w.Provider),
	}
	if w.Reader != "" {
		lines = append(lines, w.say("Lecteur : ", "Reader: ")+clean(w.Reader),
			fmt.Sprintf(w.say("Essais restants : %d", "Tries left: %d"), w.Tries))
	}
	return strings.Join(lines, "\n")
}

func (w Window) prompt() string { return w.say("Code porteur", "Card PIN") }

// warning says what is left, when it matters.
func (w Window) warning() string {
	switch {
	case w.Wrong && w.Tries == 1:
		return w.say("Code faux : il reste 1 essai avant blocage.", "Wrong PIN: 1 try left before the card is blocked.")
	case w.Wrong:
		return fmt.Sprintf(w.say("Code faux : il reste %d essais avant blocage.", "Wrong PIN: %d tries left before the card is blocked."), w.Tries)
	case w.Length:
		return fmt.Sprintf(w.say("Le code a %d à %d chiffres. Il n'a pas été envoyé.", "A PIN has %d to %d digits. It was not sent."), w.Shortest, w.Longest)
	case w.Tries == 1:
		return w.say("Il reste 1 essai avant blocage.", "1 try left before the card is blocked.")
	}
	return ""
}

func (w Window) lastTry() string {
	return w.say("Il ne reste qu'un essai : un code faux bloquera la carte. Continuer ?", "Only one try is left: a wrong PIN blocks the card. Go on?")
}

func (w Window) onPad() string {
	return w.say("Saisissez votre code sur le clavier du lecteur.", "Type your PIN on the reader's keys.")
}

func (w Window) useReader(i, of int, name string) string {
	return fmt.Sprintf(w.say("Lecteur %d sur %d : %s\nUtiliser la carte de ce lecteur ?", "Reader %d of %d: %s\nUse the card in this reader?"), i+1, of, clean(name))
}

// noWindow is a window that cannot be shown, or broke down.
func noWindow(cause error) error {
	return fault.Wrap(fault.Unavailable, cps.CodeNoWindow, "the PIN window cannot be shown", cause)
}

// cancelled is the holder's no.
func cancelled() error { return fault.New(fault.Denied, cps.CodeCancelled, "the holder cancelled") }
