package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What follows runs everything for real but the plastic: a pcscd with a virtual
// reader, a card that answers APDUs, the bridge as installed, a pinentry program,
// and Chromium. Every process is one that a person would start.

// readerPort is where the virtual reader waits for a card; its second slot is one above.
// It lies below the ports that the system gives to other programs.
const readerPort = 0x7300

// desk is one workplace: provider, service, reader and bridge.
type desk struct {
	t     *testing.T
	sheet sheet
	cards string // folder of card files
	pins  string // what the holder types next, a line a window
}

// program starts a child that ends with the test; it gives its standard input
// and its first line.
func program(t *testing.T, env []string, name string, args ...string) (io.Writer, string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		stop()
		t.Fatalf("%s said nothing: %v", name, cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the program
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it ends by our signal
	})
	return in, first
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// service starts pcscd; there can be one on a machine, and other suites wait for
// the same lock.
func service(t *testing.T) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "egide-pcscd-test.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	t.Cleanup(func() { must(t, lock.Close()) })
	drivers, err := filepath.Glob("/usr/lib/pcsc/drivers/serial/libifdvpcd.so*")
	if err != nil || len(drivers) == 0 {
		t.Fatal("the virtual reader is not installed: apt-get install vsmartcard-vpcd")
	}
	dir := t.TempDir()
	conf := fmt.Sprintf("FRIENDLYNAME \"Lecteur virtuel\"\nDEVICENAME /dev/null:0x%x\nLIBPATH %s\nCHANNELID 0x%x\n", readerPort, drivers[0], readerPort)
	must(t, os.WriteFile(filepath.Join(dir, "readers"), []byte(conf), 0o600))
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "pcscd", "--foreground", "--config", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	must(t, cmd.Start())
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it ends by our signal
	})
	wanted := fmt.Sprintf(":%04X ", readerPort+1)
	eventually(t, "pcscd", func() bool {
		b, err := os.ReadFile("/proc/net/tcp")
		return err == nil && strings.Contains(string(b), wanted)
	})
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); <-tick.C {
		if ready() {
			return
		}
	}
	t.Fatalf("%s: not within 15 s", what)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { must(t, l.Close()) }()
	return l.Addr().(*net.TCPAddr).Port
}

// newDesk starts everything but the card.
func newDesk(t *testing.T) *desk {
	t.Helper()
	service(t)
	d := &desk{t: t, cards: t.TempDir(), pins: filepath.Join(t.TempDir(), "pins")}
	d.types()
	provider, bridge := freePort(t), freePort(t)
	origin := fmt.Sprintf("http://127.0.0.1:%d", provider)
	_, line := program(t, nil, binary("EGIDE_BIN", "egide"), "demo", "--json", "--addr", origin[len("http://"):], "--no-bridge",
		"--bridge-port", fmt.Sprint(bridge), "--cards", d.cards)
	must(t, json.Unmarshal([]byte(line), &d.sheet))
	pinentry, err := filepath.Abs("testdata/pinentry.sh")
	must(t, err)
	program(t, []string{"PINENTRY_PINS=" + d.pins, "LANG=fr_FR.UTF-8"}, binary("CARD_BRIDGE_BIN", "card-bridge"), "run",
		"--port", fmt.Sprint(bridge), "--pinentry", pinentry,
		"--allow-origin", origin+"="+origin+"/auth/realms/esante-wallet/protocol/openid-connect/certs")
	return d
}

func binary(variable, name string) string {
	if b := os.Getenv(variable); b != "" {
		return b
	}
	return "../../bin/" + name
}

// types says what the holder will type, a window a line.
func (d *desk) types(lines ...string) {
	d.t.Helper()
	text := strings.Join(lines, "\n")
	if text != "" {
		text += "\n"
	}
	must(d.t, os.WriteFile(d.pins, []byte(text), 0o600))
}

// shown is what the bridge's windows have shown so far.
func (d *desk) shown() string {
	b, err := os.ReadFile(d.pins + ".shown")
	if err != nil {
		return ""
	}
	return string(b)
}

// card puts a persona's card into a slot; write "remove" or "insert" to move it.
func (d *desk) card(login, model string, slot int) io.Writer {
	d.t.Helper()
	in, _ := program(d.t, nil, binary("CARD_BRIDGE_BIN", "card-bridge"), "softcard", "--card", d.file(login), "--model", model,
		"--reader", fmt.Sprintf("127.0.0.1:%d", readerPort+slot))
	return in
}

// file finds the card file of a persona by what it says inside.
func (d *desk) file(login string) string {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.cards, "*.json"))
	must(d.t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(d.t, err)
		var c struct {
			Holder string `json:"holder"`
		}
		must(d.t, json.Unmarshal(b, &c))
		if c.Holder == login {
			return f
		}
	}
	d.t.Fatalf("no card of %s in %v", login, files)
	return ""
}

// doctor is the persona of the first card.
const doctor = "899700991013"

// begin opens a browser at the card step.
func (d *desk) begin(t *testing.T) *screen {
	t.Helper()
	s := open(t, 1280, 900, true)
	s.do(chromedp.Navigate(d.sheet.DMPURL), chromedp.WaitVisible(id("login-egide")), chromedp.Click(id("login-egide")), chromedp.WaitVisible(id("submit-card")))
	s.do(chromedp.Click(id("submit-card")))
	return s
}

// says waits for the code of an alert and gives its text.
func (s *screen) says(code string) string {
	s.t.Helper()
	s.do(chromedp.WaitVisible(chromedp.CSS(`#alert[data-code="` + code + `"]`)))
	return ask(s, chromedp.Text(id("alert")))
}

