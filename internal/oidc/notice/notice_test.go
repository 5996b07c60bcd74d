package notice

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

const issuer = "https://auth.example/auth/realms/esante-wallet"

// site plays all services: what each answers, and what each was sent.
type site struct {
	mu      sync.Mutex
	answers map[string]func(ctx context.Context) (int, error)
	got     map[string][]string
	news    chan string
}

func (s *site) PostForm(ctx context.Context, address string, form url.Values) (outbound.Answer, error) {
	s.mu.Lock()
	s.got[address] = append(s.got[address], form.Get("logout_token"))
	answer := s.answers[address]
	s.mu.Unlock()
	s.news <- address
	if answer == nil {
		return outbound.Answer{Status: 200}, nil
	}
	status, err := answer(ctx)
	return outbound.Answer{Status: status}, err
}

func (s *site) count(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got[address])
}

func status(n int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return n, nil }
}

type world struct {
	*testing.T
	db    *db.DB
	clock *clock.Manual
	keys  *signing.Keys
	audit *audit.Memory
	site  *site
	reg   *client.Registry
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, clock: clock.NewManual(time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)), audit: &audit.Memory{},
		site: &site{answers: map[string]func(context.Context) (int, error){}, got: map[string][]string{}, news: make(chan string, 10_000)},
	}
	var err error
	if w.db, err = db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	if w.keys, err = signing.Open(t.Context(), signing.Options{Dir: filepath.Join(t.TempDir(), "keys"), Clock: w.clock, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	w.reg = client.New(client.Options{Clock: w.clock})
	for _, id := range []string{"good", "other"} {
		w.register(id)
	}
	return w
}

func at(id string) string { return "https://" + id + ".example/bye" }

func (w *world) register(id string) {
	w.Helper()
	err := w.reg.Add(&client.Client{
		ID: id, Name: id, Profile: client.ProfileOIDC, SecretHashes: []string{client.HashSecret("s")}, IDTokenAlg: jose.ES256,
		RedirectURIs: []string{"https://" + id + ".example/cb"}, Logout: client.Logout{BackchannelURI: at(id), BackchannelSession: true},
	})
	if err != nil {
		w.Fatal(err)
	}
}

// node is one provider on the shared database; it works until the test ends or
// stop is called.
func (w *world) node(works bool) (n *Notices, stop func()) {
	w.Helper()
	n, err := New(Deps{DB: w.db, Clients: w.reg, Keys: w.keys, Post: w.site, Audit: w.audit, Clock: w.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Issuer: issuer})
	if err != nil {
		w.Fatal(err)
	}
	if !works {
		return n, func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		n.Run(ctx)
	}()
	for ready := false; !ready; runtime.Gosched() {
		n.mu.Lock()
		ready = n.running != nil
		n.mu.Unlock()
	}
	stop = sync.OnceFunc(func() { cancel(); <-over })
	w.Cleanup(stop)
	return n, stop
}

// enter writes down the end of a session for services.
func (w *world) enter(n *Notices, sid string, clients ...string) Entered {
	w.Helper()
	var list []Notice
	for _, c := range clients {
		list = append(list, Notice{Client: c, Sub: "sub-1", SID: sid})
	}
	entered, err := n.Enter(context.Background(), list)
	if err != nil {
		w.Fatal(err)
	}
	return entered
}

// until lets time pass, a second at a time, until something holds.
func (w *world) until(what string, holds func() bool) { w.Helper(); w.within(time.Second, what, holds) }

// within lets time pass in steps, each long enough in real time for what it
// woke to be written down.
func (w *world) within(step time.Duration, what string, holds func() bool) {
	w.Helper()
	limit := clock.System{}.Now().Add(20 * time.Second)
	for !holds() {
		if (clock.System{}).Now().After(limit) {
			w.Fatalf("never: %s", what)
		}
		w.clock.Advance(step)
		written, stop := clock.System{}.After(2 * time.Millisecond)
		<-written
		stop()
	}
}

func (w *world) states(n *Notices, s State) int {
	w.Helper()
	list, err := n.List(context.Background(), s)
	if err != nil {
		w.Fatal(err)
	}
	return len(list)
}

func (w *world) events(name string) (n int) {
	for _, e := range w.audit.Events() {
		if audit.Name(e) == name {
			n++
		}
	}
	return n
}

// The token is what section 2.4 says, to the letter, and the library of others
// reads it.
func TestLO5TokenByTheLetter(t *testing.T) {
	w := newWorld(t)
	n, _ := w.node(true)
	n.Send(t.Context(), w.enter(n, "sid-1", "good"), 2*time.Second)
	token := w.site.got[at("good")][0]
	payload, err := w.keys.Verify(token, "logout+jwt")
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	now := w.clock.Now().Unix()
	if jti, _ := claims["jti"].(string); len(jti) != 36 {
		t.Errorf("jti %q", jti)
	}
	delete(claims, "jti")
	want := fmt.Sprintf(`{"aud":"good","events":{"http://schemas.openid.net/event/backchannel-logout":{}},"exp":%d,"iat":%d,"iss":%q,"sid":"sid-1","sub":"sub-1"}`, now+120, now, issuer)
	if got, _ := json.Marshal(claims); string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256}) // as its ID tokens
	if err != nil || jws.Signatures[0].Protected.KeyID == "" {
		t.Errorf("%v", err)
	}
	var theirs oidc.LogoutTokenClaims
	if err := json.Unmarshal(payload, &theirs); err != nil || theirs.SessionID != "sid-1" || theirs.Audience[0] != "good" {
		t.Errorf("%+v %v", theirs, err)
	}
	if w.events("logout.noticed") != 1 || w.states(n, Waiting) != 0 {
		t.Error("not traced, or not settled")
	}
}

