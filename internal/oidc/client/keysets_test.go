package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
	"github.com/egide-id/egide/internal/platform/outbound"
)

const keysAt = "https://keys.invalid/jwks"

// remote registers a client whose keys are at its site.
func (b *bed) remote(id, uri string, keys ...jwttest.Key) {
	b.Helper()
	b.register(id, func(c *Client) { c.Keys.URI = uri })
	b.sites.SetJSON(b, uri, jwttest.Set(keys...))
}

// proves tells whether a key's assertion of a client is taken.
func (b *bed) proves(id string, key jwttest.Key) error {
	_, err := b.show(presented(key.Sign(b, "", b.claims("iss", id, "sub", id))))
	return err
}

func TestCA7KeysAreFetchedOnceAndKept(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	for range 5 {
		if err := b.proves("remote", b.ec); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.sites.Asked(keysAt); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	b.clock.Advance(keysFresh)
	if err := b.proves("remote", b.ec); err != nil || b.sites.Asked(keysAt) != 2 {
		t.Errorf("%v after %d fetches", err, b.sites.Asked(keysAt))
	}
}

// A service rotates: its new key counts at its first use, the old one dies with
// the copy.
func TestCA7NewKeyIsFetchedAndWithdrawnKeyDies(t *testing.T) {
	b := newBed(t)
	next := jwttest.New(t, jose.ES256, "next")
	b.remote("remote", keysAt, b.ec)
	if err := b.proves("remote", b.ec); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(keysPause)
	b.sites.SetJSON(t, keysAt, jwttest.Set(next))
	if err := b.proves("remote", next); err != nil {
		t.Errorf("new key: %v", err)
	}
	if err := b.proves("remote", b.ec); !fault.Is(err, fault.Denied) {
		t.Errorf("withdrawn key: %v", err)
	}
	b.clock.Advance(keysFresh)
	b.sites.Set(keysAt, "application/json", `{"keys":[]}`)
	if err := b.proves("remote", next); !fault.Is(err, fault.Denied) {
		t.Errorf("all keys withdrawn: %v", err)
	}
}

// A stranger who invents names of keys must not make this server hammer the
// service's site.
func TestCA7UnknownKidsByAStrangerAskTheSiteSeldom(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	for i := range 50 {
		stranger := jwttest.New(t, jose.ES256, "kid-"+strings.Repeat("x", i))
		if err := b.proves("remote", stranger); !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
	}
	if n := b.sites.Asked(keysAt); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	b.clock.Advance(keysPause)
	_ = b.proves("remote", jwttest.New(t, jose.ES256, "again"))
	if n := b.sites.Asked(keysAt); n != 2 {
		t.Errorf("after the pause: fetched %d times", n)
	}
}

func TestCA7LastGoodCopyCountsWhileTheSiteIsDown(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	if err := b.proves("remote", b.ec); err != nil {
		t.Fatal(err)
	}
	b.sites.Down(keysAt)
	for range 20 {
		b.clock.Advance(keysFresh)
		if err := b.proves("remote", b.ec); err != nil {
			t.Fatalf("at %v: %v", b.clock.Now(), err)
		}
	}
	b.clock.Advance(keysKept)
	if err := b.proves("remote", b.ec); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a copy older than a day: %v", err)
	}
	b.sites.SetJSON(t, keysAt, jwttest.Set(b.ec))
	b.clock.Advance(keysPause)
	if err := b.proves("remote", b.ec); err != nil {
		t.Errorf("the site is back: %v", err)
	}
}