// One workplace serves all that follows: starting it takes longest.
func TestCardThroughARealReader(t *testing.T) {
	d := newDesk(t)
	t.Run("CPS3, and pulled afterwards", func(t *testing.T) { d.loginAndPull(t, "cps3") })
	t.Run("CPS4, and pulled afterwards", func(t *testing.T) { d.loginAndPull(t, "cps4") })
	t.Run("card comes late", d.cardComesLate)
	t.Run("pulled while the window is open", d.pulledAtTheWindow)
	t.Run("two readers", d.twoReaders)
	t.Run("wrong PIN to blocking", d.wrongPINToBlocking)
}

// loginAndPull: the DMP opens; the card leaves; within a second nothing is open.
func (d *desk) loginAndPull(t *testing.T, model string) {
	at := &desk{t: t, sheet: d.sheet, cards: d.cards, pins: d.pins}
	at.types("1234")
	hand := at.card(doctor, model, 0)
	s := at.begin(t)
	s.do(chromedp.WaitVisible(id("consult")))
	s.accessible("dmp-by-card")
	s.do(chromedp.Click(id("consult")), chromedp.WaitVisible(id("dmp-decision")))
	if got := ask(s, chromedp.AttributeValue(id("dmp-decision"), "data-decision")).Value; got != "granted" {
		t.Fatalf("decision %q", got)
	}
	window := at.shown()
	for _, want := range []string{"Service : ", "Lecteur : Lecteur virtuel", at.origin()} {
		if !strings.Contains(window, want) {
			t.Errorf("the window lacks %q: %s", want, window)
		}
	}
	if at.over(s) {
		t.Fatal("the session does not serve a second service")
	}
	pulled := time.Now()
	_, err := io.WriteString(hand, "remove\n")
	must(t, err)
	eventually(t, "the session's end", func() bool { return at.over(s) })
	t.Logf("%s: over %v after the card was pulled", model, time.Since(pulled).Round(time.Millisecond))
}

func (d *desk) origin() string {
	origin, _, _ := strings.Cut(d.sheet.Issuer, "/auth/")
	return origin
}

// over asks the provider, with the browser's own cookies, whether it would still
// sign this person in to another service: a live session answers at once and
// leads to a service that nobody serves here, an ended one to the login page.
func (d *desk) over(s *screen) bool {
	s.t.Helper()
	other := d.origin() + "/auth?response_type=code&client_id=demo-psc&redirect_uri=http%3A%2F%2F127.0.0.1%3A9401%2Fcallback&scope=openid%20scope_all&acr_values=eidas1&state=s&nonce=n"
	if err := chromedp.Do(s.ctx, chromedp.Navigate(other)); err != nil {
		return false
	}
	return strings.Contains(ask(s, chromedp.OuterHTML(chromedp.CSS("body"))), `id="submit-card"`)
}

// cardComesLate: the page says what is missing and goes on by itself.
func (d *desk) cardComesLate(t *testing.T) {
	at := &desk{t: t, sheet: d.sheet, cards: d.cards, pins: d.pins}
	at.types("1234")
	s := at.begin(t)
	s.do(chromedp.WaitVisible(chromedp.CSS(`[data-link="card"][data-state="now"]`)))
	s.accessible("card-missing")
	at.card(doctor, "cps3", 0)
	s.do(chromedp.WaitVisible(id("consult")))
}

// pulledAtTheWindow: the window goes with the card, and the page says why.
func (d *desk) pulledAtTheWindow(t *testing.T) {
	at := &desk{t: t, sheet: d.sheet, cards: d.cards, pins: d.pins}
	at.types("wait", "1234")
	hand := at.card(doctor, "cps3", 0)
	s := at.begin(t)
	s.do(chromedp.WaitVisible(chromedp.CSS(`[data-link="pin"][data-state="now"]`)))
	eventually(t, "the window", func() bool { b, err := os.ReadFile(at.pins); return err == nil && !strings.Contains(string(b), "wait") })
	_, err := io.WriteString(hand, "remove\n")
	must(t, err)
	s.says("PF-CA-028")
	s.accessible("card-pulled")
	_, err = io.WriteString(hand, "insert\n")
	must(t, err)
	s.do(chromedp.Click(id("retry")), chromedp.WaitVisible(id("consult")))
}

// twoReaders: the holder says which card, and only that one is asked.
func (d *desk) twoReaders(t *testing.T) {
	at := &desk{t: t, sheet: d.sheet, cards: d.cards, pins: d.pins}
	at.types("1234")
	at.card(doctor, "cps3", 0)
	at.card("899700991047", "cps4", 1)
	s := at.begin(t)
	s.do(chromedp.WaitVisible(id("consult")))
	if window := at.shown(); !strings.Contains(window, "Lecteur 1 sur 2") {
		t.Errorf("the holder was not asked which reader: %s", window)
	}
}

// wrongPINToBlocking: what is left is said each time, and the last try is asked about.
func (d *desk) wrongPINToBlocking(t *testing.T) {
	at := &desk{t: t, sheet: d.sheet, cards: d.cards, pins: d.pins}
	at.card(doctor, "cps3", 0)
	at.types("9999")
	s := at.begin(t)
	if text := s.says("PF-CA-021"); !strings.Contains(text, "2 essais") {
		t.Errorf("the page says %q", text)
	}
	s.accessible("card-wrong-pin")
	at.types("9999", "9999")
	s.do(chromedp.Click(id("retry")))
	s.says("PF-CA-027")
	s.accessible("card-blocked")
	if window := at.shown(); !strings.Contains(window, "CONFIRM") || !strings.Contains(window, "1 essai") {
		t.Errorf("nobody was warned before the last try: %s", window)
	}
}