// A service that does not answer keeps the browser two seconds, no longer, and
// nobody else's notice at all.
func TestLO4HA6SlowServiceHoldsNobody(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.site.answers[at("other")] = func(context.Context) (int, error) { <-release; return 204, nil }
	n, _ := w.node(true)
	entered := w.enter(n, "sid-1", "other", "good")
	back := make(chan struct{})
	go func() {
		defer close(back)
		n.Send(context.Background(), entered, 2*time.Second)
	}()
	<-w.site.news
	<-w.site.news // both were asked: none waits for the other
	w.until("the good one is settled", func() bool { return w.states(n, Done) == 1 })
	w.until("the browser goes on", func() bool {
		select {
		case <-back:
			return true
		default:
			return false
		}
	})
	close(release)
	w.until("the slow one is done, too", func() bool { return w.states(n, Done) == 2 })
	if w.site.count(at("other")) != 1 {
		t.Errorf("told %d times", w.site.count(at("other")))
	}
}

// A crash between the end of the session and the first try loses no notice.
func TestLO4CrashBeforeTheFirstTry(t *testing.T) {
	w := newWorld(t)
	dead, _ := w.node(false)
	w.enter(dead, "sid-1", "good")
	n, _ := w.node(true)
	w.until("told after the restart", func() bool { return w.states(n, Done) == 1 })
	if w.site.count(at("good")) != 1 {
		t.Errorf("told %d times", w.site.count(at("good")))
	}
}

func TestLO4RetriedWithBackOffThenDead(t *testing.T) {
	w := newWorld(t)
	w.site.answers[at("good")] = func(context.Context) (int, error) { return 0, fault.New(fault.Unavailable, "", "gone") }
	w.site.answers[at("other")] = status(400)
	n, _ := w.node(true)
	n.Send(t.Context(), w.enter(n, "sid-1", "good", "other"), 2*time.Second)
	w.until("a refusal is final", func() bool { return w.states(n, Dead) == 1 })
	if w.site.count(at("other")) != 1 || w.events("logout.not_noticed") != 1 {
		t.Errorf("refused after %d tries", w.site.count(at("other")))
	}
	began := w.clock.Now()
	w.within(time.Minute, "given up after a day", func() bool { return w.states(n, Dead) == 2 })
	if took := w.clock.Now().Sub(began); took < 22*time.Hour || took > 25*time.Hour {
		t.Errorf("given up after %v", took)
	}
	if tries := w.site.count(at("good")); tries < 8 || tries > 40 {
		t.Errorf("%d tries in a day", tries)
	}
	w.site.mu.Lock()
	w.site.answers[at("good")] = nil
	w.site.mu.Unlock()
	if err := n.Again(t.Context(), "sid-1:good"); err != nil {
		t.Fatal(err)
	}
	w.until("told when an operator tries again", func() bool { return w.states(n, Done) == 1 })
	if err := n.Again(t.Context(), "sid-1:good"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a notice that is no longer dead: %v", err)
	}
}

