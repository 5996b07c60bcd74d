//go:build pcsc

package main

import (
	"context"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/pcsc"
	"github.com/egide-id/egide/internal/cardbridge/pcscdtest"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// surgery is a doctor with a real card service.
type surgery struct {
	*pcscdtest.Daemon
	t       *testing.T
	readers cardbridge.Transport
	now     time.Time
	cards   *pki.Authority
	config  string
	asked   atomic.Int32 // commands that carried a PIN
}

func newSurgery(t *testing.T) *surgery {
	t.Helper()
	d := pcscdtest.Start(t)
	readers, err := pcsc.Open(clock.System{})
	must(t, err)
	a, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048, Seed: []byte("doctor")})
	must(t, err)
	return &surgery{Daemon: d, t: t, readers: readers, now: clock.System{}.Now(), cards: a}
}

// issue makes a card that is valid from and to so many days from today.
func (s *surgery) issue(from, to int) igc.CardFile {
	s.t.Helper()
	file, err := s.cards.IssueCard(pki.CardOrder{
		Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE", NotBefore: s.now.AddDate(0, 0, from), NotAfter: s.now.AddDate(0, 0, to),
	})
	must(s.t, err)
	return file
}

// settled writes a configuration whose authorities are those of a.
func (s *surgery) settled(a *pki.Authority) string {
	s.t.Helper()
	dir := s.t.TempDir()
	trusted, err := a.TrustedIssuers(igc.Fort)
	must(s.t, err)
	ourselves, err := os.Executable()
	must(s.t, err)
	for name, text := range map[string]string{
		"authority.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted[0].Issuer.Raw})),
		"keys.json":     keySet,
		"config.yaml":   "providers: [{origin: 'https://login.example', jwks_file: keys.json}]\nissuers: .\nports: [0]\npinentry: " + ourselves + "\n",
	} {
		must(s.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return filepath.Join(dir, "config.yaml")
}

// insert puts a card into the first reader and waits until PC/SC has seen it.
func (s *surgery) insert(file igc.CardFile, tries int) (pull func()) {
	s.t.Helper()
	e, err := softcard.New(file, softcard.Options{Tries: tries})
	must(s.t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- softcard.Vpcd(ctx, s.Addresses[0], e, func(_ int, command []byte) softcard.Event {
			const verify, withData = 0x20, 5
			if len(command) > withData && command[1] == verify {
				s.asked.Add(1)
			}
			return softcard.Answer
		})
	}()
	s.until(cardbridge.Present)
	return func() {
		stop()
		must(s.t, <-done)
		s.until(cardbridge.Empty)
	}
}

func (s *surgery) until(want cardbridge.State) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for {
		seen, err := s.readers.Readers(ctx)
		must(s.t, err)
		if len(seen) > 0 && seen[0].State == want {
			return
		}
		must(s.t, s.readers.Changed(ctx, seen))
	}
}

// examine gives what the doctor says and whether it is content.
func (s *surgery) examine(french bool) (string, bool) {
	s.t.Helper()
	var out strings.Builder
	err := doctorCmd{settingsFlags{Config: s.config}}.Run(&app{Ctx: s.t.Context(), Out: &out, Clock: clock.System{}, French: french})
	return out.String(), err == nil
}

// Each state of a card has its sentence, in both languages; none costs a try.
func TestDoctorExaminesCards(t *testing.T) {
	s := newSurgery(t)
	stranger, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048, Seed: []byte("stranger")})
	must(t, err)
	ours, theirs := s.settled(s.cards), s.settled(stranger)
	good := s.issue(-1, 100)
	model := func(name string) igc.CardFile {
		file := good
		file.Model = name
		return file
	}
	until := s.now.AddDate(0, 0, 100).Format("2006-01-02")
	for _, c := range []struct {
		name   string
		card   *igc.CardFile
		tries  int
		config string
		good   bool
		fr, en string
	}{
		{"CPS3", &good, 0, ours, true, "ok  Carte: cps3, 3 essais, valable jusqu'au " + until, "ok  Card: cps3, 3 tries, valid until " + until},
		{"CPS4", new(model("cps4")), 0, ours, true, "ok  Carte: cps4, 3 essais", "ok  Card: cps4, 3 tries"},
		{"one try left", &good, 1, ours, true, "cps3, 1 ", "cps3, 1 "},
		{"blocked", &good, -1, ours, false, "code bloqué : débloquez", "PIN blocked: unblock"},
		{"expired", new(s.issue(-100, -1)), 0, ours, false, "carte expirée : utilisez", "card expired: use"},
		{"not begun", new(s.issue(10, 100)), 0, ours, false, "pas encore valable : vérifiez la date", "not valid yet: check"},
		{"contactless", new(model("cps3-contactless")), 0, ours, false, "carte sans contact : insérez-la", "contactless card: insert"},
		{"unknown authority", &good, 0, theirs, false, "d'aucune autorité", "of no authority"},
		{"no card", nil, 0, ours, false, "!!  Carte: insérez votre carte", "!!  Card: insert your card"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t, s.config = t, c.config
			if c.card != nil {
				defer s.insert(*c.card, c.tries)()
			}
			for french, want := range map[bool]string{true: c.fr, false: c.en} {
				if said, content := s.examine(french); content != c.good || !strings.Contains(said, want) {
					t.Errorf("content: %t, want %q in\n%s", content, want, said)
				}
			}
		})
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("a doctor sent %d PINs", n)
	}
}

// A computer without the service is told how to start it. It takes a process of
// its own: the library reads where the service is once and for all.
func TestDoctorWithoutPCSCD(t *testing.T) {
	a, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048, Seed: []byte("doctor")})
	must(t, err)
	s := &surgery{t: t}
	config := s.settled(a)
	ourselves, err := os.Executable()
	must(t, err)
	for lang, want := range map[string]string{"fr_FR.UTF-8": "!!  Service des cartes: démarrez pcscd", "C": "!!  Card service: start pcscd"} {
		cmd := exec.CommandContext(t.Context(), ourselves, "doctor", "--config", config)
		cmd.Env = append(os.Environ(), asProgram+"=1", "PCSCLITE_CSOCK_NAME="+filepath.Join(t.TempDir(), "nobody"), "LC_ALL="+lang)
		said, err := cmd.Output()
		if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(said), want) {
			t.Errorf("%v, %s", err, said)
		}
	}
}
