package pin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// console is a terminal and who sits at it.
type console struct {
	*testing.T
	*Terminal
	keys   *os.File // what is typed goes in here
	screen *screen
}

type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newConsole is a pseudo-terminal, or a pipe.
func newConsole(t *testing.T, pty bool) console {
	t.Helper()
	var in, keys *os.File
	var err error
	if pty {
		in, keys, err = openPTY()
	} else {
		in, keys, err = os.Pipe()
	}
	if err != nil {
		t.Fatal(err)
	}
	c := console{T: t, keys: keys, screen: &screen{}}
	c.Terminal = NewTerminal(in, c.screen)
	t.Cleanup(func() {
		_ = keys.Close() // some tests have closed it
		for range c.typed {
		} // until its reader has ended
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	c.once.Do(func() { go c.read() }) // for tests that ask nothing
	return c
}

func openPTY() (terminal, keys *os.File, err error) {
	keys, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(keys.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	return terminal, keys, err
}

// typing asks, and types once the prompt is there; a line that came a moment too
// early belonged to no question and is typed again.
func typing[T any](c console, text, prompt string, ask func(context.Context) (T, error)) (T, error) {
	c.Helper()
	type outcome struct {
		got T
		err error
	}
	done := make(chan outcome, 1)
	before := strings.Count(c.screen.String(), prompt)
	go func() {
		got, err := ask(c.Context())
		done <- outcome{got, err}
	}()
	until(c.T, prompt, func() bool { return strings.Count(c.screen.String(), prompt) > before })
	for {
		if _, err := c.keys.WriteString(text); err != nil {
			c.Fatal(err)
		}
		waits, cancel := context.WithTimeout(c.Context(), patienceOfTyping)
		select {
		case o := <-done:
			cancel()
			return o.got, o.err
		case <-waits.Done():
			cancel()
		}
	}
}

const patienceOfTyping = 200e6 // a fifth of a second

func (c console) pin(text string) (string, error) {
	c.Helper()
	typed, err := typing(c, text, window.prompt(), func(ctx context.Context) ([]byte, error) { return c.PIN(ctx, window) })
	return string(typed), err
}

func TestTerminalTakesThePIN(t *testing.T) {
	for _, pty := range []bool{true, false} {
		c := newConsole(t, pty)
		if typed, err := c.pin("1234\n"); typed != "1234" || err != nil {
			t.Errorf("%q, %v", typed, err)
		}
		if shown := c.screen.String(); !strings.Contains(shown, window.description()) || !strings.Contains(shown, window.warning()) {
			t.Errorf("%q", shown)
		}
	}
}

func TestTerminalDoesNotEchoThePIN(t *testing.T) {
	c := newConsole(t, true)
	echo := func() bool {
		now, err := unix.IoctlGetTermios(int(c.in.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return now.Lflag&unix.ECHO != 0
	}
	if !echo() {
		t.Fatal("a terminal without echo")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := c.PIN(ctx, window); ended <- err }()
	until(t, "prompt", func() bool { return strings.Contains(c.screen.String(), window.prompt()) })
	if echo() {
		t.Error("the PIN would be seen")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || !echo() {
		t.Errorf("%v, echo %t", err, echo())
	}
	if typed, err := c.pin("1234\n"); typed != "1234" || err != nil { // the window after it
		t.Errorf("%q, %v", typed, err)
	}
}

func TestTerminalCancel(t *testing.T) {
	c := newConsole(t, false)
	if _, err := c.pin("\n"); fault.CodeOf(err) != cps.CodeCancelled {
		t.Error(err)
	}
}

func TestTerminalWindowsLineEnd(t *testing.T) {
	c := newConsole(t, false)
	if typed, err := c.pin("1234\r\n"); typed != "1234" || err != nil {
		t.Errorf("%q, %v", typed, err)
	}
}

// A line without end is cut, and can be no PIN.
func TestTerminalLineIsBounded(t *testing.T) {
	c := newConsole(t, false)
	if typed, err := c.pin(strings.Repeat("1", 4*maxTyped) + "\n"); len(typed) != maxTyped || err != nil {
		t.Errorf("%d characters, %v", len(typed), err)
	}
}

func TestTerminalThatCloses(t *testing.T) {
	c := newConsole(t, false)
	if err := c.keys.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PIN(t.Context(), window); fault.CodeOf(err) != cps.CodeNoWindow {
		t.Error(err)
	}
	if err := c.Confirm(t.Context(), window); fault.CodeOf(err) != cps.CodeNoWindow {
		t.Error(err)
	}
}

func TestTerminalQuestions(t *testing.T) {
	for typed, yes := range map[string]bool{"oui\n": true, "O\n": true, "yes\n": true, "y\n": true, "non\n": false, "1234\n": false, "\n": false} {
		c := newConsole(t, false)
		_, err := typing(c, typed, "(oui/non)", func(ctx context.Context) (int, error) { return 0, c.Confirm(ctx, window) })
		if yes != (err == nil) || !yes && fault.CodeOf(err) != cps.CodeCancelled {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

func TestTerminalChoose(t *testing.T) {
	for typed, want := range map[string]int{"1\n": 0, "2\n": 1, "0\n": -1, "3\n": -1, "-1\n": -1, "deux\n": -1, "\n": -1} {
		c := newConsole(t, false)
		i, err := typing(c, typed, "Numéro du lecteur", func(ctx context.Context) (int, error) {
			return c.Choose(ctx, window, []string{"Premier", "Second\x1b[2J"})
		})
		if (want < 0) != (fault.CodeOf(err) == cps.CodeCancelled) || want >= 0 && (i != want || err != nil) {
			t.Errorf("%q: %d, %v", typed, i, err)
		}
		if shown := c.screen.String(); !strings.Contains(shown, "1  Premier\n2  Second") || strings.Contains(shown, "\x1b") {
			t.Errorf("%q", shown)
		}
	}
}

// What is typed after a window was closed is no answer to the next one.
func TestTerminalForgetsWhatNobodyAskedFor(t *testing.T) {
	c := newConsole(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.PIN(ctx, window); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := c.keys.WriteString("9999\n8888\n"); err != nil {
		t.Fatal(err)
	}
	until(t, "stale line", func() bool { // with the second off the pipe, the first is dealt with
		n, err := unix.IoctlGetInt(int(c.in.Fd()), unix.TIOCINQ)
		return err == nil && n == 0
	})
	if typed, err := c.pin("1234\n"); typed == "9999" || err != nil {
		t.Errorf("%q, %v", typed, err)
	}
}

func TestTerminalMessageForThePINPad(t *testing.T) {
	c := newConsole(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.OnPad(ctx, window) }()
	until(t, "message", func() bool { return strings.Contains(c.screen.String(), "clavier du lecteur") })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Digits typed before a window, or into one that was closed, are no part of the
// next PIN: they would cost a try.
func TestTerminalForgetsDigitsOfNoWindow(t *testing.T) {
	c := newConsole(t, true)
	if _, err := c.keys.WriteString("12"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c.keys, make([]byte, 2)); err != nil { // their echo: the terminal has them
		t.Fatal(err)
	}
	if typed, err := c.pin("1234\n"); typed != "1234" || err != nil {
		t.Errorf("%q, %v", typed, err)
	}
}
