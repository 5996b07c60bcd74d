package grant

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

const browser = "secret-of-the-browser"

func startRequest(t *testing.T, q *Requests, secret string) Request {
	t.Helper()
	age := 0
	r, err := q.Start(context.Background(), Request{
		ClientID: "dmp", RedirectURI: "https://dossier.exemple.invalid/retour", State: "s", Nonce: "n",
		Scope: []string{"openid"}, MaxAge: &age, BrowserHash: Hash(secret),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoginGoesThrough(t *testing.T) {
	d, _ := open(t)
	q, ctx := NewRequests(d), context.Background()
	r := startRequest(t, q, browser)
	if r.Progress != Pending || !r.Expires.Equal(start.Add(15*time.Minute)) || len(r.Handle) != 43 {
		t.Fatalf("%+v", r)
	}
	asked := Asked{Wallet: "w1", Holder: doctor().Subject, Shared: true}
	if r, err := q.SetWallet(ctx, r.Handle, asked); err != nil || r.Wallet != "w1" || r.Holder != asked.Holder || !r.Shared {
		t.Fatalf("%+v %v", r, err)
	}
	if late, err := q.SetWallet(ctx, r.Handle, Asked{Wallet: "w2"}); !fault.Is(err, fault.Used) || late.Wallet != "w1" {
		t.Errorf("the second of two forms sent at once counted: %+v %v", late, err)
	}
	if _, err := q.Complete(ctx, r.Handle); !fault.Is(err, fault.Used) {
		t.Errorf("completed without a login: %v", err)
	}
	if _, err := q.Authenticate(ctx, r.Handle, doctor(), "sid"); err != nil {
		t.Fatal(err)
	}
	if now, err := q.Authenticate(ctx, r.Handle, doctor(), "other"); !fault.Is(err, fault.Used) || now.SID != "sid" {
		t.Errorf("answered twice: %+v %v", now, err)
	}
	got, err := q.Get(ctx, r.Handle, browser)
	if err != nil || got.Progress != Authenticated || got.Auth.Sub != doctor().Sub || !got.Shared || *got.MaxAge != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if done, err := q.Complete(ctx, r.Handle); err != nil || done.State != "s" || done.Nonce != "n" || done.SID != "sid" || done.Reason != "" {
		t.Errorf("%+v %v", done, err)
	}
	if done, err := q.Complete(ctx, r.Handle); !fault.Is(err, fault.Used) || done.Progress != Completed {
		t.Errorf("completed twice: %+v %v", done, err)
	}
}

func TestDenialReachesTheService(t *testing.T) {
	d, _ := open(t)
	q, ctx := NewRequests(d), context.Background()
	fromPending := startRequest(t, q, browser)
	fromLogin := startRequest(t, q, browser)
	if _, err := q.Authenticate(ctx, fromLogin.Handle, doctor(), "sid"); err != nil {
		t.Fatal(err)
	}
	for _, handle := range []string{fromPending.Handle, fromLogin.Handle} {
		if _, err := q.Deny(ctx, handle, "PF-EC-012"); err != nil {
			t.Fatal(err)
		}
		if r, err := q.Complete(ctx, handle); err != nil || r.Reason != "PF-EC-012" || r.Auth != nil || r.SID != "" {
			t.Errorf("%+v %v", r, err)
		}
	}
}

// A link to somebody's login, opened in another browser, is no login (AZ22).
func TestAnotherBrowserLearnsNothing(t *testing.T) {
	d, c := open(t)
	q, ctx := NewRequests(d), context.Background()
	r := startRequest(t, q, browser)
	for _, secret := range []string{"", "other", r.BrowserHash, strings.ToUpper(browser)} {
		if got, err := q.Get(ctx, r.Handle, secret); !fault.Is(err, fault.Denied) || got.ClientID != "" {
			t.Errorf("%q: %+v %v", secret, got, err)
		}
	}
	for _, handle := range []string{"", "x", strings.Repeat("a", 43), "../" + r.Handle[3:], r.Handle + "a"} {
		if _, err := q.Get(ctx, handle, browser); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", handle, err)
		}
		if _, err := q.Complete(ctx, handle); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", handle, err)
		}
	}
	c.Advance(16 * time.Minute)
	if got, err := q.Get(ctx, r.Handle, "other"); !fault.Is(err, fault.Denied) || got.ClientID != "" {
		t.Errorf("after its end: %+v %v", got, err)
	}
	if _, err := q.Start(ctx, Request{ClientID: "dmp"}); err == nil {
		t.Error("a request of no browser")
	}
}

func TestAZ21ExpiredRequestShowsTheWayBack(t *testing.T) {
	d, c := open(t)
	q, ctx := NewRequests(d), context.Background()
	open, done := startRequest(t, q, browser), startRequest(t, q, browser)
	if _, err := q.Deny(ctx, done.Handle, "PF-EC-012"); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Complete(ctx, done.Handle); err != nil {
		t.Fatal(err)
	}
	c.Advance(15 * time.Minute)
	if r, err := q.Get(ctx, open.Handle, browser); !fault.Is(err, fault.Expired) || r.Progress != Expired || r.RedirectURI == "" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := q.Get(ctx, done.Handle, browser); !fault.Is(err, fault.Expired) || r.Progress != Completed {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := q.Authenticate(ctx, open.Handle, doctor(), "sid"); !fault.Is(err, fault.Expired) {
		t.Errorf("answered after its end: %v", err)
	}
	c.Advance(15 * time.Minute)
	if _, err := q.Get(ctx, open.Handle, browser); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// One browser cannot fill the store: its eleventh login drops its first, and
// touches nobody else's (AZ23).
func TestOldestOpenLoginOfABrowserIsDropped(t *testing.T) {
	d, c := open(t)
	q, ctx := NewRequests(d), context.Background()
	other := startRequest(t, q, "another-browser")
	var handles []string
	for range maxOpen + 2 {
		handles = append(handles, startRequest(t, q, browser).Handle)
	}
	for i, h := range handles {
		_, err := q.Get(ctx, h, browser)
		if dropped := fault.Is(err, fault.NotFound); dropped != (i < 2) || err != nil && !dropped {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if _, err := q.Get(ctx, other.Handle, "another-browser"); err != nil {
		t.Error(err)
	}
	c.Advance(14 * time.Minute)
	startRequest(t, q, browser)
	c.Advance(2 * time.Minute) // the ten are expired and no longer count, the index lives on
	for range maxOpen - 1 {
		startRequest(t, q, browser)
	}
	if index, err := q.browsers.records.Get(ctx, Hash(browser)); err != nil || len(index.Open) != maxOpen {
		t.Errorf("%d open, %v", len(index.Open), err)
	}
}

func TestD2HA9HundredCompletionsHaveOneWinner(t *testing.T) {
	d, _ := open(t)
	q, ctx := NewRequests(d), context.Background()
	r := startRequest(t, q, browser)
	if _, err := q.Authenticate(ctx, r.Handle, doctor(), "sid"); err != nil {
		t.Fatal(err)
	}
	winners := 0
	for _, err := range race(100, func() error { _, err := q.Complete(ctx, r.Handle); return err }) {
		if err == nil {
			winners++
		} else if !fault.Is(err, fault.Used) {
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
}

// Login and cancel in the same instant: one of them counts, for everybody.
func TestLoginAndCancelAgree(t *testing.T) {
	d, _ := open(t)
	q, ctx := NewRequests(d), context.Background()
	r := startRequest(t, q, browser)
	turn := make(chan bool, 50)
	for i := range cap(turn) {
		turn <- i%2 == 0
	}
	race(cap(turn), func() error {
		if <-turn {
			_, err := q.Authenticate(ctx, r.Handle, doctor(), "sid")
			return err
		}
		_, err := q.Deny(ctx, r.Handle, "PF-EC-012")
		return err
	})
	got, err := q.Complete(ctx, r.Handle)
	if err != nil || got.Reason != "PF-EC-012" || got.Auth != nil {
		t.Errorf("a cancelled login went through: %+v %v", got, err)
	}
}

func TestManyRequestsOfOneBrowserAtOnce(t *testing.T) {
	d, _ := open(t)
	q, ctx := NewRequests(d), context.Background()
	for _, err := range race(40, func() error {
		_, err := q.Start(ctx, Request{ClientID: "dmp", BrowserHash: Hash(browser)})
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	index, err := q.browsers.records.Get(ctx, Hash(browser))
	if err != nil || len(index.Open) != maxOpen {
		t.Fatalf("%d open, %v", len(index.Open), err)
	}
	for _, e := range index.Open {
		if _, err := q.Get(ctx, e.ID, browser); err != nil {
			t.Error(err)
		}
	}
}
