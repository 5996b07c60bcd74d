package session

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// counting is the real store with a count of what was written.
type counting struct {
	store.KV
	mu     sync.Mutex
	writes int
}

func (c *counting) Update(ctx context.Context, key string, was store.Version, value []byte, ttl time.Duration) (store.Version, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.KV.Update(ctx, key, was, value, ttl)
}

func open(t *testing.T) (*Sessions, *clock.Manual, *counting) {
	t.Helper()
	c := clock.NewManual(start)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	counted := &counting{KV: kv}
	return New(Deps{KV: counted, Clock: c, Rand: rand.Reader}), c, counted
}

func doctor() authn.Authentication {
	return authn.Authentication{Subject: rpps.MustNationalID("899700990015"), Sub: "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11", Means: authn.ECPS, At: start, Epoch: 3}
}

func begin(t *testing.T, s *Sessions) (Session, string) {
	t.Helper()
	v, cookie, err := s.Begin(context.Background(), doctor(), false)
	if err != nil {
		t.Fatal(err)
	}
	return v, cookie
}

func TestSE2CookieOpensItsSessionOnly(t *testing.T) {
	s, _, _ := open(t)
	ctx := context.Background()
	v, cookie := begin(t, s)
	_, other := begin(t, s)
	if got, err := s.ByCookie(ctx, cookie); err != nil || got.SID != v.SID || got.Auth.Epoch != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	sid, secret, _ := strings.Cut(cookie, ".")
	_, otherSecret, _ := strings.Cut(other, ".")
	if sid == cookie || strings.Contains(v.Secret, secret) {
		t.Error("the sid or the record gives the cookie away (SE2)")
	}
	for name, forged := range map[string]string{
		"none": "", "sid as cookie": sid, "sid without secret": sid + ".", "no sid": "." + secret,
		"another session's secret": sid + "." + otherSecret, "stored hash": sid + "." + v.Secret,
		"upper case sid": strings.ToUpper(sid) + "." + secret, "longer": cookie + "A", "padded": cookie + "=",
		"key of another record": "session:" + sid + "." + secret, "changed": cookie[:len(cookie)-2] + "__",
	} {
		if got, err := s.ByCookie(ctx, forged); !fault.Is(err, fault.NotFound) || got.SID != "" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// Fixation: whatever cookie the browser brings, a login makes a new one, and
// the value that stood before opens nothing any more (SE1).
func TestSE1OldCookieIsDeadAtOnceAfterANewLogin(t *testing.T) {
	s, c, _ := open(t)
	ctx := context.Background()
	v, planted := begin(t, s)
	if err := s.Touch(ctx, v.SID, "dmp"); err != nil {
		t.Fatal(err)
	}
	c.Advance(20 * time.Minute)
	again := doctor()
	again.At, again.Means = c.Now(), authn.Card
	renewed, cookie, err := s.Renew(ctx, v.SID, again)
	if err != nil || renewed.SID != v.SID || cookie == planted || !renewed.Ends.Equal(c.Now().Add(DefaultAbsolute)) || !slices.Contains(renewed.Clients, "dmp") {
		t.Fatalf("%+v %v", renewed, err)
	}
	if _, err := s.ByCookie(ctx, planted); !fault.Is(err, fault.NotFound) {
		t.Errorf("the old cookie: %v", err)
	}
	if got, err := s.ByCookie(ctx, cookie); err != nil || got.Auth.Means != authn.Card {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAnotherPersonCannotTakeOverTheSession(t *testing.T) {
	s, _, _ := open(t)
	ctx := context.Background()
	v, cookie := begin(t, s)
	colleague := doctor()
	colleague.Sub = "5f1d2c7a-3a51-4a0b-8d3e-0c0b7a2f9e22"
	if _, _, err := s.Renew(ctx, v.SID, colleague); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if got, err := s.ByCookie(ctx, cookie); err != nil || got.Auth.Sub != doctor().Sub {
		t.Errorf("%+v %v", got, err)
	}
	if _, _, err := s.Renew(ctx, "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11", doctor()); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestSharedPostLeavesNoCookie(t *testing.T) {
	s, _, _ := open(t)
	ctx := context.Background()
	v, cookie, err := s.Begin(ctx, doctor(), true)
	if err != nil || cookie != "" || v.Secret != "" || !v.Shared {
		t.Fatalf("%+v %q %v", v, cookie, err)
	}
	if _, err := s.BySID(ctx, v.SID); err != nil {
		t.Errorf("its tokens have no session: %v", err)
	}
	for _, forged := range []string{v.SID + ".", v.SID + "." + strings.Repeat("A", secretLen)} {
		if _, err := s.ByCookie(ctx, forged); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", forged, err)
		}
	}
	if _, _, err := s.Renew(ctx, v.SID, doctor()); !fault.Is(err, fault.Conflict) {
		t.Errorf("a shared login became a session: %v", err)
	}
}

func TestSE1IdleAndAbsoluteEnd(t *testing.T) {
	s, c, _ := open(t)
	ctx := context.Background()
	v, cookie := begin(t, s)
	idle, _ := begin(t, s)
	for range 9 { // 3 h 45 of activity
		c.Advance(25 * time.Minute)
		if err := s.Touch(ctx, v.SID, "dmp"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.BySID(ctx, idle.SID); !fault.Is(err, fault.NotFound) {
		t.Errorf("idle session: %v", err)
	}
	c.Advance(15*time.Minute - time.Second)
	if _, err := s.ByCookie(ctx, cookie); err != nil {
		t.Errorf("a second before four hours: %v", err)
	}
	c.Advance(time.Second)
	if _, err := s.ByCookie(ctx, cookie); !fault.Is(err, fault.NotFound) {
		t.Errorf("after four hours of activity: %v", err)
	}
	if err := s.Touch(ctx, v.SID, "dmp"); !fault.Is(err, fault.NotFound) {
		t.Errorf("revived: %v", err)
	}
}

// The store may keep a record longer than its time by our clock (HA7).
func TestHA7OurClockDecidesToo(t *testing.T) {
	s, _, counted := open(t)
	v, cookie := begin(t, s)
	late := New(Deps{KV: counted.KV, Clock: clock.NewManual(start.Add(31 * time.Minute)), Rand: rand.Reader})
	if _, err := late.ByCookie(context.Background(), cookie); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if err := late.Touch(context.Background(), v.SID, "dmp"); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestTouchWritesOnceAMinute(t *testing.T) {
	s, c, counted := open(t)
	ctx := context.Background()
	v, _ := begin(t, s)
	touch := func(client string, want int) {
		t.Helper()
		if err := s.Touch(ctx, v.SID, client); err != nil {
			t.Fatal(err)
		}
		if counted.writes != want {
			t.Fatalf("%d writes, want %d", counted.writes, want)
		}
	}
	touch("dmp", 1) // new to the session
	touch("dmp", 1)
	touch("", 1)
	touch("ordonnance", 2)
	c.Advance(59 * time.Second)
	touch("dmp", 2)
	c.Advance(time.Second)
	touch("dmp", 3)
	got, err := s.BySID(ctx, v.SID)
	if err != nil || !slices.Equal(got.Clients, []string{"dmp", "ordonnance"}) || !got.Seen.Equal(c.Now()) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestSE2EndHasOneWinner(t *testing.T) {
	s, _, _ := open(t)
	ctx := context.Background()
	v, cookie := begin(t, s)
	if err := s.Touch(ctx, v.SID, "dmp"); err != nil {
		t.Fatal(err)
	}
	var winners, losers int
	results := make(chan error)
	for range 50 {
		go func() {
			ended, err := s.End(ctx, v.SID)
			if err == nil && !slices.Equal(ended.Clients, []string{"dmp"}) {
				err = fault.New(fault.Internal, "", "the clients are not told")
			}
			results <- err
		}()
	}
	for range 50 {
		switch err := <-results; {
		case err == nil:
			winners++
		case fault.Is(err, fault.NotFound):
			losers++
		default:
			t.Error(err)
		}
	}
	if winners != 1 || losers != 49 {
		t.Errorf("%d winners, %d losers", winners, losers)
	}
	if _, err := s.ByCookie(ctx, cookie); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestNoRandomnessNoSession(t *testing.T) {
	s, _, _ := open(t)
	for _, left := range []int{0, 20} { // none for the sid, none for the secret
		s.rand = strings.NewReader(strings.Repeat("x", left))
		if _, _, err := s.Begin(context.Background(), doctor(), false); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%d bytes: %v", left, err)
		}
	}
}

// FuzzCookie: no cookie value panics, and what is accepted is exactly what we
// make, so that it names one record and no other key.
func FuzzCookie(f *testing.F) {
	good := "0b6f3c52-6f0e-4d0e-9c55-7a1f0f7f2a11." + strings.Repeat("A", secretLen)
	for _, seed := range []string{"", ".", good, strings.ToUpper(good), good + "\x00", strings.Replace(good, "-", "_", 1), strings.Repeat(".", 80)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		sid, secret, ok := parseCookie(cookie)
		if !ok {
			if sid != "" || secret != "" {
				t.Fatalf("refused %q but gave %q %q", cookie, sid, secret)
			}
			return
		}
		if sid+"."+secret != cookie || len(sid) != sidLen || strings.ToLower(sid) != sid || strings.ContainsAny(cookie, ":/ \x00") {
			t.Fatalf("%q became %q %q", cookie, sid, secret)
		}
	})
}
