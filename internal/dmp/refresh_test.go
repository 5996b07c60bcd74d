package dmp

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// stale makes the access token old.
func (s *stage) stale() { s.clock.Advance(2 * time.Minute) }

func TestRefreshAfterTwoMinutes(t *testing.T) {
	s := newStage(t)
	s.login("/patient/fictif-1").expect(t, "granted", "")
	s.get("/patient/fictif-1").expect(t, "granted", "")
	if s.op.refreshes != 0 {
		t.Errorf("%d refreshes of a fresh token", s.op.refreshes)
	}
	s.stale()
	s.get("/patient/fictif-1").expect(t, "granted", "")
	if s.op.refreshes != 1 {
		t.Errorf("%d refreshes", s.op.refreshes)
	}
}

// TestParallelRequestsRefreshOnce: two tabs that wake up together must not
// present one refresh token twice, which a provider takes for a theft.
func TestParallelRequestsRefreshOnce(t *testing.T) {
	s := newStage(t)
	s.login("/patient/fictif-1")
	s.op.set(func() { s.op.expiresIn = 3600 }) // the renewed token is good for the manual clock too
	s.stale()
	var all, in sync.WaitGroup
	in.Add(20)
	s.arrived = in.Done
	s.op.set(func() { s.op.renewing = in.Wait }) // the provider answers once all twenty are at the door
	for range 20 {
		all.Go(func() {
			if v := s.get("/patient/fictif-1"); v.status != http.StatusOK {
				t.Errorf("status %d at %s", v.status, v.path)
			}
		})
	}
	all.Wait()
	if s.op.refreshes != 1 {
		t.Errorf("%d refreshes", s.op.refreshes)
	}
}

// TestEndedElsewhere: a logout, a freeze or a closed record at the provider
// ends this session at the next refresh.
func TestEndedElsewhere(t *testing.T) {
	s := newStage(t)
	s.login("/patient/fictif-1")
	s.op.set(func() { s.op.refuse = true })
	s.stale()
	if v := s.get("/patient/fictif-1"); v.status != http.StatusSeeOther || !strings.HasPrefix(v.location, testAuthHost) {
		t.Fatalf("status %d at %s", v.status, v.path)
	}
	if len(s.service.sessions.all) != 0 {
		t.Error("the session lives on")
	}
}

// TestProviderAway: no answer is not a "no". The session waits, the record stays shut.
func TestProviderAway(t *testing.T) {
	s := newStage(t)
	s.login("/patient/fictif-1")
	s.op.set(func() { s.op.down = true })
	s.stale()
	v := s.get("/patient/fictif-1")
	v.expectFailure(t, http.StatusServiceUnavailable, codeProviderDown)
	if v.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	s.op.set(func() { s.op.down = false })
	s.get("/patient/fictif-1").expect(t, "granted", "")
}

// TestRefreshChangesPerson: a refreshed ID token of another login is not an
// update, it is a mistake or an attack.
func TestRefreshChangesPerson(t *testing.T) {
	for name, value := range map[string]any{"sub": "sub-2", "sid": "sid-2", "auth_time": 1_800_000_000, "nonce": "other"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.login("/patient/fictif-1")
			s.op.set(func() { s.op.idClaims = func(c map[string]any) { c[name] = value } })
			s.stale()
			if v := s.get("/patient/fictif-1"); v.status != http.StatusSeeOther {
				t.Errorf("status %d at %s", v.status, v.path)
			}
		})
	}
}

func TestRefreshMayRepeatNonce(t *testing.T) {
	s := newStage(t)
	s.login("/patient/fictif-1")
	nonce := s.op.asked.Get("nonce")
	s.op.set(func() { s.op.idClaims = func(c map[string]any) { c["nonce"] = nonce } })
	s.stale()
	s.get("/patient/fictif-1").expect(t, "granted", "")
}

// TestSituationEnds: the register ended the job under which somebody works.
func TestSituationEnds(t *testing.T) {
	s := newStage(t)
	s.op.user = person("899700990015", doctor)
	s.login("/patient/fictif-1").expect(t, "granted", "")
	s.op.set(func() { s.op.user = person("899700990015", educator, educator2()) })
	s.stale()
	if v := s.get("/patient/fictif-1"); !strings.HasPrefix(v.path, "/situation") {
		t.Errorf("went on to %s", v.path)
	}
}

// TestSessionLimits: 30 minutes without an act, 4 hours in all.
func TestSessionLimits(t *testing.T) {
	s := newStage(t)
	s.op.expiresIn = 24 * 3600
	s.login("/login")
	s.clock.Advance(sessionIdle - time.Second)
	if v := s.get("/"); !strings.Contains(v.body, `id="logout"`) {
		t.Fatal("ended too early")
	}
	s.clock.Advance(sessionIdle)
	if v := s.get("/"); strings.Contains(v.body, `id="logout"`) {
		t.Error("idle session lives on")
	}
	s.login("/login")
	for range 4 * 4 {
		s.clock.Advance(15 * time.Minute)
		s.get("/")
	}
	if v := s.get("/"); strings.Contains(v.body, `id="logout"`) {
		t.Error("session older than four hours lives on")
	}
}

// TestProviderStartsLater: discovery is tried again, but not once per visitor.
func TestProviderStartsLater(t *testing.T) {
	s := newStage(t)
	s.op.set(func() { s.op.down = true })
	s.get("/login").expectFailure(t, http.StatusServiceUnavailable, codeProviderDown)
	s.op.set(func() { s.op.down = false })
	s.get("/login").expectFailure(t, http.StatusServiceUnavailable, codeProviderDown)
	s.clock.Advance(retryAfter)
	s.login("/patient/fictif-1").expect(t, "granted", "")
}