// What is no key set never replaces one.
func TestCA7HostileAnswersKeepTheLastGoodCopy(t *testing.T) {
	b := newBed(t)
	many := make([]jwttest.Key, maxKeys+1)
	for i := range many {
		many[i] = jwttest.Of(jose.ES256, "k"+strings.Repeat("i", i), b.ec.Signer)
	}
	tooMany, err := json.Marshal(jwttest.Set(many...))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, answer := range map[string]outbound.Answer{
		"an error page":   {Status: 200, Body: []byte("<html>maintenance</html>")},
		"a status of 500": {Status: 500, Body: []byte(`{"keys":[]}`)},
		"a redirect":      {Status: http.StatusFound, Body: []byte(`{"keys":[]}`)},
		"no keys member":  {Status: 200, Body: []byte(`{}`)},
		"keys null":       {Status: 200, Body: []byte(`{"keys":null}`)},
		"keys no list":    {Status: 200, Body: []byte(`{"keys":{"kid":"a"}}`)},
		"too many keys":   {Status: 200, Body: tooMany},
		"nothing":         {Status: 200},
	} {
		n++
		id, at := fmt.Sprintf("remote-%d", n), fmt.Sprintf("%s/%d", keysAt, n)
		b.remote(id, at, b.ec)
		if err := b.proves(id, b.ec); err != nil {
			t.Fatal(err)
		}
		b.sites.Answer(at, answer)
		b.clock.Advance(keysFresh)
		for range 2 {
			if err := b.proves(id, b.ec); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if b.sites.Asked(at) != 2 {
			t.Errorf("%s: asked %d times", name, b.sites.Asked(at))
		}
	}
}

// Keys that prove nothing are passed over, the good one beside them counts.
func TestCA7WeakPrivateAndSharedKeysAreNotTaken(t *testing.T) {
	b := newBed(t)
	good, _ := b.ec.Public.MarshalJSON()
	leaked := jwttest.New(t, jose.ES256, "leaked")
	private, _ := jose.JSONWebKey{Key: leaked.Signer, KeyID: "leaked"}.MarshalJSON()
	b.register("remote", func(c *Client) { c.Keys.URI = keysAt })
	b.sites.Set(keysAt, "application/json", `{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"},{"kty":"AKP","kid":"q"},{"kty":"EC"},7,`+
		string(private)+`,`+string(good)+`]}`)
	if err := b.proves("remote", b.ec); err != nil {
		t.Errorf("good key: %v", err)
	}
	if err := b.proves("remote", leaked); !fault.Is(err, fault.Denied) {
		t.Errorf("a private key that stands in public: %v", err)
	}
}

// A site that never answers holds up its own service and no other (HA6), and
// many callers are one request.
func TestHA6D8CA7SlowSiteHoldsOnlyItsOwnService(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	release := b.sites.Hold(keysAt)
	defer release()
	var wait sync.WaitGroup
	errs := make(chan error, 20)
	for range 20 {
		wait.Go(func() { errs <- b.proves("remote", b.ec) })
	}
	for range 10 {
		if err := b.proves("signs", b.ec); err != nil {
			t.Fatalf("another service is held up: %v", err)
		}
	}
	release()
	wait.Wait()
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := b.sites.Asked(keysAt); n != 1 {
		t.Errorf("fetched %d times", n)
	}
}

// Once a site has failed, the next tries go on behind the answers.
func TestHA6SiteThatHangsAfterAFailureHoldsNobody(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	if err := b.proves("remote", b.ec); err != nil {
		t.Fatal(err)
	}
	b.sites.Down(keysAt)
	b.clock.Advance(keysFresh)
	if err := b.proves("remote", b.ec); err != nil {
		t.Fatal(err)
	}
	defer b.sites.Hold(keysAt)()
	b.clock.Advance(keysPause)
	if err := b.proves("remote", b.ec); err != nil {
		t.Error(err)
	}
}

// A caller who gives up is told so, and the fetch serves the next.
func TestCA7CallerWhoGivesUpLeavesTheFetchToOthers(t *testing.T) {
	b := newBed(t)
	b.remote("remote", keysAt, b.ec)
	release := b.sites.Hold(keysAt)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Authenticate(ctx, presented(b.ec.Sign(t, "", b.claims("iss", "remote", "sub", "remote")))); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	release()
	if err := b.proves("remote", b.ec); err != nil || b.sites.Asked(keysAt) > 2 {
		t.Errorf("%v after %d fetches", err, b.sites.Asked(keysAt))
	}
}

// A site that was never reached proves nothing and says nothing but "not now".
func TestCA7SiteNeverReached(t *testing.T) {
	b := newBed(t)
	b.register("remote", func(c *Client) { c.Keys.URI = keysAt })
	for range 3 {
		if err := b.proves("remote", b.ec); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%v", err)
		}
	}
	if n := b.sites.Asked(keysAt); n != 1 {
		t.Errorf("asked %d times within the pause", n)
	}
	b.sites.SetJSON(t, keysAt, jwttest.Set(b.ec))
	b.clock.Advance(keysPause + time.Second)
	if err := b.proves("remote", b.ec); err != nil {
		t.Error(err)
	}
}
