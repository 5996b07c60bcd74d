// Package browser drives the demonstration with a real Chromium: the journeys
// of a professional, with script and without, wide and narrow, by mouse and by
// keyboard alone, each page checked by axe-core.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// sheet is what the running demonstration says of itself.
type sheet struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	DMPURL        string `json:"dmp_url"`
	CardsURL      string `json:"cards_url"`
	AppURL        string `json:"app_url"`
	InboxURL      string `json:"inbox_url"`
	PortalURL     string `json:"portal_url"`
	Personas      []struct {
		Login, Name, Behaviour string
	} `json:"personas"`
	Clients []registered `json:"clients"`
}

// registered is a relying service of the demonstration.
type registered struct {
	ID           string   `json:"client_id"`
	RedirectURIs []string `json:"redirect_uris"`
}

func (s sheet) client(id string) registered {
	for _, c := range s.Clients {
		if c.ID == id {
			return c
		}
	}
	return registered{RedirectURIs: []string{"missing"}}
}

var (
	demo   sheet
	chrome string
	axe    string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser tests:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	var err error
	if chrome, err = exec.LookPath("chromium"); err != nil {
		if os.Getenv("CI") != "" {
			return 0, err
		}
		fmt.Println("SKIPPED, chromium is not installed: all browser tests")
		return 0, nil
	}
	source, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		return 0, err
	}
	axe = string(source)
	started, stop, err := demonstrate()
	if err != nil {
		return 0, err
	}
	demo = started
	return m.Run(), stop()
}

// demonstrate starts a demonstration of its own; stop ends it, and tells when it
// did not end well.
func demonstrate(more ...string) (s sheet, stop func() error, err error) {
	bin := os.Getenv("EGIDE_BIN")
	if bin == "" {
		bin = "../../bin/egide"
	}
	cmd := exec.Command(bin, append([]string{"demo", "--json", "--addr", "127.0.0.1:0"}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, nil, err
	}
	if err := cmd.Start(); err != nil {
		return s, nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return s, nil, fmt.Errorf("the demonstration said nothing: %w", cmd.Wait())
	}
	stop = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("the demonstration did not end well: %w", err)
		}
		return nil
	}
	if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
		return s, nil, errors.Join(err, stop())
	}
	return s, stop, nil
}

func persona(t *testing.T, behaviour string) string {
	t.Helper()
	for _, p := range demo.Personas {
		if p.Behaviour == behaviour {
			return p.Login
		}
	}
	t.Fatalf("no persona %s", behaviour)
	return ""
}

// screen is one fresh browser window.
type screen struct {
	t      *testing.T
	ctx    context.Context
	script bool
}

func open(t *testing.T, width, height int64, script bool, more ...chromedp.ExecAllocatorOption) *screen {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chrome), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("lang", "fr-FR"), chromedp.Flag("accept-lang", "fr-FR"), chromedp.UserDataDir(t.TempDir()),
		chromedp.Env("LANGUAGE=fr"),
	)
	options = append(options, more...)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil { // starts the browser, which lives as long as ctx
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(func() { cancelTime(); cancel(); cancelAllocator() })
	s := &screen{t: t, ctx: ctx, script: script}
	s.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
		return err
	}))
	return s
}

func (s *screen) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.shoot("failed")
		s.t.Fatalf("%v; at %s", err, s.where())
	}
}

// ask runs one action that gives a value.
func ask[T any](s *screen, a chromedp.Action[T]) T {
	s.t.Helper()
	v, err := chromedp.Run(s.ctx, a)
	if err != nil {
		s.shoot("failed")
		s.t.Fatalf("%v; at %s", err, s.where())
	}
	return v
}

func (s *screen) where() string {
	address, _ := chromedp.Run(s.ctx, chromedp.Location())
	body, _ := chromedp.Run(s.ctx, chromedp.OuterHTML(chromedp.CSS("body")))
	return address + "\n" + body
}

// shoot keeps a picture of the whole page among the outputs.
func (s *screen) shoot(name string) {
	s.t.Helper()
	png, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		s.t.Logf("no picture of %s: %v", name, err)
		return
	}
	file := filepath.Join("screenshots", strings.ReplaceAll(s.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.WriteFile(file, png, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// accessible keeps a picture, then fails on any violation that axe-core finds
// and on a page wider than its window.
func (s *screen) accessible(name string) {
	s.t.Helper()
	s.shoot(name)
	if !s.script {
		return // axe needs script; the same pages are checked with it
	}
	ask(s, chromedp.Evaluate[int](axe+";0"))
	report := ask(s, chromedp.Evaluate[string](
		`axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]})
			.then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.target.join(" ")).join(", ")).join("\n"))`,
		chromedp.EvalAwaitPromise))
	if report != "" {
		s.t.Errorf("%s: accessibility violations:\n%s", name, report)
	}
	if overflow := ask(s, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); overflow > 0 {
		s.t.Errorf("%s: page is %d px wider than the window", name, overflow)
	}
}
