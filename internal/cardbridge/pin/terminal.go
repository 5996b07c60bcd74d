package pin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Terminal asks on a console: for machines without a desktop, and for tests.
type Terminal struct {
	in  *os.File // echo is switched off while a PIN is typed
	out io.Writer

	once  sync.Once
	typed chan []byte // lines, to whoever asks; ended with the input
}

// NewTerminal asks on in and out.
func NewTerminal(in *os.File, out io.Writer) *Terminal {
	return &Terminal{in: in, out: out, typed: make(chan []byte, 1)}
}

// maxTyped bounds a line that is typed.
const maxTyped = 64

// PIN implements Prompter.
func (t *Terminal) PIN(ctx context.Context, w Window) ([]byte, error) {
	text := "\n" + w.description() + "\n"
	if warning := w.warning(); warning != "" {
		text += warning + "\n"
	}
	restore, err := hideInput(t.in)
	if err != nil {
		return nil, noWindow(err)
	}
	defer restore()
	return t.line(ctx, text+w.prompt()+w.say(" (vide pour annuler) : ", " (empty to cancel): "))
}

// Confirm implements Prompter.
func (t *Terminal) Confirm(ctx context.Context, w Window) error {
	answer, err := t.line(ctx, "\n"+w.description()+"\n"+w.lastTry()+w.say(" (oui/non) ", " (yes/no) "))
	if err != nil {
		return err
	}
	if a := strings.ToLower(string(answer)); a != "oui" && a != "o" && a != "yes" && a != "y" {
		return cancelled()
	}
	return nil
}

// Choose implements Prompter.
func (t *Terminal) Choose(ctx context.Context, w Window, readers []string) (int, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", w.description())
	for i, name := range readers {
		fmt.Fprintf(&b, "%d  %s\n", i+1, clean(name))
	}
	answer, err := t.line(ctx, b.String()+w.say("Numéro du lecteur : ", "Number of the reader: "))
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(answer))
	if err != nil || n < 1 || n > len(readers) {
		return 0, cancelled()
	}
	return n - 1, nil
}

// OnPad implements Prompter.
func (t *Terminal) OnPad(ctx context.Context, w Window) error {
	if _, err := fmt.Fprintln(t.out, w.description()+"\n"+w.onPad()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// line asks and gives what is typed; it gives up with ctx.
func (t *Terminal) line(ctx context.Context, prompt string) ([]byte, error) {
	t.once.Do(func() { go t.read() })
	select {
	case stale := <-t.typed:
		clear(stale)
	default:
	}
	if _, err := io.WriteString(t.out, prompt); err != nil {
		return nil, noWindow(err)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case line, open := <-t.typed:
		if !open {
			return nil, noWindow(io.EOF)
		}
		if len(line) == 0 {
			return nil, cancelled()
		}
		return line, nil
	}
}

// hand keeps one line for whoever asks, and wipes what nobody has asked for.
func (t *Terminal) hand(line []byte) {
	select {
	case t.typed <- line:
	default:
		clear(line)
	}
}

// read is the one reader of the terminal. What is typed while nobody asks, after
// a window was closed, belongs to no window: the next one wipes it.
func (t *Terminal) read() {
	defer close(t.typed)
	line := make([]byte, 0, maxTyped)
	var key [1]byte
	for {
		n, err := t.in.Read(key[:])
		switch {
		case n == 1 && key[0] == '\n':
			t.hand(bytes.Clone(bytes.TrimRight(line, "\r")))
			clear(line)
			line = line[:0]
		case n == 1 && len(line) < maxTyped:
			line = append(line, key[0])
		}
		if err != nil {
			clear(line)
			return
		}
	}
}
