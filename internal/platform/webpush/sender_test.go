package webpush_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/webpush"
	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

func TestPushReachesItsBrowser(t *testing.T) {
	r := newRig(t)
	p := r.push("phone")
	p.Topic, p.Urgency, p.TTL = "demande", "high", 90*time.Second
	r.enqueue(p)
	r.expect("phone", webpush.Accepted)
	m := r.service.Next()
	if m.ID != "phone" || string(m.Payload) != "look" || m.Topic != "demande" || m.Urgency != "high" || m.TTL != 90*time.Second {
		t.Errorf("%+v", m)
	}
	if m.Claims.Sub != "mailto:push@exemple.invalid" || m.Claims.Exp != start.Add(12*time.Hour).Unix() {
		t.Errorf("%+v", m.Claims)
	}
}

// TestLengthTellsNothing: who sees bodies pass must not tell one kind from another.
func TestLengthTellsNothing(t *testing.T) {
	r := newRig(t)
	for _, size := range []int{0, 1, 255, webpush.MaxPayload - 1, webpush.MaxPayload} {
		p := r.push("phone")
		p.Payload = bytes.Repeat([]byte{0}, size) // zeros look like padding
		r.enqueue(p)
		if m := r.service.Next(); m.Size != 86+webpush.MaxPayload+1+16 || !bytes.Equal(m.Payload, p.Payload) {
			t.Errorf("%d bytes came as %d in a body of %d", size, len(m.Payload), m.Size)
		}
	}
}

func TestAnswersThatEndAPush(t *testing.T) {
	for status, want := range map[int]webpush.Kind{
		200: webpush.Accepted, 202: webpush.Accepted, 404: webpush.Gone, 410: webpush.Gone,
		304: webpush.Refused, 400: webpush.Refused, 401: webpush.Refused, 403: webpush.Refused, 413: webpush.Refused,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			r := newRig(t)
			r.service.Answers(webpushtest.Answer{Status: status})
			r.enqueue(r.push("phone"))
			r.expect("phone", want)
			r.clock.Advance(time.Hour)
			r.service.Answers(webpushtest.Answer{})
			r.enqueue(r.push("other"))
			r.expect("other", webpush.Accepted)
			if n := r.service.Calls(); n != 2 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestRedirectLeadsNowhere: a service must not make this server ask another machine.
func TestRedirectLeadsNowhere(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		r := newRig(t)
		elsewhere := webpushtest.NewPlain(t, r.clock)
		r.service.Answers(webpushtest.Answer{Status: status, Location: elsewhere.URL + "/inside"})
		r.enqueue(r.push("phone"))
		r.expect("phone", webpush.Refused)
		if n := elsewhere.Calls(); n != 0 {
			t.Errorf("%d was followed", status)
		}
	}
}

func TestSubscriptionOfAnotherServerIsRefused(t *testing.T) {
	r, other := newRig(t), newRig(t)
	p := r.push("phone")
	p.Subscription = r.service.Subscribe("phone", other.key.PublicKey())
	r.enqueue(p)
	r.expect("phone", webpush.Refused)
}

// TestBodyWithoutEnd: a service must not hold a call by talking.
func TestBodyWithoutEnd(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Body: 1 << 40})
	r.enqueue(r.push("phone"))
	r.expect("phone", webpush.Accepted)
}

// TestNoSecretInTheLog: who knows an endpoint can have its browser woken.
func TestNoSecretInTheLog(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	defer close(hold)
	var secrets []string
	for id, a := range map[string]webpushtest.Answer{
		"error": {Status: 500}, "gone": {Status: 410}, "garbage": {Garbage: true}, "redirect": {Status: 307, Location: "https://exemple.invalid/"}, "slow": {Hold: hold},
	} {
		r.service.Answers(a)
		p := r.push(id)
		p.Payload = []byte("confidential")
		r.enqueue(p)
		wait(t, r.service.Arrivals())
		if id == "slow" {
			r.clock.Advance(calling)
		}
		wait(t, r.results)
		secrets = append(secrets, p.Endpoint[strings.LastIndex(p.Endpoint, "/")+1:], p.Auth, p.P256DH, "confidential", "vapid")
	}
	bad := r.push("bad")
	bad.Endpoint = "https://user:confidential@exemple.invalid/%zz"
	if r.Enqueue(bad) {
		t.Error("taken")
	}
	for _, s := range secrets {
		if strings.Contains(r.log.String(), s) {
			t.Errorf("%q is in the log:\n%s", s, r.log)
		}
	}
	if strings.Count(r.log.String(), "\n") < 6 {
		t.Errorf("the log is silent:\n%s", r.log)
	}
}

func TestEndsCleanly(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	defer close(hold)
	r.service.Answers(webpushtest.Answer{Hold: hold})
	for i := range 40 {
		r.enqueue(r.push(fmt.Sprint(i)))
	}
	wait(t, r.service.Arrivals())
	if err := r.Run(context.Background()); !fault.Is(err, fault.Conflict) {
		t.Errorf("it runs twice: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if r.Enqueue(r.push("late")) {
		t.Error("it takes pushes after its end")
	}
	if len(r.results) != 0 {
		t.Errorf("an end was made up: %+v", <-r.results)
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	defer close(hold)
	r.service.Answers(webpushtest.Answer{Hold: hold})
	p := r.push("phone")
	taken := 0
	for r.Enqueue(p) {
		if taken++; taken > 1<<15 {
			t.Fatal("the queue has no bound")
		}
	}
	if taken != 1<<14 {
		t.Errorf("%d were taken", taken)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesWhatItCannotGuard(t *testing.T) {
	r := newRig(t)
	good := webpush.Options{HTTP: &http.Client{}, Key: r.key, Subject: "https://egide.exemple.invalid/aide", Clock: r.clock, Rand: bytes.NewReader(nil), Log: discard}
	if _, err := webpush.New(good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*webpush.Options)
		want  fault.Kind
	}{
		"foreign transport": {func(o *webpush.Options) { o.HTTP = &http.Client{Transport: roundTripper{}} }, fault.Internal},
		"no key":            {func(o *webpush.Options) { o.Key = nil }, fault.Internal},
		"bare address":      {func(o *webpush.Options) { o.Subject = "push@exemple.invalid" }, fault.Invalid},
		"http contact":      {func(o *webpush.Options) { o.Subject = "http://exemple.invalid" }, fault.Invalid},
	} {
		o := good
		c.spoil(&o)
		if _, err := webpush.New(o); !fault.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