// However many hands end one session, on whatever node, its service is told once.
func TestLO4AttackRaceOfHundredLogoutsTellsOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.node(true)
	b, _ := w.node(true)
	var all sync.WaitGroup
	for i := range 100 {
		n := a
		if i%2 == 0 {
			n = b
		}
		all.Go(func() {
			entered, err := n.Enter(context.Background(), []Notice{{Client: "good", Sub: "sub-1", SID: "sid-1"}})
			if err != nil {
				t.Error(err)
			}
			n.Send(context.Background(), entered, 0)
		})
	}
	all.Wait()
	w.until("told", func() bool { return w.states(a, Done) == 1 })
	if w.site.count(at("good")) != 1 {
		t.Errorf("told %d times", w.site.count(at("good")))
	}
}

// Two nodes that find the same notices due share them.
func TestLO4HA9TwoNodesTellEachNoticeOnce(t *testing.T) {
	w := newWorld(t)
	dead, _ := w.node(false)
	for i := range 40 {
		w.enter(dead, fmt.Sprint("sid-", i), "good")
	}
	w.clock.Advance(lease)
	a, _ := w.node(true)
	w.node(true)
	w.until("all told", func() bool { return w.states(a, Done) == 40 })
	if got := w.site.count(at("good")); got != 40 {
		t.Errorf("%d notices for 40 sessions", got)
	}
}

// A thousand notices to a service that is gone do not stand before one to another.
func TestHA6DeadServiceStandsInItsOwnLane(t *testing.T) {
	w := newWorld(t)
	w.site.answers[at("other")] = func(context.Context) (int, error) { return 0, fault.New(fault.Unavailable, "", "gone") }
	dead, _ := w.node(false)
	for i := range 1000 {
		w.enter(dead, fmt.Sprint("sid-", i), "other")
	}
	w.clock.Advance(lease)
	n, _ := w.node(true)
	n.Send(t.Context(), w.enter(n, "sid-x", "good"), 2*time.Second)
	w.until("told", func() bool { return w.states(n, Done) == 1 })
	if tries := w.site.count(at("other")); tries > 100 {
		t.Errorf("%d tries at a service that is gone", tries)
	}
}

// More slow services than there are hands do not keep one that answers waiting:
// each holds a single hand once it is known to be slow.
func TestHA6SlowServicesHoldOneHandEach(t *testing.T) {
	w := newWorld(t)
	dead, _ := w.node(false)
	release := make(chan struct{})
	for i := range 20 {
		id := fmt.Sprint("slow-", i)
		w.register(id)
		w.site.answers[at(id)] = func(ctx context.Context) (int, error) {
			late, stop := w.clock.After(5 * time.Second)
			defer stop()
			select {
			case <-late:
			case <-release:
			}
			return 200, nil
		}
		for k := range 50 {
			w.enter(dead, fmt.Sprint("sid-", k), id)
		}
	}
	w.clock.Advance(lease)
	n, _ := w.node(true)
	w.until("all lanes were tried", func() bool { return w.states(n, Done) > inAll })
	w.until("every lane is known to be slow", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, l := range n.lanes {
			if l.active != 1 {
				return false
			}
		}
		return len(n.slots) <= 20
	})
	n.Send(t.Context(), w.enter(n, "sid-x", "good"), 2*time.Second)
	if w.site.count(at("good")) != 1 {
		t.Error("the good service waits behind the slow ones")
	}
	close(release)
}

// What a stopped node had in hand is settled before it goes.
func TestLO4StopSettlesWhatIsUnderWay(t *testing.T) {
	w := newWorld(t)
	n, stop := w.node(true)
	var entered Entered
	for i := range 50 {
		entered = append(entered, w.enter(n, fmt.Sprint("sid-", i), "good")...)
	}
	n.Send(context.Background(), entered, 0)
	stop()
	if told, done := w.site.count(at("good")), w.states(n, Done); told != done {
		t.Errorf("%d told, %d settled", told, done)
	}
}

// A service that is gone from the registry has nowhere to be told.
func TestUnregisteredServiceIsNotLookedFor(t *testing.T) {
	w := newWorld(t)
	n, _ := w.node(true)
	n.Send(t.Context(), w.enter(n, "sid-1", "nobody"), 2*time.Second)
	if w.states(n, Dead) != 1 {
		t.Error("still looked for")
	}
}
