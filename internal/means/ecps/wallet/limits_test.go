package wallet

import (
	"fmt"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
)

// PG-18: twenty pushes in five minutes wake the holder a few times only.
func TestPushBombingIsSilenced(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	heard := 0
	for i := range 20 {
		p := k.open(doctor, func(a *Ask) { a.Source = fmt.Sprint("192.0.2.", i) })
		if _, shown := h.sees(p.ID); shown {
			heard++
		}
		k.clock.Advance(15 * time.Second)
	}
	if l := DefaultLimits(); heard > l.PerHolder || heard == 0 {
		t.Fatalf("the holder was woken %d times", heard)
	}
}

// Nobody can lock a doctor out by knowing his number.
func TestFloodOfStrangersDoesNotSilenceTheHoldersOwnBrowser(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "own", doctor))
	for i := range 300 {
		k.open(doctor, func(a *Ask) { a.Source = fmt.Sprint(i); a.Browser = fmt.Sprint("attacker ", i) })
	}
	for i := range 30 {
		p := k.open(doctor, func(a *Ask) { a.Browser = "own" })
		r, shown := h.sees(p.ID)
		if !shown {
			t.Fatalf("request %d of the holder's own browser is silent", i)
		}
		list, err := k.Waiting(k.ctx, h.device())
		k.must(err)
		if i == 0 && list.Requests[0].ID != r.ID {
			t.Fatal("the holder's own request is not the first of the list")
		}
		_, err = h.answers(p.ID, p.Number, rightPIN)
		k.must(err)
	}
}

func TestRefusalsQuietStrangersOnly(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "own", doctor))
	for _, quiet := range DefaultLimits().BackOff {
		p := k.open(doctor)
		_, err := h.answers(p.ID, "", "", refusing)
		k.must(err)
		k.clock.Advance(quiet - 2*time.Second)
		if _, shown := h.sees(k.open(doctor).ID); shown {
			t.Fatalf("a stranger was heard within %v of a refusal", quiet)
		}
		if _, shown := h.sees(k.open(doctor, func(a *Ask) { a.Browser = "own" }).ID); !shown {
			t.Fatal("the holder's own browser was silenced")
		}
		k.clock.Advance(2 * time.Second)
	}
	p := k.open(doctor)
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	p = k.open(doctor)
	_, err = h.answers(p.ID, "", "", refusing)
	k.must(err)
	k.clock.Advance(DefaultLimits().BackOff[0])
	if _, shown := h.sees(k.open(doctor).ID); !shown {
		t.Fatal("an approval did not end the row of refusals")
	}
}

func TestOneSourceCannotWakeEverybody(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.Limits = DefaultLimits(); d.Limits.PerSource = 2 })
	h := k.handset(doctor)
	k.open(nurse)
	k.open(nobodyID)
	if _, shown := h.sees(k.open(doctor).ID); shown {
		t.Fatal("a third request of one source was heard")
	}
	if _, shown := h.sees(k.open(doctor, func(a *Ask) { a.Source = "198.51.100.7" }).ID); !shown {
		t.Fatal("another source was silenced")
	}
}

// Limits hang on the person, not on what was typed.
func TestAliasesShareOneLimit(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.Limits = DefaultLimits(); d.Limits.PerHolder = 1 })
	h := k.handset(doctor)
	k.open(oldADELI)
	if _, shown := h.sees(k.open(doctor).ID); shown {
		t.Fatal("the RPPS number opened a second account of limits")
	}
}

func TestAnswersFreeThePlaceOfARequest(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.Limits = DefaultLimits(); d.Limits.Open = 1 })
	h := k.handset(doctor)
	first := k.open(doctor)
	second := k.open(doctor, func(a *Ask) { a.Supersedes = first.ID })
	if _, shown := h.sees(second.ID); !shown {
		t.Fatal("a superseded request keeps its place")
	}
	_, err := h.answers(second.ID, second.Number, rightPIN)
	k.must(err)
	if _, shown := h.sees(k.open(doctor).ID); !shown {
		t.Fatal("an answered request keeps its place")
	}
}

func TestForgetMendsOnlyWhatThePersonaDid(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	for range MaxPINFailures {
		_, err := h.answers(p.ID, p.Number, badPIN)
		if err == nil {
			t.Fatal("a wrong PIN was taken")
		}
	}
	k.must(k.Forget(k.ctx, doctor))
	p = k.open(doctor)
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	running := k.open(doctor)
	k.must(k.Forget(k.ctx, doctor))
	if _, shown := h.sees(running.ID); !shown {
		t.Fatal("another login of the same persona was forgotten too")
	}
	k.must(k.Lock(k.ctx, doctor))
	k.must(k.Forget(k.ctx, doctor))
	_, err = k.Waiting(k.ctx, h.device())
	k.wants(err, ecps.CodeLocked)
}
