package cards

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/igc"
)

const (
	origin = "https://wallet.example.org"
	number = igc.CardIssuer + "/2800000017"
)

// verdicts gives what a verifier found without a card: the verifier is proven in
// package cps, the life of a challenge here.
type verdicts struct {
	verdict cps.Verdict
	err     error
	asked   atomic.Int32
}

func (v *verdicts) Judge(_ context.Context, from string, _ [32]byte, _ []byte) (cps.Verdict, error) {
	v.asked.Add(1)
	if from != origin {
		return cps.Verdict{}, fault.New(fault.Invalid, cps.CodeSignature, "another origin")
	}
	return v.verdict, v.err
}

// plain gives a token that nobody verifies here.
type plain struct{}

func (plain) Sign(_ jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	return typ + "." + string(payload), nil
}

type desk struct {
	*Cards
	t       *testing.T
	clock   *clock.Manual
	audit   *audit.Memory
	verdict *verdicts
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), audit: &audit.Memory{}}
	d.verdict = &verdicts{verdict: cps.Verdict{Proven: true, Card: cps.Card{
		Holder: rpps.MustNationalID("899700990015"), Number: number, Type: igc.CPS, NotAfter: d.clock.Now().AddDate(1, 0, 0),
	}}}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: d.clock, Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, kv.Close()) })
	durable, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	must(t, err)
	t.Cleanup(func() { must(t, durable.Close()) })
	d.Cards, err = New(Deps{
		KV: kv, DB: durable, Keys: plain{}, Judge: d.verdict, Clock: d.clock, Rand: rand.Reader, Audit: d.audit, Log: log,
		Origin: origin, SessionLife: 4 * time.Hour,
	})
	must(t, err)
	return d
}

// ask gives the answer of the login that asked, and the challenge as the bridge reads it.
func (d *desk) ask(login string) (Answer, cps.Challenge) {
	d.t.Helper()
	token, id, err := d.Challenge(d.t.Context(), Ask{Login: login, Browser: "browser of " + login, Service: "DMP"})
	must(d.t, err)
	_, payload, _ := strings.Cut(token, ".")
	var c cps.Challenge
	must(d.t, json.Unmarshal([]byte(payload), &c))
	if c.ID != id || c.Issuer != origin || c.Txn == login || c.Expires-c.IssuedAt != 120 {
		d.t.Fatalf("challenge %+v", c)
	}
	return Answer{ID: id, Login: login, Browser: "browser of " + login, Body: []byte("{}")}, c
}

func removal(c cps.Challenge) cps.Removal { return cps.Removal{ID: c.ID, Secret: c.Removal} }

