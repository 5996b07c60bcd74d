package webpush_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/webpush"
	"github.com/egide-id/egide/internal/platform/webpush/webpushtest"
)

// quietUntil tells that nothing is sent before after has passed: a push that was
// enqueued just before arrives alone.
func (r *rig) quietUntil(after time.Duration, arrived int) {
	r.t.Helper()
	r.clock.Advance(after - 10*time.Millisecond)
	r.service.AnswerWith(func(string) webpushtest.Answer { return webpushtest.Answer{} })
	r.enqueue(r.push("sentinel"))
	r.expect("sentinel", webpush.Accepted)
	if n := r.service.Calls(); n != arrived+1 {
		r.t.Fatalf("%d calls before the pause had passed, want %d", n-1, arrived)
	}
	r.clock.Advance(10 * time.Millisecond)
}

func TestTriesAgainWhenTheServiceAsksFor(t *testing.T) {
	for name, c := range map[string]struct {
		answer webpushtest.Answer
		from   time.Duration
		to     time.Duration
	}{
		"429, seconds": {webpushtest.Answer{Status: 429, RetryAfter: "30"}, 30 * time.Second, 30 * time.Second},
		"503, date": {webpushtest.Answer{Status: 503, RetryAfter: start.Add(2 * time.Minute).Format(http.TimeFormat)},
			2 * time.Minute, 2 * time.Minute},
		"429, at once":    {webpushtest.Answer{Status: 429, RetryAfter: "0"}, time.Second, time.Second},
		"429, no word":    {webpushtest.Answer{Status: 429}, time.Second / 2, time.Second},
		"429, nonsense":   {webpushtest.Answer{Status: 429, RetryAfter: "bientôt"}, time.Second / 2, time.Second},
		"500":             {webpushtest.Answer{Status: 500}, time.Second / 2, time.Second},
		"502":             {webpushtest.Answer{Status: 502}, time.Second / 2, time.Second},
		"what is no HTTP": {webpushtest.Answer{Garbage: true}, time.Second / 2, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.service.Answers(c.answer, webpushtest.Answer{})
			r.enqueue(r.push("phone"))
			after := r.expect("phone", webpush.Later).After
			if after < c.from || after > c.to {
				t.Fatalf("after %v", after)
			}
			r.quietUntil(after, 1)
			r.expect("phone", webpush.Accepted)
		})
	}
}

func TestPauseForeverIsBounded(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 429, RetryAfter: "2000000000"}, webpushtest.Answer{})
	p := r.push("phone")
	p.TTL = 12 * time.Hour
	r.enqueue(p)
	if after := r.expect("phone", webpush.Later).After; after != time.Hour {
		t.Fatalf("after %v", after)
	}
	r.clock.Advance(time.Hour)
	r.expect("phone", webpush.Accepted)
}

func TestBackOffDoublesToItsBoundAndEnds(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 500})
	p := r.push("phone")
	p.TTL = 12 * time.Hour
	r.enqueue(p)
	whole := time.Second
	for range 15 {
		after := r.expect("phone", webpush.Later).After
		if after < whole/2 || after > whole {
			t.Fatalf("after %v, want %v at most", after, whole)
		}
		whole = min(2*whole, time.Minute)
		r.clock.Advance(after)
	}
	r.expect("phone", webpush.Failed)
	if n := r.service.Calls(); n != 16 {
		t.Errorf("%d calls", n)
	}
}

// TestServiceThatNeverAnswers: the deadline is the clock's.
func TestServiceThatNeverAnswers(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	defer close(hold)
	r.service.Answers(webpushtest.Answer{Hold: hold}, webpushtest.Answer{})
	r.enqueue(r.push("phone"))
	wait(t, r.service.Arrivals())
	r.clock.Advance(calling)
	after := r.expect("phone", webpush.Later).After
	r.clock.Advance(after)
	r.expect("phone", webpush.Accepted)
}

// leap is a clock that moves just before the wait for a next try is set.
type leap struct {
	*clock.Manual
	once sync.Once
}

func (l *leap) After(d time.Duration) (<-chan time.Time, func()) {
	if d <= time.Second {
		l.once.Do(func() { l.Advance(d) })
	}
	return l.Manual.After(d)
}

func TestClockThatMovesBeforeTheWaitIsSet(t *testing.T) {
	r := newRig(t, func(o *webpush.Options) { o.Clock = &leap{Manual: o.Clock.(*clock.Manual)} })
	r.service.Answers(webpushtest.Answer{Status: 500}, webpushtest.Answer{})
	r.enqueue(r.push("phone"))
	r.expect("phone", webpush.Later)
	r.expect("phone", webpush.Accepted)
}

// TestPayloadIsTheCallersAgain: who reuses a buffer must not change what waits.
func TestPayloadIsTheCallersAgain(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 500}, webpushtest.Answer{})
	p := r.push("phone")
	r.enqueue(p)
	after := r.expect("phone", webpush.Later).After
	copy(p.Payload, "XXXX")
	r.clock.Advance(after)
	if m := r.service.Next(); string(m.Payload) != "look" {
		t.Errorf("%s", m.Payload)
	}
}

func TestServiceThatIsNotThere(t *testing.T) {
	r := newRig(t)
	p := r.push("phone")
	p.Endpoint = "http://127.0.0.1:1/push" // nobody listens
	r.enqueue(p)
	r.expect("phone", webpush.Later)
}

func TestNothingIsSentThatHasExpired(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 429, RetryAfter: "30"})
	p := r.push("phone")
	p.Expires = start.Add(20 * time.Second)
	r.enqueue(p)
	r.expect("phone", webpush.Failed) // at once: it would come too late
	p = r.push("other")
	p.Expires = start
	if r.Enqueue(p) {
		t.Error("what has expired is taken")
	}
	r.expect("other", webpush.Failed)
	if n := r.service.Calls(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestExpiresWhileItsServiceIsBusy(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	defer close(hold)
	r.service.Answers(webpushtest.Answer{Hold: hold})
	for i := range 32 { // all calls that one service gets
		r.enqueue(r.push(fmt.Sprint(i)))
		wait(t, r.service.Arrivals())
	}
	p := r.push("short")
	p.Expires = start.Add(calling / 2)
	r.enqueue(p)
	r.clock.Advance(calling / 2)
	r.expect("short", webpush.Failed)
	if n := r.service.Calls(); n != 32 {
		t.Errorf("%d calls", n)
	}
}

// TestServiceDoesNotKeepWhatHasExpired: its time to live ends with ours.
func TestServiceDoesNotKeepWhatHasExpired(t *testing.T) {
	r := newRig(t)
	r.service.Answers(webpushtest.Answer{Status: 429, RetryAfter: "30"}, webpushtest.Answer{})
	p := r.push("phone")
	p.Expires = start.Add(2 * time.Minute)
	r.enqueue(p)
	r.expect("phone", webpush.Later)
	r.clock.Advance(30 * time.Second)
	if m := r.service.Next(); m.TTL != 90*time.Second {
		t.Errorf("TTL %v", m.TTL)
	}
}
