package main

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

func TestCardsFromTheCommandLine(t *testing.T) {
	d, err := demo.Start(t.Context(), demo.Options{
		Addr: "127.0.0.1:0", DataDir: t.TempDir(), Clock: clock.System{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		order string
		code  int
		says  string
	}{
		{"insert P1", 0, "P1, Camille EXEMPLE: Lecteur 1"},
		{"insert 500099900000029/ING012", 0, "P7, Louison LOGICIEL: Lecteur 2"},
		{"insert P2", 1, "both readers are taken"},
		{"wrong-pin P1", 0, "P1, Camille EXEMPLE: Lecteur 1"},
		{"remove 899700991013", 0, "P1, Camille EXEMPLE: in no reader"},
		{"list", 0, "card-pin-blocked"},
		{"insert P3", 1, "no persona with a card"},
	} {
		var out bytes.Buffer
		args := append([]string{"sandbox", "card"}, strings.Fields(c.order)...)
		if code := run(t.Context(), append(args, "--at", d.Sheet().CardsURL), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d %s", c.order, code, out.String())
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"sandbox", "card", "list", "--at", "http://127.0.0.1:1"}, &out, &out); code != 1 || !strings.Contains(out.String(), "no demonstration answers there") {
		t.Errorf("nobody there: %d %s", code, out.String())
	}
}
