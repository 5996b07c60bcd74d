package pin

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// scripted is a pinentry that answers one command as told, everything else with
// OK, and keeps what it was asked. Its process id is the first line kept.
type scripted struct {
	Pinentry
	kept string
}

func newScripted(t *testing.T, command, answer string) scripted {
	t.Helper()
	dir := t.TempDir()
	s := scripted{Pinentry{Program: filepath.Join(dir, "pinentry")}, filepath.Join(dir, "kept")}
	program := `#!/bin/sh
echo $$ > ` + s.kept + `
echo "OK ready"
while read -r line; do
  printf '%s\n' "$line" >> ` + s.kept + `
  case "$line" in
    "` + command + `"*) ` + answer + ` ;;
    *) echo OK ;;
  esac
done
`
	if err := os.WriteFile(s.Program, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// asked gives what the program was told, and its process.
func (s scripted) asked(t *testing.T) (lines []string, pid int) {
	t.Helper()
	b, err := os.ReadFile(s.kept)
	if err != nil {
		t.Fatal(err)
	}
	lines = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	pid, err = strconv.Atoi(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	return lines[1:], pid
}

// ended wants the process to be gone, and waited for.
func (s scripted) ended(t *testing.T) {
	t.Helper()
	if _, pid := s.asked(t); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		t.Errorf("process %d is still there", pid)
	}
}

var window = Window{Service: "Mon espace", Provider: "https://idp.example", Reader: "Lecteur", Tries: 2, Wrong: true, French: true}

func TestPINIsTyped(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"digits":            {`echo "D 1234"; echo OK`, "1234"},
		"escaped":           {`echo "D 12%2534%0a%0D"; echo OK`, "12%34\n\r"},
		"escape cut short":  {`echo "D 12%2"; echo OK`, "12%2"},
		"no escape":         {`echo "D 12%zz"; echo OK`, "12%zz"},
		"in two parts":      {`echo "D 12"; echo "D 34"; echo OK`, "1234"},
		"comment, status":   {`echo "# thinking"; echo "S PIN_REPEATED"; echo "D 1234"; echo OK`, "1234"},
		"nothing":           {`echo OK`, ""},
		"windows line ends": {`printf 'D 1234\r\nOK\r\n'`, "1234"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t, "GETPIN", c.answer)
			typed, err := s.PIN(t.Context(), window)
			if err != nil || string(typed) != c.want {
				t.Errorf("%q, %v", typed, err)
			}
			s.ended(t)
		})
	}
}

func TestPinentryShowsWhoAsks(t *testing.T) {
	s := newScripted(t, "GETPIN", `echo "D 1234"; echo OK`)
	if _, err := s.PIN(t.Context(), window); err != nil {
		t.Fatal(err)
	}
	lines, _ := s.asked(t)
	for _, want := range []string{
		"SETTITLE Carte professionnelle", "SETPROMPT Code porteur", "SETOK Continuer", "SETCANCEL Annuler",
		"SETDESC Service : Mon espace%0APage de connexion : https://idp.example%0ALecteur : Lecteur%0AEssais restants : 2",
		"SETERROR Code faux : il reste 2 essais avant blocage.",
	} {
		if !strings.Contains("\n"+strings.Join(lines, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("%q is missing in %q", want, lines)
		}
	}
}

// Whatever a service or reader is called, the program gets one description and
// no command of theirs.
func TestHostileNamesStayInTheDescription(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t, "GETPIN", `echo "D 1234"; echo OK`)
			if _, err := s.PIN(t.Context(), Window{Service: text, Provider: "https://idp.example", Reader: text, Tries: 3, French: true}); err != nil {
				t.Fatal(err)
			}
			lines, _ := s.asked(t)
			var commands []string
			for _, line := range lines {
				command, rest, _ := strings.Cut(line, " ")
				commands = append(commands, command)
				if command != "SETDESC" {
					continue
				}
				shown, err := url.PathUnescape(rest)
				if err != nil || strings.Count(shown, "\n") != 3 || len(line) >= maxLine { // Assuan takes no longer line
					t.Errorf("%q (%v)", shown, err)
				}
			}
			if got := strings.Join(commands, " "); got != "SETTITLE SETDESC SETPROMPT SETOK SETCANCEL GETPIN" {
				t.Errorf("the program was told %s", got)
			}
		})
	}
}

// How a window ends, in our words: pinentry's error codes carry its source in
// the upper bits.
func TestHowWindowsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		kind   fault.Kind
		code   string
	}{
		"cancelled":               {`echo "ERR 83886179 Operation cancelled <Pinentry>"`, fault.Denied, cps.CodeCancelled},
		"cancelled, without text": {`echo "ERR 99"`, fault.Unavailable, cps.CodeNoWindow}, // not as the protocol has it
		"fully cancelled":         {`echo "ERR 83886278 caller"`, fault.Denied, cps.CodeCancelled},
		"not confirmed":           {`echo "ERR 83886194 Not confirmed"`, fault.Denied, cps.CodeCancelled},
		"gave up":                 {`echo "ERR 83886142 Timeout"`, fault.Expired, cps.CodeTimeout},
		"no display":              {`echo "ERR 83886340 Invalid IPC response"`, fault.Unavailable, cps.CodeNoWindow},
		"dies":                    {`exit 1`, fault.Unavailable, cps.CodeNoWindow},
		"talks nonsense":          {`echo "HELLO"`, fault.Unavailable, cps.CodeNoWindow},
		"endless line":            {`head -c 100000 /dev/zero | tr '\0' x; echo`, fault.Unavailable, cps.CodeNoWindow},
		"PIN, then dies":          {`echo "D 73916428"; exit 1`, fault.Unavailable, cps.CodeNoWindow},
		"PIN, then no":            {`echo "D 73916428"; echo "ERR 83886179 Operation cancelled"`, fault.Denied, cps.CodeCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScripted(t, "GETPIN", c.answer)
			typed, err := s.PIN(t.Context(), window)
			if typed != nil || !fault.Is(err, c.kind) || fault.CodeOf(err) != c.code {
				t.Errorf("%q, %v", typed, err)
			}
			if err != nil && strings.Contains(err.Error(), "73916428") {
				t.Errorf("the PIN is in %q", err)
			}
			s.ended(t)
		})
	}
}

