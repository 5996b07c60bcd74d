package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

func issue(t *testing.T) igc.CardFile {
	t.Helper()
	a, err := pki.New(pki.Options{Clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), Bits: 2048, Seed: []byte("card-bridge test")})
	must(t, err)
	file, err := a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE"})
	must(t, err)
	return file
}

// slot is a virtual reader: cards connect to it.
type slot struct {
	net.Listener
	t *testing.T
}

// seen waits for a card and gives its answer to reset.
func (s slot) seen() (net.Conn, []byte) {
	s.t.Helper()
	conn, err := s.Accept()
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() }) // the card closes it too
	_, err = conn.Write([]byte{0, 1, 4})
	must(s.t, err)
	atr := make([]byte, 2+17)
	_, err = io.ReadFull(conn, atr)
	must(s.t, err)
	return conn, atr[2:]
}

// A script pulls the card and puts it back; what it mistypes changes nothing.
func TestSoftcardMovesAsToldLineByLine(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	reader := slot{Listener: l, t: t}
	t.Cleanup(func() { must(t, l.Close()) })
	card, err := softcard.New(issue(t), softcard.Options{})
	must(t, err)
	var out bytes.Buffer
	orders, done := make(chan string), make(chan error, 1)
	cmd := softcardCmd{Reader: l.Addr().String()}
	go func() { done <- cmd.move(&app{Ctx: t.Context(), Out: &out}, card, orders) }()

	first, atr := reader.seen()
	if !bytes.Equal(atr, card.ATR()) {
		t.Errorf("% x", atr)
	}
	orders <- "eject"
	orders <- ""
	_, err = first.Write([]byte{0, 1, 4})
	must(t, err)
	_, err = io.ReadFull(first, make([]byte, 2+17))
	must(t, err) // it is still there
	orders <- "remove"
	if _, err := io.ReadFull(first, make([]byte, 1)); err == nil {
		t.Error("the card is still there")
	}
	orders <- "insert"
	second, _ := reader.seen()
	orders <- "quit"
	must(t, <-done)
	if _, err := io.ReadFull(second, make([]byte, 1)); err == nil {
		t.Error("the card stays behind")
	}
	for _, said := range []string{"card inserted at " + cmd.Reader, "say insert, remove or quit", "card removed"} {
		if !strings.Contains(out.String(), said) {
			t.Errorf("%q is not said in %q", said, out.String())
		}
	}
}

// A program without input plays the card until it is stopped.
func TestSoftcardStaysWithoutInput(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	card, err := softcard.New(issue(t), softcard.Options{})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- softcardCmd{Reader: l.Addr().String()}.move(&app{Ctx: ctx, Out: io.Discard}, card, lines(ctx, strings.NewReader("")))
	}()
	slot{Listener: l, t: t}.seen()
	stop()
	must(t, <-done)
}

func TestSoftcardFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.json")
	must(t, issue(t).Save(file))
	for name, args := range map[string][]string{
		"no reader":     {"softcard", "--card", file, "--reader", "127.0.0.1:1"},
		"no card file":  {"softcard", "--card", file + "x"},
		"unknown model": {"softcard", "--card", file, "--model", "cps5"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &stderr); code == 0 || stderr.Len() == 0 {
			t.Errorf("%s: code %d, %q", name, code, stderr.String())
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
