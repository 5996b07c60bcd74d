package session

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

func sids(t *testing.T, s *Sessions, sub string) []string {
	t.Helper()
	live, err := s.Of(context.Background(), sub)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range live {
		out = append(out, v.SID)
	}
	return out
}

func TestSessionsOfAPersonAreFound(t *testing.T) {
	s, c, _ := open(t)
	ctx := context.Background()
	sub := doctor().Sub
	if got := sids(t, s, sub); got != nil {
		t.Errorf("%v before any login", got)
	}
	a, _ := begin(t, s)
	b, _ := begin(t, s)
	other := doctor()
	other.Sub = "another"
	if _, _, err := s.Begin(ctx, other, false); err != nil {
		t.Fatal(err)
	}
	if got := sids(t, s, sub); !slices.Equal(got, []string{b.SID, a.SID}) {
		t.Errorf("%v, want the newest first and nobody else's", got)
	}
	if _, err := s.End(ctx, b.SID); err != nil {
		t.Fatal(err)
	}
	if got := sids(t, s, sub); !slices.Equal(got, []string{a.SID}) {
		t.Errorf("%v after one was ended", got)
	}
	c.Advance(DefaultIdle)
	if got := sids(t, s, sub); got != nil {
		t.Errorf("%v after the idle limit", got)
	}
}

// A session that is renewed lives longer than the list it began on.
func TestRenewedSessionIsStillFoundLate(t *testing.T) {
	s, c, _ := open(t)
	ctx := context.Background()
	v, _ := begin(t, s)
	keep := func(d time.Duration) {
		for range d / (20 * time.Minute) {
			c.Advance(20 * time.Minute)
			if err := s.Touch(ctx, v.SID, "dmp"); err != nil {
				t.Fatal(err)
			}
		}
	}
	keep(3 * time.Hour)
	if _, _, err := s.Renew(ctx, v.SID, doctor()); err != nil {
		t.Fatal(err)
	}
	keep(3 * time.Hour)
	if got := sids(t, s, doctor().Sub); !slices.Equal(got, []string{v.SID}) {
		t.Errorf("%v six hours after it began, three after its renewal", got)
	}
}

// Logins in a hundred browsers at once lose none of them.
func TestRaceOfHundredLoginsOfOnePersonListsThemAll(t *testing.T) {
	s, _, _ := open(t)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, _, err := s.Begin(context.Background(), doctor(), false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := sids(t, s, doctor().Sub); len(got) != 100 {
		t.Errorf("%d sessions found", len(got))
	}
}

func TestListOfSessionsIsBounded(t *testing.T) {
	s, _, _ := open(t)
	for range maxHeld + 5 {
		begin(t, s)
	}
	if got := sids(t, s, doctor().Sub); len(got) != maxHeld {
		t.Errorf("%d listed", len(got))
	}
}
