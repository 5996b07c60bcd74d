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

// Fetched are keys that a provider publishes over TLS. They are kept for a day
// at most; a challenge that none of them has signed has them fetched again, at
// most twice a minute, so that a rotation is noticed and a page cannot make us
// ask for ever.
type Fetched struct {
	URL   string
	HTTP  *http.Client // bounded in time, following nothing
	Clock clock.Clock

	mu    sync.Mutex
	keys  jose.JSONWebKeySet
	got   time.Time // when the keys came
	tried time.Time
}

const (
	keysFresh   = 10 * time.Minute // then they are asked for again
	keysLife    = 24 * time.Hour   // then they are not believed any more
	keysPause   = 30 * time.Second // between two tries
	keysRetry   = 2 * time.Second  // the same while there are none
	keysPatient = 5 * time.Second  // for one answer
	maxKeySet   = 64 << 10
	maxKeys     = 20 // nobody publishes more
)

// Open implements Keys.
func (f *Fetched) Open(ctx context.Context, challenge string, now time.Time) (cps.Challenge, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var failed error
	if now.Sub(f.got) >= keysFresh && now.Sub(f.tried) >= f.patience() {
		failed = f.fetch(ctx)
	}
	if now.Sub(f.got) >= keysLife {
		return cps.Challenge{}, fault.Wrap(fault.Unavailable, cps.CodeChallengeInvalid, "the provider's keys cannot be had", failed)
	}
	c, err := cps.OpenChallenge(challenge, f.keys, now)
	if err == nil || fault.Is(err, fault.Expired) || now.Sub(f.tried) < keysPause {
		return c, err
	}
	if f.fetch(ctx) != nil {
		return c, err
	}
	return cps.OpenChallenge(challenge, f.keys, now)
}

func (f *Fetched) patience() time.Duration {
	if len(f.keys.Keys) == 0 {
		return keysRetry
	}
	return keysPause
}

func (f *Fetched) fetch(ctx context.Context) error {
	f.tried = f.Clock.Now()
	// A page that goes away must not cost the next one its keys.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysPatient)
	defer cancel()
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
	if len(keys.Keys) > maxKeys {
		return unavailable(fault.New(fault.Invalid, "", "too many keys"))
	}
	f.keys, f.got = keys, f.tried
	return nil
}
