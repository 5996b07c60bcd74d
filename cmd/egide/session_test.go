package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// An operator sees what a holder has open and ends it, with a reason.
func TestLO8SessionsFromTheCommandLine(t *testing.T) {
	data := t.TempDir()
	d, err := demo.Start(t.Context(), demo.Options{Addr: "127.0.0.1:0", DataDir: data, Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	who := d.Sheet().Personas[0].Login
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.SignIn(d.Sheet().PortalURL+"/login", who)
	ask := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append(append([]string{"session"}, args...), "--data", data, "--operator", "anna"), &out, &out)
		return code, out.String()
	}
	if code, out := ask("list", who); code != 0 || !strings.Contains(out, "Mon e-CPS") || !strings.Contains(out, "ecps") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := ask("end", who); code != 2 {
		t.Errorf("without a case: %d %s", code, out)
	}
	if code, out := ask("end", who, "--case", "2026-1181"); code != 0 || !strings.Contains(out, "1 session(s) of "+who) {
		t.Errorf("%d %s", code, out)
	}
	if code, out := ask("list", who); code != 0 || strings.Contains(out, "Mon e-CPS") {
		t.Errorf("still open: %d %s", code, out)
	}
	if code, _ := ask("end", "899700000000", "--case", "x"); code != 1 {
		t.Error("an unknown identifier")
	}
	b.Get(d.Sheet().PortalURL)
	if b.Page.Has("who") {
		t.Error("the browser is still inside")
	}
}
