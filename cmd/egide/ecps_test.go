package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// Support from the command line: look, ask, confirm by another person. There is
// no command that invites a phone, sets a PIN or approves (S-61, PG-25).
func TestSupportFromTheCommandLine(t *testing.T) {
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
	ask := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append(append([]string{"ecps"}, args...), "--data", data), &out, &out)
		return code, out.String()
	}
	const doctor = "899700991021"
	code, out := ask("why", doctor, "--operator", "anna")
	if code != 0 || !strings.Contains(out, "device    ok") || !strings.Contains(out, "bac à sable") {
		t.Fatalf("%d %s", code, out)
	}
	letters := regexp.MustCompile(`code ([A-Z]{6})`).FindStringSubmatch(out)
	if letters == nil {
		t.Fatal(out)
	}
	if code, again := ask("why", strings.ToLower(letters[1]), "--operator", "anna"); code != 0 || !strings.Contains(again, letters[1]) || !strings.Contains(again, doctor) {
		t.Errorf("by its letters: %d %s", code, again)
	}
	code, out = ask("suspend", doctor, "--case", "2026-1181", "--operator", "anna")
	order := regexp.MustCompile(`confirm ([A-Z]{6})`).FindStringSubmatch(out)
	if code != 0 || order == nil {
		t.Fatalf("%d %s", code, out)
	}
	if code, out := ask("confirm", order[1], "--operator", "anna"); code != 1 || !strings.Contains(out, "another one") {
		t.Errorf("the same person: %d %s", code, out)
	}
	if code, out := ask("confirm", order[1], "--operator", "bea"); code != 0 || !strings.Contains(out, "done: suspend") {
		t.Errorf("%d %s", code, out)
	}
	if _, out := ask("why", doctor, "--operator", "anna"); !strings.Contains(out, "BROKEN PF-EC-016") || !strings.Contains(out, "suspended") {
		t.Error(out)
	}
	if code, _ := ask("invite", doctor); code != 2 {
		t.Error("phones are invited by command")
	}
}
