package agent_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
)

// reported wants exactly these logins to be told as pulled, in any order.
func (b *bed) reported(logins ...cps.Challenge) {
	b.Helper()
	var got, want []string
	for _, c := range logins {
		r := wait(b.T, b.provider.removals, "report")
		got, want = append(got, r.ID+" "+r.Secret), append(want, c.ID+" "+c.Removal)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		b.Errorf("reported %q, want %q", got, want)
	}
}

// nothingMore wants no other report, now that the bridge has ended.
func (b *bed) nothingMore() {
	b.Helper()
	b.stop()
	if n := len(b.provider.removals); n != 0 {
		b.Errorf("%d more were reported", n)
	}
}

func TestPulledCardIsReported(t *testing.T) {
	b := newBed(t)
	c := b.login()
	b.slots.Remove(one)
	b.reported(c)
	b.slots.Insert(one, newCard(t, "cps3", noOptions))
	b.slots.Remove(one)
	b.nothingMore()
}

func TestCardPutBackAtOnceIsStillAPull(t *testing.T) {
	b := newBed(t)
	c := b.login()
	b.slots.Remove(one)
	b.slots.Insert(one, newCard(t, "cps3", noOptions))
	b.reported(c)
	again := b.login()
	b.slots.Insert(one, newCard(t, "cps3", noOptions))
	b.reported(again)
	b.nothingMore()
}

func TestEveryLoginOfACardIsReported(t *testing.T) {
	b := newBed(t)
	logins := []cps.Challenge{b.login(), b.login(), b.login()}
	b.slots.Remove(one)
	b.reported(logins...)
	b.nothingMore()
}

func TestOnlyTheLoginsOfThePulledCardAreReported(t *testing.T) {
	b := newBed(t)
	first := b.login()
	b.slots.Insert(two, newCard(t, "cps4", noOptions))
	b.holder.choose = func([]string) (int, error) { return 1, nil }
	second := b.login()
	b.slots.Remove(two)
	b.reported(second)
	third := b.login() // of the first card again
	b.slots.Remove(one)
	b.reported(first, third)
	b.nothingMore()
}

func TestLoginThatFailedIsNotWatched(t *testing.T) {
	b := newBed(t)
	b.holder.types(wrongPIN)
	_, token := b.challenge()
	b.refused(b.ask(token), cps.PINIncorrect, 2)
	b.slots.Remove(one)
	b.nothingMore()
}

func TestChallengeWithoutRemovalIsNotWatched(t *testing.T) {
	b := newBed(t)
	c, _ := b.challenge()
	c.Removal = ""
	token := b.sign(c)
	b.answered(token, b.ask(token))
	b.slots.Remove(one)
	b.nothingMore()
}

// Nobody would see a card leave after the bridge has ended.
func TestStoppedBridgeReportsItsCards(t *testing.T) {
	b := newBed(t)
	first, second := b.login(), b.login()
	b.stop()
	b.reported(first, second)
	b.nothingMore()
}

func TestProviderThatIsDownIsTriedAgain(t *testing.T) {
	b := newBed(t)
	b.provider.down.Store(3)
	c := b.login()
	b.slots.Remove(one)
	var waited time.Duration
	for range 3 {
		pause := wait(t, b.clock.waits, "pause")
		waited += pause
		b.clock.Advance(pause)
	}
	b.reported(c)
	if n := b.provider.tried.Load(); n != 4 || waited < time.Second || waited > 30*time.Second {
		t.Errorf("%d tries in %s", n, waited)
	}
	b.nothingMore()
}

// A provider that stays down is given up after half a minute, and that is told.
func TestProviderThatStaysDownIsGivenUp(t *testing.T) {
	b := newBed(t)
	const down = 100
	b.provider.down.Store(down)
	b.login()
	b.slots.Remove(one)
	var waited time.Duration
	for range 5 {
		pause := wait(t, b.clock.waits, "pause")
		waited += pause
		b.clock.Advance(pause)
	}
	b.nothingMore()
	if n := b.provider.tried.Load(); n != 6 || waited < 20*time.Second || waited > 40*time.Second {
		t.Errorf("%d tries in %s", n, waited)
	}
	if !strings.Contains(b.log.String(), "does not know that the card was pulled") {
		t.Error("nobody is told")
	}
}

