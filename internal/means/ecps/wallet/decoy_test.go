package wallet

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// cast makes one holder of every kind a stranger could probe for; the first
// one has a phone that works and does not answer.
func cast(k *kit) map[string]rpps.NationalID {
	all := map[string]rpps.NationalID{
		"silent": doctor, "unknown": nobodyID, "no phone": noPhone, "newcomer": newcomer,
		"closed": retired, "locked": {}, "expired": {}, "suspended": {}, "refused lately": {},
	}
	k.handset(doctor)
	k.handset(retired)
	k.dir.set([]rpps.NationalID{retired}, func(p *rpps.Professional) { p.Closed = true })
	for i, name := range []string{"locked", "expired", "suspended", "refused lately"} {
		id := rpps.MustNationalID(fmt.Sprintf("89970099100%d", i))
		k.dir.set([]rpps.NationalID{id}, func(p *rpps.Professional) { p.FirstSeen = start.AddDate(-1, 0, 0) })
		all[name] = id
		h := k.handset(id)
		switch name {
		case "locked":
			k.must(k.Lock(k.ctx, id))
		case "expired":
			k.must(k.Expire(k.ctx, id))
		case "suspended":
			k.must(k.Suspend(k.ctx, id))
		case "refused lately":
			k.must(k.RememberBrowser(k.ctx, "own", id))
			p := k.open(id, func(a *Ask) { a.Browser = "own" })
			_, err := h.answers(p.ID, "", "", refusing)
			k.must(err)
		}
	}
	return all
}

// masked drops what is drawn at random.
func masked(p Pending) Pending {
	p.ID, p.Number = "", ""
	return p
}

// Whoever types identifiers into a fresh browser must not learn who exists, who
// has an e-CPS, or in what state it is (oidc-requirements PG4).
func TestProbingBrowserSeesOnePhoneThatDoesNotAnswer(t *testing.T) {
	for _, browser := range []string{"", "never seen"} {
		k := newKit(t)
		people := cast(k)
		lives := map[string]string{}
		for name, id := range people {
			lives[name] = life(k, id, browser)
			k.clock.Advance(time.Hour)
		}
		for name, got := range lives {
			if got != lives["silent"] {
				t.Errorf("browser %q tells %q from a silent phone:\n%s\n%s", browser, name, got, lives["silent"])
			}
		}
	}
}

// life writes down all that a browser can observe of a request, answers and
// round trips to the store alike.
func life(k *kit, id rpps.NationalID, browser string) string {
	k.t.Helper()
	began := k.clock.Now()
	log := ""
	note := func(what string, p Pending, err error) {
		m := masked(p)
		left := time.Duration(0)
		if !m.ExpiresAt.IsZero() {
			left, m.ExpiresAt = m.ExpiresAt.Sub(began), time.Time{}
		}
		log += fmt.Sprintln(what, m, left, fault.KindOf(err), fault.CodeOf(err), k.kv.take())
	}
	k.kv.take()
	var last string
	for range 8 { // past the limit of open requests
		p, err := k.Open(k.ctx, k.ask(id, func(a *Ask) { a.Browser, a.Supersedes = browser, last }))
		note("open", p, err)
		last = p.ID
		again, err := k.Status(k.ctx, p.ID)
		note("status", again, err)
	}
	for range 5 {
		note("resend", Pending{}, k.Resend(k.ctx, last))
	}
	k.clock.Advance(requestLife - time.Second)
	p, err := k.Status(k.ctx, last)
	note("late", p, err)
	_, err = k.Consume(k.ctx, last)
	note("consume", Pending{}, err)
	k.clock.Advance(2 * time.Second)
	p, err = k.Status(k.ctx, last)
	note("expired", p, err)
	p, err = k.Wait(k.ctx, last, Pending{State: Open})
	note("wait", p, err)
	note("cancel", Pending{}, k.Cancel(k.ctx, last))
	return log
}

// The same, in time. Medians of 200 tries each, taken in turns so that a busy
// machine weighs on all alike.
func TestProbingTakesTheSameTime(t *testing.T) {
	const tries = 200
	k := newKit(t, func(d *Deps) {
		d.Limits = DefaultLimits()
		d.Limits.PerHolder, d.Limits.Open, d.Limits.PerSource = 1<<20, maxLive, 1<<20
	})
	people := cast(k)
	real := clock.System{}
	times := map[string][]time.Duration{}
	for range tries {
		k.clock.Advance(requestLife) // the indexes stay short
		for name, id := range people {
			began := real.Now()
			p, err := k.Open(k.ctx, k.ask(id))
			if err == nil {
				_, err = k.Status(k.ctx, p.ID)
			}
			times[name] = append(times[name], real.Now().Sub(began))
			k.must(err)
		}
	}
	base := median(times["silent"])
	for name, all := range times {
		m := median(all)
		if m > base*3/2+time.Millisecond || base > m*3/2+time.Millisecond {
			t.Errorf("%s takes %v, a silent phone %v", name, m, base)
		}
		t.Logf("%-15s median %v of %d", name, m, len(all))
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// The true reason helps the holder, in a browser he has used, and nobody else.
func TestKnownBrowserIsToldTheTrueReason(t *testing.T) {
	k := newKit(t)
	people := cast(k)
	want := map[string]string{
		"silent": "", "refused lately": "", "unknown": ecps.CodeNone, "no phone": ecps.CodeNone, "newcomer": ecps.CodeOpening,
		"closed": ecps.CodeClosed, "locked": ecps.CodeLocked, "expired": ecps.CodeEnded, "suspended": ecps.CodeSuspended,
	}
	for name, id := range people {
		k.must(k.RememberBrowser(k.ctx, "own "+name, id))
		p, err := k.Open(k.ctx, k.ask(id, func(a *Ask) { a.Browser = "own " + name }))
		if fault.CodeOf(err) != want[name] {
			t.Errorf("%s: %v, want %q", name, err, want[name])
		}
		if err == nil && (!p.Known || p.Delivery != Sent) {
			t.Errorf("%s: %+v", name, p)
		}
		// A browser of somebody else is a stranger here.
		p, err = k.Open(k.ctx, k.ask(id, func(a *Ask) { a.Browser = "own other" }))
		if err != nil || p.Known || p.Delivery != "" || p.Typed {
			t.Errorf("%s: foreign browser sees %+v, %v", name, p, err)
		}
	}
}

func TestRecordOfADecoyHasTheSameShape(t *testing.T) {
	k := newKit(t)
	k.handset(doctor)
	read := func(id rpps.NationalID) record {
		r, err := k.requests.Get(k.ctx, k.open(id).ID)
		k.must(err)
		return r
	}
	a, b := reflect.ValueOf(read(doctor)), reflect.ValueOf(read(nobodyID))
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		if name != "Silent" && a.Field(i).IsZero() != b.Field(i).IsZero() {
			t.Errorf("%s is filled in one and empty in the other", name)
		}
	}
}
