package card_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
)

// tampered is a card behind a reader that may answer in its place.
type tampered struct {
	cardbridge.Card
	before func(command []byte) []byte // nil: the card answers
	sent   [][]byte
}

func (l *tampered) Transmit(ctx context.Context, c []byte) ([]byte, error) {
	l.sent = append(l.sent, bytes.Clone(c))
	if answer := l.before(l.sent[len(l.sent)-1]); answer != nil {
		return answer, nil
	}
	return l.Card.Transmit(ctx, c)
}

func tamper(t *testing.T, s *softcard.Slots, before func([]byte) []byte) *tampered {
	t.Helper()
	link, err := s.Connect(t.Context(), reader)
	must(t, err)
	return &tampered{Card: link, before: before}
}

// recorded is what a whole login sends.
func recorded(t *testing.T, model string) [][]byte {
	t.Helper()
	link := tamper(t, insert(t, model, noOptions), func([]byte) []byte { return nil })
	_, _, err := loginTo(t.Context(), link, "1234")
	must(t, err)
	return link.sent
}

// The commands of a login, byte by byte, as cps-card.md section 4 has them.
// ".." stands for any rest.
func TestCommandsOfALogin(t *testing.T) {
	for _, model := range []string{"cps3", "cps4"} {
		t.Run(model, func(t *testing.T) {
			b, err := os.ReadFile("testdata/" + model + "_login.txt")
			must(t, err)
			var want []string
			for line := range strings.Lines(string(b)) {
				if line = strings.ReplaceAll(strings.TrimSpace(line), " ", ""); line != "" && line[0] != '#' {
					want = append(want, line)
				}
			}
			sent := recorded(t, model)
			for i, c := range sent {
				got := strings.ToUpper(hex.EncodeToString(c))
				if i >= len(want) || got != want[i] && (!strings.HasSuffix(want[i], "..") || !strings.HasPrefix(got, strings.TrimSuffix(want[i], ".."))) {
					t.Fatalf("command %d is %s", i+1, got)
				}
			}
			if len(sent) != len(want) {
				t.Errorf("%d commands, want %d", len(sent), len(want))
			}
		})
	}
}

// CPS4 whose channel answers at the second try only: the Cryptolib's detour by
// IDS and, on the basic channel, the CPS2ter application [C CL card-cps4.c].
func TestDetourToChipDoc(t *testing.T) {
	link := tamper(t, insert(t, "cps4", noOptions), nil)
	link.before = func([]byte) []byte {
		if len(link.sent) == 1 {
			return unhex("6A82")
		}
		return nil
	}
	_, _, err := loginTo(t.Context(), link, "1234")
	must(t, err)
	for i, want := range []string{"01A4040C088025000001FF0100", "01A4040C07A0000001510000", "00A4040C088025000001FF0002", "01A4040C088025000001FF0100"} {
		if !bytes.Equal(link.sent[i], unhex(want)) {
			t.Errorf("command %d: %x", i+1, link.sent[i])
		}
	}
}

// A CPS4 that speaks T=0 only: no length after data, answers are fetched.
func TestCPS4InT0(t *testing.T) {
	link := tamper(t, insert(t, "cps4", noOptions), func([]byte) []byte { return nil })
	slow := &t0{tampered: link}
	_, _, err := loginTo(t.Context(), slow, "1234")
	must(t, err)
	if slow.fetched == 0 {
		t.Error("nothing was fetched")
	}
}

// t0 makes a card of T=1 behave as T=0 has it.
type t0 struct {
	*tampered
	pending []byte
	fetched int
}

func (l *t0) ATR() []byte { return unhex("3BDC18FF0000122500648000040100 9000") }
func (l *t0) T0() bool    { return true }

func (l *t0) Transmit(ctx context.Context, c []byte) ([]byte, error) {
	if c[1] == 0xc0 {
		l.fetched++
		return append(l.pending, 0x90, 0x00), nil
	}
	answer, err := l.tampered.Transmit(ctx, c)
	if n := len(answer) - 2; err == nil && n > 0 && len(c) > 5 {
		if len(c) > 5+int(c[4]) {
			return unhex("6700"), nil
		}
		l.pending = answer[:n]
		return []byte{0x61, byte(n)}, nil
	}
	return answer, err
}

var _ cardbridge.Card = (*t0)(nil)

func TestKindOfTheSession(t *testing.T) {
	for model, want := range map[string]card.Kind{"cps3": card.CPS3, "cps4": card.CPS4} {
		s, err := connect(t, insert(t, model, noOptions))
		must(t, err)
		if s.Kind() != want {
			t.Errorf("%s is %s", model, s.Kind())
		}
	}
}
