package wallet

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewerLoginOfABrowserSupersedesItsOlderOne(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	older := k.open(doctor)
	r, _ := h.sees(older.ID)
	newer := k.open(doctor, func(a *Ask) { a.Supersedes = older.ID })
	if got := k.state(older.ID); got != Superseded {
		t.Fatalf("older is %s", got)
	}
	token, _ := h.token(r, older.Number, rightPIN)
	_, err := k.Answer(k.ctx, h.device(), older.ID, token)
	k.wants(err, ecps.CodeAnswered)
	_, err = h.answers(newer.ID, newer.Number, rightPIN)
	k.must(err)
	k.open(doctor, func(a *Ask) { a.Supersedes = newer.ID })
	_, err = k.Consume(k.ctx, newer.ID)
	k.wants(err, ecps.CodeSuperseded) // an approval not yet used dies too
}

func TestCancelledRequestCannotBeAnswered(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	r, _ := h.sees(p.ID)
	k.must(k.Cancel(k.ctx, p.ID))
	if _, shown := h.sees(p.ID); shown {
		t.Fatal("the phone still shows it")
	}
	token, _ := h.token(r, p.Number, rightPIN)
	_, err := k.Answer(k.ctx, h.device(), p.ID, token)
	k.wants(err, ecps.CodeAnswered)
	if err := k.Cancel(k.ctx, p.ID); !fault.Is(err, fault.Used) {
		t.Fatal(err)
	}
}

func TestExpiry(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	p := k.open(doctor)
	r, _ := h.sees(p.ID)
	k.clock.Advance(requestLife)
	token, _ := h.token(r, p.Number, rightPIN)
	_, err := k.Answer(k.ctx, h.device(), p.ID, token)
	k.wants(err, ecps.CodeExpired)
	if err := k.Resend(k.ctx, p.ID); !fault.Is(err, fault.Expired) {
		t.Fatal(err)
	}
	p = k.open(doctor)
	_, err = h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	k.clock.Advance(approvedLife)
	_, err = k.Consume(k.ctx, p.ID)
	k.wants(err, ecps.CodeExpired)
	k.clock.Advance(recordLife)
	_, err = k.Status(k.ctx, p.ID)
	if !fault.Is(err, fault.NotFound) || fault.CodeOf(err) != ecps.CodeExpired {
		t.Fatal(err)
	}
}

func TestDeliveryIsToldToKnownBrowsersOnly(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "own", doctor))
	for _, browser := range []string{"own", "foreign"} {
		p := k.open(doctor, func(a *Ask) { a.Browser = browser })
		for _, step := range []Delivery{Received, Opened, Received} {
			k.must(k.Delivered(k.ctx, h.device(), p.ID, step))
		}
		got, err := k.Status(k.ctx, p.ID)
		k.must(err)
		if want := map[string]Delivery{"own": Opened, "foreign": ""}[browser]; got.Delivery != want {
			t.Errorf("%s browser sees %q", browser, got.Delivery)
		}
	}
	k.wants(k.Delivered(k.ctx, k.handset(nurse).device(), k.open(doctor).ID, Opened), ecps.CodeNoRequest)
}

// waiting starts Wait and gives what it answers.
func waiting(ctx context.Context, k *kit, id string, seen Pending) <-chan Pending {
	done := make(chan Pending, 1)
	go func() {
		p, err := k.Wait(ctx, id, seen)
		if err != nil {
			p.Reason = err.Error()
		}
		done <- p
	}()
	return done
}

func TestWaitFollowsTheRequest(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	k.must(k.RememberBrowser(k.ctx, "own", doctor))
	p := k.open(doctor, func(a *Ask) { a.Browser = "own" })
	done := waiting(k.ctx, k, p.ID, p)
	k.must(k.Delivered(k.ctx, h.device(), p.ID, Received))
	p = <-done
	if p.State != Open || p.Delivery != Received {
		t.Fatalf("%+v", p)
	}
	done = waiting(k.ctx, k, p.ID, p)
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	if p = <-done; p.State != Approved {
		t.Fatalf("%+v", p)
	}
	ctx, cancel := context.WithCancel(k.ctx)
	done = waiting(ctx, k, p.ID, p)
	cancel()
	if p = <-done; p.State != Approved || p.Reason != "" {
		t.Fatalf("a page that left: %+v", p)
	}
}

// deafBus loses every message, as a broken network does.
type deafBus struct{}

func (deafBus) Publish(context.Context, string, []byte) error {
	return fault.New(fault.Unavailable, "", "no bus")
}