func (d *desk) wants(err error, kind fault.Kind, code string) {
	d.t.Helper()
	if !fault.Is(err, kind) || fault.CodeOf(err) != code {
		d.t.Errorf("%v, want %v %s", err, kind, code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReplayedChallenge(t *testing.T) {
	d := newDesk(t)
	a, _ := d.ask("login-1")
	_, err := d.Prove(t.Context(), a)
	must(t, err)
	_, err = d.Prove(t.Context(), a)
	d.wants(err, fault.Used, cps.CodeNotWaiting)
	if n := d.verdict.asked.Load(); n != 1 {
		t.Errorf("judged %d times", n)
	}
}

func TestFailedAnswerConsumesTheChallenge(t *testing.T) {
	d := newDesk(t)
	d.verdict.err = fault.New(fault.Denied, cps.CodeSignature, "wrong signature")
	a, _ := d.ask("login-1")
	_, err := d.Prove(t.Context(), a)
	d.wants(err, fault.Denied, cps.CodeSignature)
	d.verdict.err = nil
	_, err = d.Prove(t.Context(), a)
	d.wants(err, fault.Used, cps.CodeNotWaiting)
}

// A refused stranger does not spend the challenge of the one who waits.
func TestChallengeOfAnotherBrowser(t *testing.T) {
	d := newDesk(t)
	a, _ := d.ask("login-1")
	for name, foreign := range map[string]Answer{
		"browser": {ID: a.ID, Login: a.Login, Browser: "browser of login-2"},
		"login":   {ID: a.ID, Login: "login-2", Browser: a.Browser},
		"nobody":  {ID: a.ID},
	} {
		_, err := d.Prove(t.Context(), foreign)
		if d.wants(err, fault.Denied, cps.CodeForeign); t.Failed() {
			t.Fatal(name)
		}
	}
	_, err := d.Prove(t.Context(), a)
	must(t, err)
}

func TestInventedChallengeID(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"", "x", strings.Repeat("A", 22), strings.Repeat("A", 21) + "=", "cps.challenge:" + strings.Repeat("A", 22), strings.Repeat("A", 4000), "../../etc"} {
		_, err := d.Prove(t.Context(), Answer{ID: id, Login: "login-1"})
		d.wants(err, fault.NotFound, cps.CodeNotWaiting)
	}
}

func TestExpiredChallenge(t *testing.T) {
	d := newDesk(t)
	a, _ := d.ask("login-1")
	d.clock.Advance(cps.ChallengeLife)
	_, err := d.Prove(t.Context(), a)
	d.wants(err, fault.Expired, cps.CodeNotWaiting)
}

func TestHundredAnswersAtOnceGiveOneLogin(t *testing.T) {
	d := newDesk(t)
	a, _ := d.ask("login-1")
	var won atomic.Int32
	var running sync.WaitGroup
	for range 100 {
		running.Go(func() {
			if _, err := d.Prove(t.Context(), a); err == nil {
				won.Add(1)
			} else if !fault.Is(err, fault.Used) {
				t.Errorf("%v", err)
			}
		})
	}
	running.Wait()
	if won.Load() != 1 {
		t.Errorf("%d logins of one challenge", won.Load())
	}
}

// Whichever comes first, the card's leaving or the login: nothing stays open.
func TestPulledCard(t *testing.T) {
	pull := func(d *desk, c cps.Challenge) string {
		sid, err := d.Pull(t.Context(), removal(c))
		must(t, err)
		return sid
	}
	t.Run("before the answer", func(t *testing.T) {
		d := newDesk(t)
		a, c := d.ask("login-1")
		pull(d, c)
		_, err := d.Prove(t.Context(), a)
		d.wants(err, fault.Denied, cps.CodePulled)
	})
	t.Run("while it is judged", func(t *testing.T) {
		d := newDesk(t)
		a, c := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		must(t, err)
		pull(d, c)
		d.wants(d.Open(t.Context(), a.ID, "sid-1", number), fault.Denied, cps.CodePulled)
	})
	t.Run("after the login, reported twice", func(t *testing.T) {
		d := newDesk(t)
		a, c := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		must(t, err)
		must(t, d.Open(t.Context(), a.ID, "sid-1", number))
		if first, again := pull(d, c), pull(d, c); first != "sid-1" || again != "sid-1" {
			t.Errorf("sessions %q, %q", first, again)
		}
	})
	t.Run("hours later", func(t *testing.T) {
		d := newDesk(t)
		a, c := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		must(t, err)
		must(t, d.Open(t.Context(), a.ID, "sid-1", number))
		d.clock.Advance(3 * time.Hour)
		if sid := pull(d, c); sid != "sid-1" {
			t.Errorf("session %q", sid)
		}
	})
	t.Run("sessions are kept", func(t *testing.T) {
		d := newDesk(t)
		d.KeepSessions = true
		a, c := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		must(t, err)
		must(t, d.Open(t.Context(), a.ID, "sid-1", number))
		if sid := pull(d, c); sid != "" {
			t.Errorf("session %q", sid)
		}
	})
}

func TestRemovalByAStranger(t *testing.T) {
	d := newDesk(t)
	a, c := d.ask("login-1")
	_, other := d.ask("login-2")
	for _, secret := range []string{"", "guess", other.Removal, hash(c.Removal)} {
		_, err := d.Pull(t.Context(), cps.Removal{ID: c.ID, Secret: secret})
		d.wants(err, fault.Denied, "")
	}
	if sid, err := d.Pull(t.Context(), cps.Removal{ID: "unknown", Secret: c.Removal}); sid != "" || err != nil {
		t.Errorf("%q %v", sid, err)
	}
	_, err := d.Prove(t.Context(), a)
	must(t, err)
}

func TestCardInOpposition(t *testing.T) {
	d := newDesk(t)
	prove := func() error {
		a, _ := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		if err == nil {
			must(t, d.Open(t.Context(), a.ID, "sid-"+a.ID, number))
		}
		return err
	}
	must(t, prove())
	must(t, prove())
	known, err := d.Oppose(t.Context(), Opposition{Operator: "o1", Number: "2800000017", Reason: "lost"})
	must(t, err)
	if known.Number != number || known.Holder != "899700990015" || known.Kind != "CPS" || known.Opposed.IsZero() {
		t.Errorf("%+v", known)
	}
	d.wants(prove(), fault.Denied, cps.CodeOpposed)
	if sids, err := d.Sessions(t.Context(), number); err != nil || len(sids) != 2 {
		t.Errorf("sessions %v, %v", sids, err)
	}
	for _, holder := range []rpps.NationalID{{}, rpps.MustNationalID("899700990015")} {
		if list, err := d.List(t.Context(), holder); err != nil || len(list) != 1 || list[0].Reason != "lost" {
			t.Errorf("list %+v, %v", list, err)
		}
	}
	_, err = d.Reinstate(t.Context(), "o1", number)
	must(t, err)
	must(t, prove())
	var names []string
	for _, e := range d.audit.Events() {
		names = append(names, audit.Name(e))
	}
	if got := strings.Join(names, " "); got != "card.opposed card.reinstated" {
		t.Errorf("traces: %s", got)
	}
}

func TestOppositionOfACardNeverSeen(t *testing.T) {
	d := newDesk(t)
	_, err := d.Oppose(t.Context(), Opposition{Operator: "o1", Number: number, Reason: "stolen"})
	must(t, err)
	a, _ := d.ask("login-1")
	_, err = d.Prove(t.Context(), a)
	d.wants(err, fault.Denied, cps.CodeOpposed)
	for _, o := range []Opposition{{Number: "28", Reason: "lost"}, {Number: "28000000x7", Reason: "lost"}, {Number: "2800000017", Reason: "because"}} {
		if _, err := d.Oppose(t.Context(), o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := d.Reinstate(t.Context(), "o1", "2800000025"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// Several cards of one person live side by side (S-54).
func TestSeveralCardsOfAPerson(t *testing.T) {
	d := newDesk(t)
	for _, n := range []string{number, igc.CardIssuer + "/2800000025"} {
		d.verdict.verdict.Card.Number = n
		a, _ := d.ask("login-1")
		_, err := d.Prove(t.Context(), a)
		must(t, err)
	}
	if list, err := d.List(t.Context(), rpps.MustNationalID("899700990015")); err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
}

// A card that logs in without end cannot grow its record past what the store takes.
func TestSessionsOfACardAreBounded(t *testing.T) {
	d := newDesk(t)
	for i := range maxOpened {
		must(t, d.remember(t.Context(), number, "sid-"+strings.Repeat("x", 30)+string(rune('a'+i%26))+string(rune('a'+i/26))))
	}
	if err := d.remember(t.Context(), number, "one more"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	d.clock.Advance(d.SessionLife)
	must(t, d.remember(t.Context(), number, "next day"))
	if sids, err := d.Sessions(t.Context(), number); err != nil || len(sids) != 1 {
		t.Errorf("%v, %v", sids, err)
	}
}
