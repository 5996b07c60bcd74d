package pin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Terminal asks on a console: for machines without a desktop, and for tests.
type Terminal struct {
	In  *os.File // echo is switched off while a PIN is typed
	Out io.Writer
}

// maxTyped bounds a line that is typed.
const maxTyped = 64

// PIN implements Prompter.
func (t Terminal) PIN(ctx context.Context, w Window) ([]byte, error) {
	text := "\n" + w.description() + "\n"
	if warning := w.warning(); warning != "" {
		text += warning + "\n"
	}
	restore, err := hideInput(t.In)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "the terminal would show the PIN", err)
	}
	defer restore()
	return t.line(ctx, text+w.prompt()+w.say(" (vide pour annuler) : ", " (empty to cancel): "))
}

// Confirm implements Prompter.
func (t Terminal) Confirm(ctx context.Context, w Window) error {
	answer, err := t.line(ctx, w.lastTry()+w.say(" (oui/non) ", " (yes/no) "))
	if err != nil {
		return err
	}
	if a := strings.ToLower(string(answer)); a != "oui" && a != "o" && a != "yes" && a != "y" {
		return cancelled()
	}
	return nil
}

// Choose implements Prompter.
func (t Terminal) Choose(ctx context.Context, w Window, readers []string) (int, error) {
	var b strings.Builder
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
func (t Terminal) OnPad(ctx context.Context, w Window) error {
	if _, err := fmt.Fprintln(t.Out, w.description()+"\n"+w.onPad()); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// line reads one line, or gives up with ctx; then a last line stays unread in
// the terminal, where nobody takes it for an answer: the reader below is gone.
func (t Terminal) line(ctx context.Context, prompt string) ([]byte, error) {
	if _, err := io.WriteString(t.Out, prompt); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "the terminal cannot be written", err)
	}
	type typed struct {
		line []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		line, err := bufio.NewReaderSize(io.LimitReader(t.In, maxTyped), maxTyped).ReadBytes('\n')
		done <- typed{line, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		line := bytes.TrimRight(got.line, "\r\n")
		if got.err != nil && !errors.Is(got.err, io.EOF) {
			return nil, fault.Wrap(fault.Unavailable, "", "the terminal cannot be read", got.err)
		}
		if len(line) == 0 {
			return nil, cancelled()
		}
		return line, nil
	}
}
