package agent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/means/cps"
)

// fetching is a bridge that takes its provider's keys from the provider.
func fetching(t *testing.T) *bed {
	t.Helper()
	return newBed(t, func(o *agent.Options) {
		o.Providers[0].Keys = &agent.Fetched{URL: o.Providers[0].Origin + "/jwks", HTTP: o.HTTP, Clock: o.Clock}
	})
}

func (b *bed) fetched(n int32, why string) {
	b.Helper()
	if got := b.provider.fetched.Load(); got != n {
		b.Errorf("%s: keys were fetched %d times, want %d", why, got, n)
	}
}

// rotated gives a signer by a new key, which the provider does not publish yet.
func rotated(t *testing.T) (publish func(*provider), sign func(cps.Challenge) string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	publish = func(p *provider) {
		p.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "next", Algorithm: "ES256", Use: "sig"}}})
	}
	return publish, func(c cps.Challenge) string {
		header := map[string]any{"alg": "ES256", "typ": cps.TypChallenge, "kid": "next"}
		return forge(t, header, claims(t, c), byECDSA(t, k))
	}
}

func TestKeysAreFetchedOnceForManyLogins(t *testing.T) {
	b := fetching(t)
	b.fetched(0, "before anybody asked")
	b.login()
	b.login()
	b.fetched(1, "two logins")
}

// A page cannot make the bridge ask its provider for ever.
func TestUnknownKeysAreAskedForTwiceAMinuteAtMost(t *testing.T) {
	b := fetching(t)
	_, sign := rotated(t)
	b.login()
	for range 20 {
		c, _ := b.challenge()
		b.refused(b.ask(sign(c)), cps.ChallengeInvalid)
	}
	b.fetched(1, "unknown keys at once")
	b.clock.Advance(30 * time.Second)
	for range 20 {
		c, _ := b.challenge()
		b.refused(b.ask(sign(c)), cps.ChallengeInvalid)
	}
	b.fetched(2, "unknown keys after half a minute")
	b.login() // and nobody else is harmed
}

func TestRotatedKeyIsNoticed(t *testing.T) {
	b := fetching(t)
	publish, sign := rotated(t)
	b.login()
	publish(b.provider)
	b.clock.Advance(30 * time.Second)
	c, _ := b.challenge()
	token := sign(c)
	b.answered(token, b.ask(token))
	_, old := b.challenge()
	b.refused(b.ask(old), cps.ChallengeInvalid) // what is withdrawn is not believed
}

// A key that the provider has withdrawn is not believed for long.
func TestWithdrawnKeyIsForgotten(t *testing.T) {
	b := fetching(t)
	publish, _ := rotated(t)
	b.login()
	publish(b.provider)
	b.clock.Advance(24 * time.Hour)
	_, token := b.challenge()
	b.refused(b.ask(token), cps.ChallengeInvalid)
}

func TestExpiredChallengeFetchesNothing(t *testing.T) {
	b := fetching(t)
	_, token := b.challenge()
	b.login()
	b.clock.Advance(cps.ChallengeLife + cps.Skew + time.Second)
	for range 10 {
		b.refused(b.ask(token), cps.ChallengeExpired)
	}
	b.fetched(1, "expired challenges")
}

// Keys that cannot be had, or are no keys, open nothing.
func TestKeysThatCannotBeHad(t *testing.T) {
	key := func(id string) jose.JSONWebKey {
		k := publicKeys(t).Keys[0]
		k.KeyID = id
		return k
	}
	many := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key(kid)}}
	for range 20 {
		many.Keys = append(many.Keys, key("another"))
	}
	manyKeys, err := json.Marshal(many)
	must(t, err)
	good, err := json.Marshal(publicKeys(t))
	must(t, err)
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"down":         {http.StatusServiceUnavailable, string(good)},
		"not found":    {http.StatusNotFound, string(good)},
		"no JSON":      {http.StatusOK, "<html>"},
		"empty":        {http.StatusOK, ""},
		"no keys":      {http.StatusOK, `{"keys":[]}`},
		"too many":     {http.StatusOK, string(manyKeys)},
		"endless":      {http.StatusOK, strings.Repeat(" ", 1<<20) + string(good)},
		"damaged keys": {http.StatusOK, strings.Replace(string(good), `"x":"`, `"x":"A`, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(answer.status)
				_, _ = w.Write([]byte(answer.body)) // the bridge may have gone
			}))
			t.Cleanup(s.Close)
			b := newBed(t, func(o *agent.Options) {
				o.Providers[0].Keys = &agent.Fetched{URL: s.URL, HTTP: o.HTTP, Clock: o.Clock}
			})
			for range 5 {
				_, token := b.challenge()
				b.refused(b.ask(token), cps.ChallengeInvalid)
			}
			b.windows(0)
			if n := asked.Load(); n > 2 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A provider that comes late is asked again soon: its professionals wait.
func TestProviderThatComesLate(t *testing.T) {
	b := fetching(t)
	publish, sign := rotated(t)
	b.provider.keys.Store(&jose.JSONWebKeySet{})
	c, _ := b.challenge()
	b.refused(b.ask(sign(c)), cps.ChallengeInvalid)
	publish(b.provider)
	b.clock.Advance(30 * time.Second)
	c, _ = b.challenge()
	token := sign(c)
	b.answered(token, b.ask(token))
}

// While the provider's keys cannot be renewed, those of before still serve.
func TestProviderDownKeepsItsKeysForADay(t *testing.T) {
	down := atomic.Bool{}
	good, err := json.Marshal(publicKeys(t))
	must(t, err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(good) // the test sees it missing
	}))
	t.Cleanup(s.Close)
	b := newBed(t, func(o *agent.Options) { o.Providers[0].Keys = &agent.Fetched{URL: s.URL, HTTP: o.HTTP, Clock: o.Clock} })
	b.login()
	down.Store(true)
	b.clock.Advance(23 * time.Hour)
	b.login()
	b.clock.Advance(time.Hour)
	_, token := b.challenge()
	b.refused(b.ask(token), cps.ChallengeInvalid)
	down.Store(false)
	b.clock.Advance(30 * time.Second)
	b.login()
}
