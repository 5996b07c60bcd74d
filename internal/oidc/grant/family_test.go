package grant

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/platform/fault"
)

// model is the rotation rule told token by token, as section 13 tells it: each
// refresh token is good once; one that was used may be shown again for a short
// grace, while nobody has used its successor; any other reuse kills.
type model struct {
	used  map[uint64]time.Time
	grace time.Duration
	dead  bool
}

type verdict string

const (
	next   verdict = "successor"
	same   verdict = "same successor"
	kill   verdict = "killed"
	refuse verdict = "refused"
)

func (m *model) present(g, current uint64, now, expires time.Time) verdict {
	at, used := m.used[g]
	_, successorUsed := m.used[g+1]
	switch {
	case m.dead || g > current:
		return refuse
	case used && !successorUsed && now.Sub(at) < m.grace:
		return same
	case used:
		m.dead = true
		return kill
	case !now.Before(expires):
		return refuse
	}
	m.used[g] = now
	return next
}

func TestRotationFollowsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grace := rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "grace")
		refresh := 30 * time.Minute
		now := start
		f := Family{ID: strings.Repeat("f", familyIDLen), Generation: 1, Ends: start.Add(4 * time.Hour)}
		f.stamp(now, refresh)
		m := model{used: map[uint64]time.Time{}, grace: grace}
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second, 29 * time.Second, 10 * time.Minute, 31 * time.Minute}).Draw(t, "for"))
			},
			"present": func(t *rapid.T) {
				back := rapid.Uint64Range(0, 4).Draw(t, "back")
				g := max(f.Generation+1, back+1) - back // one ahead, the present one, older ones
				before := f
				want := m.present(g, f.Generation, now, f.Expires)
				outcome, err := f.rotate(g, grace, now, refresh)
				if got := verdictOf(outcome, err); got != want {
					t.Fatalf("generation %d of %d: %s, want %s", g, before.Generation, got, want)
				}
				checkMove(t, before, f, want, now)
			},
		})
	})
}

func verdictOf(r rotation, err error) verdict {
	switch {
	case err != nil:
		return refuse
	case r == repeated:
		return same
	case r == replayed:
		return kill
	}
	return next
}

// checkMove says what each verdict may change in the record.
func checkMove(t *rapid.T, before, after Family, v verdict, now time.Time) {
	if after.Expires.After(after.Ends) {
		t.Fatal("a refresh token outlives the session")
	}
	switch v {
	case next:
		if after.Generation != before.Generation+1 || !after.Issued.Equal(now) || after.Revoked {
			t.Fatalf("rotated to %+v", after)
		}
	case kill:
		if !after.Revoked || after.Reason != ReasonRefreshReplay || after.Generation != before.Generation {
			t.Fatalf("killed to %+v", after)
		}
	case same, refuse:
		if after.RefreshID() != before.RefreshID() || !after.Issued.Equal(before.Issued) || !after.Expires.Equal(before.Expires) || after.Revoked != before.Revoked {
			t.Fatalf("%s changed %+v to %+v", v, before, after)
		}
	}
}

func TestRequestTransitions(t *testing.T) {
	// What each state allows; everything else is fault.Used and changes nothing.
	allowed := map[RequestState]map[string]RequestState{
		Pending:       {"authenticate": Authenticated, "deny": Denied, "ask": Pending},
		Authenticated: {"deny": Denied, "complete": Completed},
		Denied:        {"complete": Completed},
		Completed:     {},
	}
	rapid.Check(t, func(t *rapid.T) {
		r := Request{Progress: Pending}
		moves := map[string]func() error{
			"authenticate": func() error { return r.authenticate(doctor(), "sid") },
			"deny":         func() error { return r.deny("PF-EC-012") },
			"ask":          func() error { return r.ask(Asked{Wallet: "w", Was: r.Wallet, Holder: doctor().Subject}) },
			"complete":     func() error { return r.complete() },
		}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			name := rapid.SampledFrom([]string{"authenticate", "deny", "ask", "complete"}).Draw(t, "move")
			before := r.Progress
			to, ok := allowed[before][name]
			err := moves[name]()
			if ok != (err == nil) || err != nil && !fault.Is(err, fault.Used) {
				t.Fatalf("%s from %s: %v", name, before, err)
			}
			if !ok {
				to = before
			}
			if r.Progress != to {
				t.Fatalf("%s from %s went to %s", name, before, r.Progress)
			}
			if (r.Auth != nil) != (r.Progress == Authenticated || r.Progress == Completed && r.Reason == "") {
				t.Fatalf("%s keeps the wrong outcome: %+v", r.Progress, r)
			}
			if r.Progress != Pending && (r.Wallet != "" || !r.Holder.IsZero()) {
				t.Fatalf("%s still holds what was typed", r.Progress)
			}
		}
	})
}

func TestParseRefreshID(t *testing.T) {
	f := Family{ID: strings.Repeat("f", familyIDLen), Generation: 12}
	id, g, err := ParseRefreshID(f.RefreshID())
	if err != nil || id != f.ID || g != 12 {
		t.Errorf("%q %d %v", id, g, err)
	}
	for _, bad := range []string{"", ".", "1", f.ID, f.ID + ".", f.ID + ".0", f.ID + ".01", f.ID + ".+1", f.ID + ".-1", f.ID + ".1.2", f.ID[1:] + ".1", f.ID + ".18446744073709551616"} {
		if _, _, err := ParseRefreshID(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
