package psc

import (
	"net/http"
	"testing"
	"time"
)

func TestSection16AccessTokenLives120Seconds(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	access, id, _ := three(t, a)
	if a.number(t, "expires_in") != 120 || access.number(t, "exp")-access.number(t, "iat") != 120 || id.number(t, "exp")-id.number(t, "iat") != 120 {
		t.Errorf("expires_in %v, access %v", a.document["expires_in"], access.document)
	}
	today.move(110 * time.Second)
	if info := s.userInfo(a.text(t, "access_token")); info.status != http.StatusOK {
		t.Errorf("after 110 s: %d", info.status)
	}
	today.move(15 * time.Second)
	if info := s.userInfo(a.text(t, "access_token")); info.status != http.StatusUnauthorized {
		t.Errorf("after 125 s: %d", info.status)
	}
	if told := s.introspect(a.text(t, "access_token")); told.status != http.StatusOK || string(told.raw) != `{"active":false}` {
		t.Errorf("after 125 s: %d %s", told.status, told.raw)
	}
}

func TestSection16RefreshTokenLives30Minutes(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	if _, _, refresh := three(t, a); refresh.number(t, "exp")-refresh.number(t, "iat") != 1800 {
		t.Errorf("%v", refresh.document)
	}
	today.move(29 * time.Minute)
	b := s.granted(s.refresh(a.text(t, "refresh_token")))
	if b.document["refresh_token"] == a.document["refresh_token"] || b.document["access_token"] == a.document["access_token"] {
		t.Error("clients replace both tokens") // Mediboard
	}
	_, before, _ := three(t, a)
	_, after, _ := three(t, b)
	for _, same := range []string{"sub", "acr", "auth_time", "sid", "nonce", "aud"} {
		if before.document[same] != after.document[same] {
			t.Errorf("%s moved from %v to %v", same, before.document[same], after.document[same])
		}
	}
	today.move(31 * time.Minute)
	if c := s.refresh(b.text(t, "refresh_token")); c.status != http.StatusBadRequest || c.text(t, "error") != "invalid_grant" {
		t.Errorf("after 31 minutes: %d %s", c.status, c.raw)
	}
}

func TestSection16SessionEndsAfter30IdleMinutes(t *testing.T) {
	s := psc(t)
	s.tokens()
	for range 2 {
		today.move(29 * time.Minute)
		if !s.signedIn() {
			t.Fatal("a session in use ended")
		}
	}
	today.move(31 * time.Minute)
	if s.signedIn() {
		t.Error("idle for 31 minutes, and still there")
	}
}

// Recorded: a token issued 55 minutes after auth_time, which does not move.
func TestSection16SessionEndsAfter4Hours(t *testing.T) {
	s := psc(t)
	_, first, _ := three(t, s.tokens())
	const step = 25 * time.Minute
	for gone := step; gone < 4*time.Hour; gone += step {
		today.move(step)
		_, id, _ := three(t, s.tokens("prompt", "none"))
		if id.number(t, "auth_time") != first.number(t, "auth_time") || id.number(t, "iat")-id.number(t, "auth_time") < int64(gone.Seconds()) {
			t.Errorf("after %s: %v", gone, id.document)
		}
	}
	today.move(step)
	if s.signedIn() {
		t.Error("the session outlived its four hours")
	}
}

// Section 13 of the requirements: an answer lost on the way does not log out.
func TestSection16RefreshAnsweredAgainForItsGrace(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	one := s.granted(s.refresh(a.text(t, "refresh_token")))
	today.move(20 * time.Second)
	two := s.granted(s.refresh(a.text(t, "refresh_token")))
	if one.text(t, "refresh_token") != two.text(t, "refresh_token") {
		t.Error("two successors of one refresh token")
	}
	three := s.granted(s.refresh(two.text(t, "refresh_token")))
	if old := s.refresh(a.text(t, "refresh_token")); old.status != http.StatusBadRequest || old.text(t, "error") != "invalid_grant" {
		t.Errorf("its successor was used, yet it answers: %d %s", old.status, old.raw)
	}
	if after := s.refresh(three.text(t, "refresh_token")); after.status != http.StatusBadRequest {
		t.Errorf("the family outlived a theft: %d", after.status)
	}
}

func TestSection16RefreshGraceEnds(t *testing.T) {
	s := psc(t)
	a := s.tokens()
	s.granted(s.refresh(a.text(t, "refresh_token")))
	today.move(31 * time.Second)
	if late := s.refresh(a.text(t, "refresh_token")); late.status != http.StatusBadRequest || late.text(t, "error") != "invalid_grant" {
		t.Errorf("%d %s", late.status, late.raw)
	}
}

func TestSection44SecondServiceAsksNothing(t *testing.T) {
	first, second := psc(t), newSoftware(t, neighbour)
	_, here, _ := three(t, first.tokens())
	second.browser.ShareCookies(first.browser)
	today.move(2 * time.Minute)
	if !second.signedIn() {
		t.Fatal("the second service asks for a login")
	}
	a := second.redeem(second.browser.Arrived.Query().Get("code"))
	_, there, _ := three(t, a)
	for _, same := range []string{"sub", "auth_time", "sid", "session_state", "SubjectNameID"} {
		if here.document[same] == nil || here.document[same] != there.document[same] {
			t.Errorf("%s: %v and %v", same, here.document[same], there.document[same])
		}
	}
	if there.text(t, "aud") != neighbour.ID || there.text(t, "azp") != neighbour.ID {
		t.Errorf("%v", there.document)
	}
	if info := second.userInfo(a.text(t, "access_token")); info.status != http.StatusOK {
		t.Errorf("%d", info.status)
	}
}