func TestQuestions(t *testing.T) {
	yes, no := "echo OK", `echo "ERR 83886194 Not confirmed"`
	if err := newScripted(t, "CONFIRM", yes).Confirm(t.Context(), window); err != nil {
		t.Error(err)
	}
	if err := newScripted(t, "CONFIRM", no).Confirm(t.Context(), window); fault.CodeOf(err) != cps.CodeCancelled {
		t.Error(err)
	}
	if i, err := newScripted(t, "CONFIRM", yes).Choose(t.Context(), window, []string{"A", "B"}); err != nil || i != 0 {
		t.Error(i, err)
	}
	second := newScripted(t, "SETDESC Lecteur 1", "refuse=1; echo OK ;;\n    CONFIRM) if [ -n \"$refuse\" ]; then "+no+"; else echo OK; fi")
	if i, err := second.Choose(t.Context(), window, []string{"A", "B"}); err != nil || i != 1 {
		t.Error(i, err)
	}
	if _, err := newScripted(t, "CONFIRM", no).Choose(t.Context(), window, []string{"A", "B"}); fault.CodeOf(err) != cps.CodeCancelled {
		t.Error(err)
	}
	if _, err := newScripted(t, "CONFIRM", "exit 1").Choose(t.Context(), window, []string{"A", "B"}); fault.CodeOf(err) != cps.CodeNoWindow {
		t.Error(err)
	}
}

func TestLastTryIsNamedInTheQuestion(t *testing.T) {
	s := newScripted(t, "CONFIRM", "echo OK")
	if err := s.Confirm(t.Context(), Window{Tries: 1, Reader: "R", French: true}); err != nil {
		t.Fatal(err)
	}
	lines, _ := s.asked(t)
	if all := strings.Join(lines, "\n"); !strings.Contains(all, "un code faux bloquera la carte") {
		t.Errorf("%q", all)
	}
}

// A pulled card or a closed page takes the window with it, even when a child of
// the program holds its output open.
func TestWindowDiesWithItsQuestion(t *testing.T) {
	for name, waits := range map[string]string{"waits": "read -r more", "in a child": "sleep 1000 & echo $! > \"$0.child\"; wait"} {
		t.Run(name, func(t *testing.T) {
			for call, ask := range map[string]func(context.Context, Pinentry) error{
				"GETPIN":  func(ctx context.Context, p Pinentry) error { _, err := p.PIN(ctx, window); return err },
				"CONFIRM": func(ctx context.Context, p Pinentry) error { return p.Confirm(ctx, window) },
			} {
				s := newScripted(t, call, waits)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- ask(ctx, s.Pinentry) }()
				until(t, call, func() bool {
					b, err := os.ReadFile(s.kept)
					return err == nil && strings.Contains(string(b), call)
				})
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", call, err)
				}
				s.ended(t)
				s.orphan(t)
			}
		})
	}
}

// orphan ends the child that a killed program has left.
func (s scripted) orphan(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(s.Program + ".child")
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("child %d had ended", pid)
	}
}

// until waits for a condition, and not for ever.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const patience = 10 * time.Second
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatal(what + " never came")
		}
		runtime.Gosched()
	}
}

// A page that was closed before its window came is no missing window.
func TestQuestionThatEndedBeforeItsWindow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newScripted(t, "GETPIN", "echo OK").PIN(ctx, window); !errors.Is(err, context.Canceled) || fault.CodeOf(err) != "" {
		t.Error(err)
	}
}

func TestMessageForThePINPadEndsWithoutAFault(t *testing.T) {
	s := newScripted(t, "MESSAGE", "read -r more")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.OnPad(ctx, window) }()
	until(t, "MESSAGE", func() bool {
		b, err := os.ReadFile(s.kept)
		return err == nil && strings.Contains(string(b), "MESSAGE")
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.ended(t)
}

func TestMissingProgram(t *testing.T) {
	for name, program := range map[string]string{"missing": filepath.Join(t.TempDir(), "pinentry"), "no program": t.TempDir()} {
		_, err := Pinentry{Program: program}.PIN(t.Context(), window)
		if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != cps.CodeNoWindow {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProgramThatRefusesToBegin(t *testing.T) {
	for name, body := range map[string]string{"ends": "exit 2", "says no": `echo "ERR 1 no display"`, "nonsense": "echo hello", "silent": "exec true"} {
		program := filepath.Join(t.TempDir(), "pinentry")
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := (Pinentry{Program: program}).PIN(t.Context(), window); fault.CodeOf(err) != cps.CodeNoWindow {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", "1234", "%31", "%", "%%", "%3", "%zz", "%0A%0d", "%25%32%35"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		plain := unescape(data)
		if len(plain) > len(data) {
			t.Errorf("%q grew to %q", data, plain)
		}
		var escaped []byte // as Assuan escapes
		for _, b := range data {
			if b == '%' || b == '\n' || b == '\r' {
				escaped = append(escaped, '%', "0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&15])
				continue
			}
			escaped = append(escaped, b)
		}
		if got := unescape(escaped); string(got) != string(data) {
			t.Errorf("%q comes back as %q", data, got)
		}
	})
}
