package webpush_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/webpush"
	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

var discard = slog.New(slog.DiscardHandler)

type roundTripper struct{}

func (roundTripper) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, http.ErrNotSupported
}

func say(p webpush.Push, what string) webpush.Push {
	p.Payload = []byte(what)
	return p
}

func TestNewerTakesThePlaceOfOneThatWaits(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 429, RetryAfter: "30"}, webpushtest.Answer{})
	p := r.push("phone")
	p.Topic = "demande"
	r.enqueue(say(p, "first"))
	r.expect("phone", webpush.Later)
	r.enqueue(say(p, "second"))
	r.enqueue(say(p, "third"))
	r.quietUntil(30*time.Second, 1) // the newer keeps the pause that was asked for
	r.expect("phone", webpush.Accepted)
	if r.service.Next(); string(r.service.Next().Payload) != "third" || r.service.Calls() != 3 {
		t.Errorf("%d calls", r.service.Calls())
	}
}

// TestOlderNeverArrivesLast: two calls at once could arrive in any order.
func TestOlderNeverArrivesLast(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	r.service.Answers(webpushtest.Answer{Hold: hold}, webpushtest.Answer{})
	p := r.push("phone")
	p.Topic = "demande"
	r.enqueue(say(p, "first"))
	wait(t, r.service.Arrivals())
	r.enqueue(say(p, "second"))
	r.enqueue(say(p, "third"))
	r.enqueue(r.push("other"))
	r.expect("other", webpush.Accepted) // the sender has been round
	if n := r.service.Calls(); n != 2 {
		t.Fatalf("%d calls while one was under way", n)
	}
	close(hold)
	r.expect("phone", webpush.Accepted)
	r.expect("phone", webpush.Accepted)
	r.service.Next()
	if a, b := r.service.Next(), r.service.Next(); string(a.Payload) != "first" || string(b.Payload) != "third" {
		t.Errorf("%s, %s", a.Payload, b.Payload)
	}
}

func TestNewerWaitsOutThePauseOfOneUnderWay(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	r.service.Answers(webpushtest.Answer{Hold: hold, Status: 503, RetryAfter: "30"}, webpushtest.Answer{})
	p := r.push("phone")
	p.Topic = "demande"
	r.enqueue(say(p, "first"))
	wait(t, r.service.Arrivals())
	r.enqueue(say(p, "second"))
	close(hold)
	r.expect("phone", webpush.Later)
	r.quietUntil(30*time.Second, 1)
	r.expect("phone", webpush.Accepted)
	if r.service.Next(); string(r.service.Next().Payload) != "second" {
		t.Error("the older one was sent")
	}
}

func TestNewSubscriptionDoesNotWaitForTheOldOne(t *testing.T) {
	r := newRig(t)
	other := webpushtest.NewPlain(t, r.clock)
	r.service.Answers(webpushtest.Answer{Status: 503, RetryAfter: "300"})
	p := r.push("phone")
	p.Topic = "demande"
	r.enqueue(p)
	r.expect("phone", webpush.Later)
	p.Subscription = other.Subscribe("phone", "")
	r.enqueue(p)
	r.expect("phone", webpush.Accepted)
	r.clock.Advance(5 * time.Minute)
	r.enqueue(say(p, "again"))
	r.expect("phone", webpush.Accepted)
	if n := r.service.Calls(); n != 1 {
		t.Errorf("the old subscription was tried %d times", n)
	}
}

func TestOthersAreNotReplaced(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 429, RetryAfter: "30"}) // to all
	a, b := r.push("a"), r.push("b")
	sent := 0
	for _, topic := range []string{"", "", "demande", "nouvelle"} {
		for _, p := range []webpush.Push{a, b} {
			p.Topic = topic
			r.enqueue(p)
			if got := wait(t, r.results); got.Kind != webpush.Later {
				t.Fatalf("%+v", got)
			}
			sent++
		}
	}
	r.service.Answers(webpushtest.Answer{})
	r.clock.Advance(30 * time.Second)
	for range sent {
		r.service.Next()
	}
}

// TestDeadServiceHoldsNobodyElse: a thousand pushes wait for a service that takes
// calls and never answers; one to another goes out without the clock moving.
func TestDeadServiceHoldsNobodyElse(t *testing.T) {
	r := newRig(t)
	dead := webpushtest.NewPlain(t, r.clock)
	hold := make(chan struct{})
	defer close(hold)
	dead.Answers(webpushtest.Answer{Hold: hold})
	s := dead.Subscribe("dead", "")
	for i := range 1000 {
		p := webpush.Push{Subscription: s, TTL: time.Hour, Topic: fmt.Sprint(i)}
		r.enqueue(p)
	}
	for range 32 {
		wait(t, dead.Arrivals())
	}
	r.enqueue(r.push("live"))
	r.expect("live", webpush.Accepted)
	if n := dead.Calls(); n != 32 {
		t.Errorf("%d calls at once to one service", n)
	}
	r.clock.Advance(calling)
	for range 32 {
		r.expect("dead", webpush.Later)
	}
	r.enqueue(r.push("live"))
	r.expect("live", webpush.Accepted)
	wait(t, dead.Arrivals()) // one at a time now
	if n := dead.Calls(); n != 33 {
		t.Errorf("%d calls to a service that never answered", n)
	}
}
