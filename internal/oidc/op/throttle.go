package op

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Failed client authentications allowed per client and source in one window (CA8).
const (
	maxAuthFailures   = 20
	authFailureWindow = time.Minute
)

// throttle counts failed client authentications in the shared store, so that
// all nodes count together. It never stands before the comparison of a secret:
// a stranger who knows a client_id must not be able to lock the real service
// out, not even from behind the same address. What it takes away is the use of
// the endpoint as an oracle at full speed, and the noise.
type throttle struct {
	counters store.Records[failures]
}

type failures struct {
	Count int       `json:"n"`
	Until time.Time `json:"until"`
}

func newThrottle(kv store.KV) *throttle {
	return &throttle{counters: store.NewRecords[failures](kv, "op.authfail")}
}

// failed counts one and gives the answer for it: invalid_client, and past the
// limit 429 with the time to wait. Unknown clients share one counter per
// source, and a full counter is only read: a stranger cannot make the store grow
// or write at will.
func (t *throttle) failed(ctx context.Context, now time.Time, clientID, source string) *oauth.Error {
	refused := oauth.New(oauth.InvalidClient, "client authentication failed")
	id := counterID(clientID, source)
	f, err := t.counters.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		f = failures{Count: 1, Until: now.Add(authFailureWindow)}
		if err = t.counters.Put(ctx, id, f, authFailureWindow); err == nil {
			return refused
		}
	}
	if err == nil && f.Count >= maxAuthFailures {
		refused.Status = 429
		refused.RetryAfter = max(f.Until.Sub(now), time.Second)
		return refused
	}
	// A count lost to a busy or absent store refuses all the same.
	_, _ = t.counters.Update(ctx, id, func(f *failures) (time.Duration, error) {
		f.Count++
		return max(f.Until.Sub(now), time.Second), nil
	})
	return refused
}

// counterID keeps neither the client nor the address readable in the store. An
// IPv6 source is its /64: one machine owns all of it.
func counterID(clientID, source string) string {
	if a, err := netip.ParseAddr(source); err == nil && a.Is6() && !a.Is4In6() {
		if p, err := a.Prefix(64); err == nil {
			source = p.String()
		}
	}
	sum := sha256.Sum256([]byte(clientID + "\x00" + source))
	return hex.EncodeToString(sum[:16])
}