func (deafBus) Subscribe(context.Context, string) (<-chan []byte, func(), error) {
	return nil, nil, fault.New(fault.Unavailable, "", "no bus")
}

var _ store.Bus = deafBus{}

// alarmClock tells when somebody goes to sleep, so that the test moves the
// clock only then.
type alarmClock struct {
	*clock.Manual
	asleep chan time.Duration
}

func (a alarmClock) After(d time.Duration) (<-chan time.Time, func()) {
	fired, stop := a.Manual.After(d)
	a.asleep <- d
	return fired, stop
}

func TestLostWakeUpMakesThePageLateNeverWrong(t *testing.T) {
	asleep := make(chan time.Duration, 1)
	k := newKit(t, func(d *Deps) {
		d.Bus = deafBus{}
		k, ok := d.Clock.(*clock.Manual)
		if !ok {
			t.Fatal("the kit's clock is not manual")
		}
		d.Clock = alarmClock{Manual: k, asleep: asleep}
	})
	h := k.handset(doctor)
	p := k.open(doctor)
	done := waiting(k.ctx, k, p.ID, p)
	<-asleep
	_, err := h.answers(p.ID, p.Number, rightPIN)
	k.must(err)
	k.clock.Advance(pollEvery)
	if got := <-done; got.State != Approved {
		t.Fatalf("%+v", got)
	}
	p = k.open(doctor)
	done = waiting(k.ctx, k, p.ID, p)
	for {
		select {
		case d := <-asleep:
			k.clock.Advance(d)
			continue
		case got := <-done:
			if got.State != Expired || got.Reason != ecps.CodeExpired || !k.clock.Now().Equal(p.ExpiresAt) {
				t.Fatalf("%+v at %v", got, k.clock.Now())
			}
		}
		return
	}
}

func TestResendIsBounded(t *testing.T) {
	var woken int
	k := newKit(t, func(d *Deps) { d.Notifier = notifyFunc(func() { woken++ }) })
	p := k.open(doctor)
	for range 10 {
		k.must(k.Resend(k.ctx, p.ID))
	}
	if want := 1 + DefaultLimits().Resends; woken != want {
		t.Fatalf("woken %d times, want %d", woken, want)
	}
}

type notifyFunc func()

func (f notifyFunc) Notify(context.Context, Notice) { f() }

func TestBrowserIsForgottenInTime(t *testing.T) {
	k := newKit(t)
	k.must(k.RememberBrowser(k.ctx, "own", oldADELI))
	known := func() bool {
		ok, err := k.KnowsBrowser(k.ctx, "own", doctor)
		k.must(err)
		return ok
	}
	if !known() {
		t.Fatal("not known by another identifier of the same person")
	}
	k.clock.Advance(browserLife - time.Second)
	k.must(k.RememberBrowser(k.ctx, "own", doctor))
	k.clock.Advance(time.Minute)
	if !known() {
		t.Fatal("a browser in use was forgotten")
	}
	k.clock.Advance(browserLife)
	if known() {
		t.Fatal("remembered for ever")
	}
	if ok, err := k.KnowsBrowser(k.ctx, "", doctor); ok || err != nil {
		t.Fatal("no cookie is a known browser")
	}
}

// Two nodes over one store: what one asks the other's phone answers.
func TestTwoNodesShareRequests(t *testing.T) {
	k := newKit(t)
	h := k.handset(doctor)
	second, err := New(k.Deps)
	k.must(err)
	p := k.open(doctor)
	done := waiting(k.ctx, k, p.ID, p)
	r, _ := h.sees(p.ID)
	token, _ := h.token(r, p.Number, rightPIN)
	_, err = second.Answer(k.ctx, h.device(), p.ID, token)
	k.must(err)
	if got := <-done; got.State != Approved {
		t.Fatalf("%+v", got)
	}
	won, _ := race(func() error { _, err := second.Consume(k.ctx, p.ID); return err })
	if won != 1 {
		t.Fatalf("%d winners", won)
	}
}

func TestConfiguredLifeOfARequest(t *testing.T) {
	k := newKit(t, func(d *Deps) { d.RequestLife = 30 * time.Second })
	p := k.open(doctor)
	k.clock.Advance(30*time.Second - time.Millisecond)
	if got := k.state(p.ID); got != Open {
		t.Fatal(got)
	}
	k.clock.Advance(time.Millisecond)
	if got := k.state(p.ID); got != Expired {
		t.Fatal(got)
	}
	for _, life := range []time.Duration{-1, recordLife} {
		d := k.Deps
		d.RequestLife = life
		if _, err := New(d); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%v: %v", life, err)
		}
	}
}