// A bridge that is stopped between two tries makes one more, at once.
func TestStoppedWhileTheProviderIsDown(t *testing.T) {
	b := newBed(t)
	b.provider.down.Store(1)
	c := b.login()
	b.slots.Remove(one)
	wait(t, b.clock.waits, "pause")
	b.stop()
	b.reported(c)
}

// A refusal is final: the provider knows this login and has ended it already.
func TestRefusedReportIsNotRepeated(t *testing.T) {
	b := newBed(t, func(o *agent.Options) {
		o.HTTP = &http.Client{Timeout: soon, Transport: spoils{o.HTTP.Transport}}
	})
	b.login()
	b.slots.Remove(one)
	b.stop()
	if n := b.provider.tried.Load(); n != 1 || len(b.provider.removals) != 0 {
		t.Errorf("%d tries", n)
	}
}

// spoils sends what the provider does not understand.
type spoils struct{ http.RoundTripper }

func (s spoils) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Content-Type", "text/plain")
	return s.RoundTripper.RoundTrip(r)
}

// broken readers cannot be listed any more once a test says so.
type broken struct {
	cardbridge.Transport
	now chan struct{}
}

func (x broken) failed() bool {
	select {
	case <-x.now:
		return true
	default:
		return false
	}
}

func (x broken) Readers(ctx context.Context) ([]cardbridge.Reader, error) {
	if x.failed() {
		return nil, errors.New("the service has ended")
	}
	return x.Transport.Readers(ctx)
}

func (x broken) Changed(ctx context.Context, seen []cardbridge.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- x.Transport.Changed(ctx, seen) }()
	select {
	case err := <-ended:
		return err
	case <-x.now:
		cancel()
		return errors.Join(errors.New("the service has ended"), <-ended)
	}
}

// Without the reader service nobody would notice a card that leaves: the login ends.
func TestReaderServiceThatDiesCountsAsPulled(t *testing.T) {
	now := make(chan struct{})
	b := newBed(t, through(func(x cardbridge.Transport) cardbridge.Transport { return broken{x, now} }))
	c := b.login()
	close(now)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for {
		select {
		case pause := <-b.clock.waits: // it looks again before it believes that
			b.clock.Advance(pause)
		case r := <-b.provider.removals:
			if r != (cps.Removal{ID: c.ID, Secret: c.Removal}) {
				t.Errorf("reported %s", r.ID)
			}
			return
		case <-ctx.Done():
			t.Fatal("the login lives on unwatched")
		}
	}
}

// Two hundred and fifty-six logins are watched; what does not fit is ended
// rather than left alone.
func TestLoginThatCannotBeWatchedIsEnded(t *testing.T) {
	b := newBed(t)
	const watched = 256
	for range watched {
		_, token := b.challenge()
		if _, err := b.agent.Authenticate(t.Context(), b.provider.origin, token); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Second)
	}
	if len(b.provider.removals) != 0 {
		t.Fatal("reported too early")
	}
	b.reported(b.login())
}

// After twelve hours no session of the login can be alive.
func TestLoginIsForgottenAfterItsSession(t *testing.T) {
	b := newBed(t)
	b.login()
	b.clock.Advance(12*time.Hour + time.Second)
	c := b.login()
	b.slots.Remove(one)
	b.reported(c)
	b.nothingMore()
}

// A signature that is made while the bridge stops is not given away: nobody
// would see its card leave.
func TestSignatureWhileTheBridgeStopsIsKept(t *testing.T) {
	b := newBed(t)
	signing := false
	b.slots.Intercept(one, func(_ int, c []byte) softcard.Event {
		if signing { // its answer is being fetched
			b.agent.Close(context.Background())
		}
		signing = c[1] == 0x88
		return softcard.Answer
	})
	_, token := b.challenge()
	b.refused(b.ask(token), cps.UserCancelled)
	b.nothingMore()
}
