package nodes

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
)

// A hundred copies of one assertion arrive at two nodes at once: one is taken.
func TestCA3D2HA9AssertionReplayedAcrossNodes(t *testing.T) {
	key := jwttest.New(t, jose.ES256, "k")
	set, err := json.Marshal(jwttest.Set(key))
	if err != nil {
		t.Fatal(err)
	}
	signs := harness.Service{ID: "signs", Redirect: "https://signs.invalid/cb", Profile: "oidc", IDTokenAlg: "ES256", AccessFormat: "opaque", JWKS: string(set)}
	a, b := pair(t, func(o *harness.NodeOptions) { o.Services = append(slices.Clone(services), signs) })
	parties := []*harness.Party{harness.NewParty(t, a, signs), harness.NewParty(t, b, signs)}
	now := clock.System{}.Now().Unix()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {key.Sign(t, "", map[string]any{"iss": "signs", "sub": "signs", "aud": a.Issuer, "exp": now + 60, "iat": now, "jti": "once"})},
	}
	var taken, refused atomic.Int64
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			switch parties[i%2].Post("/token", form).Status {
			case http.StatusOK:
				taken.Add(1)
			case http.StatusUnauthorized, http.StatusTooManyRequests: // the second is the same refusal, counted
				refused.Add(1)
			}
		})
	}
	wait.Wait()
	if taken.Load() != 1 || refused.Load() != 99 {
		t.Errorf("taken %d times, refused %d times", taken.Load(), refused.Load())
	}
}
