package pin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os/exec"

	"github.com/twpayne/go-pinentry/v4"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Pinentry shows windows with an installed pinentry program (Assuan protocol).
type Pinentry struct {
	Program string // "pinentry" if empty
}

// PIN implements Prompter.
func (p Pinentry) PIN(ctx context.Context, w Window) ([]byte, error) {
	var typed []byte
	err := p.window(ctx, w, w.description(), func(c *pinentry.Client, run *program) error {
		_, err := c.GetPIN()
		typed, run.pin = run.pin, nil
		return err
	})
	if err != nil {
		clear(typed)
		return nil, err
	}
	return typed, nil
}

// Confirm implements Prompter.
func (p Pinentry) Confirm(ctx context.Context, w Window) error {
	return p.ask(ctx, w, w.description()+"\n\n"+w.lastTry())
}

// Choose implements Prompter: pinentry knows no lists, so one question a reader.
func (p Pinentry) Choose(ctx context.Context, w Window, readers []string) (int, error) {
	for i, name := range readers {
		err := p.ask(ctx, w, w.useReader(i, len(readers), name))
		if err == nil {
			return i, nil
		}
		if !fault.Is(err, fault.Denied) {
			return 0, err
		}
	}
	return 0, cancelled()
}

// OnPad implements Prompter.
func (p Pinentry) OnPad(ctx context.Context, w Window) error {
	err := p.window(ctx, w, w.description()+"\n\n"+w.onPad(), func(c *pinentry.Client, _ *program) error { return c.Message() })
	if ctx.Err() != nil {
		return nil // the reader has its answer: the window was closed by us
	}
	return err
}

func (p Pinentry) ask(ctx context.Context, w Window, question string) error {
	return p.window(ctx, w, question, func(c *pinentry.Client, _ *program) error {
		yes, err := c.Confirm("")
		if err == nil && !yes {
			return cancelled()
		}
		return err
	})
}

// window runs one pinentry for one question. It dies with ctx, so that a pulled
// card or a closed page takes its window with it.
func (p Pinentry) window(ctx context.Context, w Window, description string, ask func(*pinentry.Client, *program) error) error {
	name := p.Program
	if name == "" {
		name = "pinentry"
	}
	run := &program{ctx: ctx}
	c, err := pinentry.NewClient(
		pinentry.WithProcess(run), pinentry.WithBinaryName(name), pinentry.WithTitle(w.title()), pinentry.WithDesc(description),
		pinentry.WithPrompt(w.prompt()), pinentry.WithOK(w.say("Continuer", "Continue")), pinentry.WithCancel(w.say("Annuler", "Cancel")),
		warning(w),
	)
	if err == nil {
		err = ask(c, run)
	}
	run.stop()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.Is(err, fault.Denied):
		return err
	}
	return outcome(err)
}

// Codes of libgpg-error that a pinentry answers, without their source.
const (
	codeMask     = 0xffff
	timedOut     = 62
	canceled     = 99
	notConfirmed = 114
	fullCancel   = 198
)

// outcome tells the holder's no from a window that gave up or broke down.
func outcome(err error) error {
	said, ok := errors.AsType[*pinentry.AssuanError](err)
	if !ok {
		return noWindow(err)
	}
	switch int(said.Code) & codeMask {
	case canceled, notConfirmed, fullCancel:
		return cancelled()
	case timedOut:
		return fault.Wrap(fault.Expired, cps.CodeTimeout, "the window gave up", err)
	}
	return noWindow(err)
}

func warning(w Window) pinentry.ClientOption {
	text := w.warning()
	if text == "" {
		return nil
	}
	return pinentry.WithError(text)
}

// program is the pinentry process. It takes the line that carries the PIN for
// itself and gives the library an empty one: Go strings cannot be wiped.
type program struct {
	ctx   context.Context //nolint:containedctx // the process lives exactly as long as the question
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	pin   []byte

	release func() bool
}

// maxLine bounds a line of Assuan.
const maxLine = 1000

// Start implements pinentry.Process.
func (p *program) Start(name string, args []string) error {
	p.cmd = exec.CommandContext(p.ctx, name, args...) //nolint:gosec // the holder's own configuration names it
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.out = bufio.NewReaderSize(stdout, maxLine)
	// A child of the program may keep its output open: what is read must end all the same.
	p.release = context.AfterFunc(p.ctx, func() { _ = stdout.Close() })
	return p.cmd.Start()
}

// Write implements pinentry.Process.
func (p *program) Write(b []byte) (int, error) { return p.stdin.Write(b) }

// ReadLine implements pinentry.Process.
func (p *program) ReadLine() ([]byte, bool, error) {
	line, long, err := p.out.ReadLine()
	if err != nil || long {
		return nil, long, errors.Join(err, tooLong(long))
	}
	data, secret := bytes.CutPrefix(line, []byte("D "))
	if !secret {
		return line, false, nil
	}
	typed := unescape(data)
	p.pin = append(p.pin, typed...)
	clear(typed)
	clear(data)
	return line[:2], false, nil
}

func tooLong(long bool) error {
	if long {
		return errors.New("pinentry: a line is too long")
	}
	return nil
}

// unescape undoes the %XX of Assuan in a buffer of its own.
func unescape(data []byte) []byte {
	b := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] == '%' && i+2 < len(data) {
			var x [1]byte
			if _, err := hex.Decode(x[:], data[i+1:i+3]); err == nil {
				b = append(b, x[0])
				i += 2
				continue
			}
		}
		b = append(b, data[i])
	}
	return b
}

// Close implements pinentry.Process.
func (p *program) Close() error {
	p.stop()
	return nil
}

// stop ends the process and waits for it. Its exit code tells nothing: a window
// that we close dies of our signal.
func (p *program) stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	p.release()
	_ = p.stdin.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	clear(p.pin)
}
