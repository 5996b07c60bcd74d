package client

import (
	"context"
	"crypto/x509"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// How long a key set fetched from a service counts (CA7).
const (
	keysFresh  = 10 * time.Minute // then it is fetched again: so long does a withdrawn key live
	keysKept   = 24 * time.Hour   // so long it counts while the service's site is down
	keysPause  = 10 * time.Second // between two fetches: unknown names of keys cost a stranger nothing
	keysAccept = "application/jwk-set+json, application/json"
)

// Site fetches what a service publishes (outbound.Client).
type Site interface {
	Get(ctx context.Context, address, accept string) (outbound.Answer, error)
}

// KeySets knows the public keys of the clients, those registered and those
// published at a jwks_uri. Every service has its own copy and its own fetch, one
// at a time: a slow or hostile site holds up its own service and nobody else's
// (HA6). Safe for concurrent use.
type KeySets struct {
	site    Site
	clock   clock.Clock
	log     *slog.Logger
	flights singleflight.Group
	mu      sync.Mutex
	copies  map[string]published // by client
}

// published is what a service's site said last.
type published struct {
	uri   string
	keys  []jose.JSONWebKey
	good  time.Time // of the last good answer, zero if there was none
	tried time.Time // of the last try
}

// NewKeySets makes an empty one.
func NewKeySets(site Site, c clock.Clock, log *slog.Logger) *KeySets {
	return &KeySets{site: site, clock: c, log: log, copies: map[string]published{}}
}

// Of gives the present public keys of a client.
// Errors: fault.NotFound when it registered none, fault.Unavailable when its
// site has never answered or not for a day.
func (k *KeySets) Of(ctx context.Context, c *Client) ([]jose.JSONWebKey, error) {
	switch {
	case c.Keys.Set != nil:
		return c.Keys.Set.Keys, nil
	case c.Keys.URI == "":
		return nil, fault.New(fault.NotFound, "", "the client registered no keys")
	}
	have, now := k.copyOf(c), k.clock.Now()
	if now.Sub(have.good) < keysFresh {
		return have.keys, nil
	}
	if now.Sub(have.tried) >= keysPause {
		flight := k.fetch(ctx, c)
		// While the site fails, the last good copy answers at once and the next try
		// goes on behind it.
		if have.usable(now) && have.tried.After(have.good) {
			return have.keys, nil
		}
		if err := await(ctx, flight); err != nil {
			return nil, err
		}
		have = k.copyOf(c)
	}
	if !have.usable(now) {
		return nil, fault.New(fault.Unavailable, "", "the keys of the client cannot be fetched")
	}
	return have.keys, nil
}

// Verify gives the claims of a token once it is proven that the client signed
// it with an algorithm allowed. Errors: as Of and jwt.Token.Verify.
func (k *KeySets) Verify(ctx context.Context, c *Client, t *jwt.Token, allowed []jose.SignatureAlgorithm) (claims jwt.Claims, err error) {
	err = k.try(ctx, c, func(keys []jose.JSONWebKey) error {
		claims, err = t.Verify(keys, allowed)
		return err
	})
	return claims, err
}

// HasCertificate tells whether a key of the client carries this certificate.
// Errors: as Of; fault.NotFound when none does.
func (k *KeySets) HasCertificate(ctx context.Context, c *Client, leaf *x509.Certificate) error {
	return k.try(ctx, c, func(keys []jose.JSONWebKey) error { return holdsCertificate(keys, leaf) })
}

// try uses the client's keys. One that is not found there may be new: the site
// is asked again, if it was not asked just now.
func (k *KeySets) try(ctx context.Context, c *Client, use func([]jose.JSONWebKey) error) error {
	keys, err := k.Of(ctx, c)
	if err != nil {
		return err
	}
	err = use(keys)
	if !fault.Is(err, fault.NotFound) || c.Keys.URI == "" || k.clock.Now().Sub(k.copyOf(c).tried) < keysPause {
		return err
	}
	if err := await(ctx, k.fetch(ctx, c)); err != nil {
		return err
	}
	return use(k.copyOf(c).keys)
}

// usable tells whether a copy may still stand in for a site that is down.
func (p published) usable(now time.Time) bool {
	return !p.good.IsZero() && now.Sub(p.good) < keysKept
}

func (k *KeySets) copyOf(c *Client) published {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.copies[c.ID]; p.uri == c.Keys.URI {
		return p
	}
	return published{}
}

// fetch asks the site, once for all who ask at the same time, and outlives the
// caller who began it: the others count on it.
func (k *KeySets) fetch(ctx context.Context, c *Client) <-chan singleflight.Result {
	ctx = context.WithoutCancel(ctx)
	return k.flights.DoChan(c.ID+" "+c.Keys.URI, func() (any, error) {
		next := k.copyOf(c)
		answer, err := k.site.Get(ctx, c.Keys.URI, keysAccept)
		var keys []jose.JSONWebKey
		if err == nil {
			keys, err = readKeySet(answer)
		}
		next.uri, next.tried = c.Keys.URI, k.clock.Now()
		if err == nil {
			next.keys, next.good = keys, next.tried
		} else {
			k.log.WarnContext(ctx, "the keys of a client cannot be fetched", slog.String("client", c.ID),
				slog.Bool("kept", next.usable(next.tried)), slog.Any("error", err))
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		// Copies of services that are gone, or that nobody asked about for a day.
		maps.DeleteFunc(k.copies, func(_ string, p published) bool { return next.tried.Sub(p.tried) > keysKept })
		k.copies[c.ID] = next
		return nil, nil //nolint:nilnil // the result is in copies
	})
}

// await waits for a fetch no longer than the caller does.
func await(ctx context.Context, flight <-chan singleflight.Result) error {
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, "", "what the client publishes did not come in time", ctx.Err())
	}
}
