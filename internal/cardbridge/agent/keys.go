package agent

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Keys are the public keys of a provider.
type Keys interface {
	// Open checks a challenge by them (cps.OpenChallenge).
	Open(ctx context.Context, challenge string, now time.Time) (cps.Challenge, error)
}

// Pinned are keys written in the bridge's configuration.
type Pinned jose.JSONWebKeySet

// Open implements Keys.
func (p Pinned) Open(_ context.Context, challenge string, now time.Time) (cps.Challenge, error) {
	return cps.OpenChallenge(challenge, jose.JSONWebKeySet(p), now)
}

// Fetched are keys that a provider publishes over TLS. They are kept; a
// challenge that none of them has signed has them fetched again, at most twice
// a minute, so that a rotation is noticed and a page cannot make us ask for ever.
type Fetched struct {
	URL   string
	HTTP  *http.Client // bounded in time, following nothing
	Clock clock.Clock

	mu    sync.Mutex
	keys  jose.JSONWebKeySet
	asked time.Time
}

const (
	keysLife   = 10 * time.Minute
	keysPause  = 30 * time.Second
	maxKeySet  = 64 << 10
	keysMostly = 20 // keys in a set; nobody publishes more
)

// Open implements Keys.
func (f *Fetched) Open(ctx context.Context, challenge string, now time.Time) (cps.Challenge, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.asked) >= keysLife {
		if err := f.fetch(ctx); err != nil && len(f.keys.Keys) == 0 {
			return cps.Challenge{}, err
		}
	}
	c, err := cps.OpenChallenge(challenge, f.keys, now)
	if err == nil || fault.Is(err, fault.Expired) || now.Sub(f.asked) < keysPause {
		return c, err
	}
	if failed := f.fetch(ctx); failed != nil {
		return c, err
	}
	return cps.OpenChallenge(challenge, f.keys, now)
}

func (f *Fetched) fetch(ctx context.Context) error {
	f.asked = f.Clock.Now()
	unavailable := func(err error) error {
		return fault.Wrap(fault.Unavailable, cps.CodeChallengeInvalid, "the provider's keys cannot be fetched", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return unavailable(err)
	}
	res, err := f.HTTP.Do(req)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end or not at all
	if res.StatusCode != http.StatusOK {
		return unavailable(fault.New(fault.Unavailable, "", "answered "+res.Status))
	}
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(io.LimitReader(res.Body, maxKeySet)).Decode(&keys); err != nil {
		return unavailable(err)
	}
	if len(keys.Keys) > keysMostly {
		return unavailable(fault.New(fault.Invalid, "", "too many keys"))
	}
	f.keys = keys
	return nil
}
