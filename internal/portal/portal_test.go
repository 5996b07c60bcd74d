package portal

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/templates"
)

// emptyWallet has nothing for anybody.
type emptyWallet struct{ Wallet }

func (emptyWallet) Holding(context.Context, rpps.NationalID) (wallet.Holding, error) {
	return wallet.Holding{}, nil
}

// nothingOpen is a provider where nobody has a session.
type nothingOpen struct{}

func (nothingOpen) Open(context.Context, rpps.NationalID) ([]Open, error) { return nil, nil }
func (nothingOpen) End(context.Context, rpps.NationalID, string) error    { return nil }
func (nothingOpen) EndAll(context.Context, rpps.NationalID) (int, error)  { return 0, nil }

// nothingAgreed is a provider where nobody allowed anything.
type nothingAgreed struct{}

func (nothingAgreed) Agreements(context.Context, rpps.NationalID) ([]Agreement, error) {
	return nil, nil
}
func (nothingAgreed) Withdraw(context.Context, rpps.NationalID, string) error { return nil }

// shifted is the real clock, some time ahead: the client library reads the real one.
type shifted struct {
	clock.System
	by atomic.Int64
}

func (s *shifted) Now() time.Time { return s.System.Now().Add(time.Duration(s.by.Load())) }

// later moves the portal's clock; the provider's next tokens follow it.
func (h *house) later(d time.Duration) {
	by := h.clock.by.Add(int64(d))
	h.op.set(func() { h.op.expiresIn = tokenLife + int(time.Duration(by)/time.Second) })
}

// house is nodes of the portal beside a provider of ours.
type house struct {
	*testing.T
	op    *fakeOP
	clock *shifted
	nodes []*httptest.Server
	http  *http.Client
}

func newHouse(t *testing.T, nodes int) *house {
	t.Helper()
	h := &house{T: t, op: newOP(t), clock: new(shifted)}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: h.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	texts, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	pages := web.NewPages(web.PagesOptions{Templates: texts, Log: log, Environment: web.Sandbox})
	for range nodes {
		p, err := New(Deps{
			Issuer: h.op.URL, ClientSecret: "secret", PublicURL: "http://portal.invalid", HTTP: h.op.Client(), Wallet: emptyWallet{}, Sessions: nothingOpen{}, Agreements: nothingAgreed{}, KV: kv, Pages: pages,
			Clock: h.clock, Rand: rand.Reader, Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		e := web.New(web.Options{Log: log, Rand: rand.Reader, Pages: pages, Environment: web.Sandbox})
		p.Mount(e)
		s := httptest.NewServer(e)
		t.Cleanup(s.Close)
		h.nodes = append(h.nodes, s)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	h.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return h
}

// get asks a node; the cookies of 127.0.0.1 serve every port.
func (h *house) get(node int, path string) (status int, location, body string) {
	h.Helper()
	res, err := h.http.Get(h.nodes[node].URL + path)
	if err != nil {
		h.Error(err)
		return 0, "", ""
	}
	defer func() { _ = res.Body.Close() }()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		h.Error(err)
	}
	return res.StatusCode, res.Header.Get("Location"), b.String()
}

// begin goes to the provider and comes back with its answer.
func (h *house) begin() (callback string) {
	h.Helper()
	_, to, _ := h.get(0, Path+"/login")
	return h.op.authorize(h.T, to)
}

func (h *house) signIn() {
	h.Helper()
	if status, to, body := h.get(0, h.begin()); status != http.StatusSeeOther || to != Path {
		h.Fatalf("%d %s %s", status, to, body)
	}
	if !h.inside(0) {
		h.Fatal("not signed in")
	}
}

func (h *house) inside(node int) bool {
	h.Helper()
	_, _, body := h.get(node, Path)
	return strings.Contains(body, `id="who"`)
}

// Pages that come at once when the access token is over, on two nodes: one of
// them renews it. A provider takes a refresh token used twice for a stolen one.
func TestPagesAtOnceRenewOnce(t *testing.T) {
	h := newHouse(t, 2)
	h.signIn()
	for round := range 3 {
		h.later(2 * time.Minute)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if !h.inside(i % 2) {
					t.Error("signed out by a page of his own")
				}
			})
		}
		all.Wait()
		if got := h.op.renewals(); got != round+1 {
			t.Fatalf("renewed %d times after %d", got, round+1)
		}
	}
}

// A provider that does not answer ends no session; one that says no does.
func TestAwayIsNotOver(t *testing.T) {
	h := newHouse(t, 1)
	h.signIn()
	h.op.set(func() { h.op.down = true })
	if status, _, _ := h.get(0, Path); status != http.StatusServiceUnavailable {
		t.Errorf("while the provider is away: %d", status)
	}
	h.later(3 * time.Minute)
	if status, _, _ := h.get(0, Path); status != http.StatusServiceUnavailable {
		t.Errorf("a renewal while the provider is away: %d", status)
	}
	h.op.set(func() { h.op.down = false })
	if !h.inside(0) {
		t.Error("signed out because the provider was away")
	}
	h.op.set(func() { h.op.refuse = true })
	if h.inside(0) {
		t.Error("still here although the provider says no")
	}
}

// A renewed ID token of another login, or UserInfo about another, ends the session.
func TestAnotherPersonAfterARenewal(t *testing.T) {
	for name, change := range map[string]func(*fakeOP){
		"sub of UserInfo": func(op *fakeOP) { op.infoSub = "somebody" },
		"sid":             func(op *fakeOP) { op.sid = "another" },
		"holder":          func(op *fakeOP) { op.holder = "899700990023" },
	} {
		h := newHouse(t, 1)
		h.signIn()
		h.later(3 * time.Minute)
		h.op.set(func() { change(h.op) })
		if h.inside(0) {
			t.Errorf("%s: still signed in", name)
		}
	}
}

// Two tabs begin a login; the first is answered last. Both arrive.
func TestTwoTabsSignIn(t *testing.T) {
	h := newHouse(t, 1)
	first, second := h.begin(), h.begin()
	for _, answer := range []string{second, first} {
		if status, _, body := h.get(0, answer); status != http.StatusSeeOther {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, _, _ := h.get(0, first); status != http.StatusGone {
		t.Errorf("an answer that came before: %d", status)
	}
}

// Session fixation: the value before the login is not the one after it, and dies.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t, 1)
	u, err := url.Parse(h.nodes[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	planted := strings.Repeat("A", 43)
	h.http.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/"}})
	h.signIn()
	for _, c := range h.http.Jar.Cookies(u) {
		if c.Name == sessionCookie && c.Value == planted {
			t.Error("the planted value is the session's")
		}
	}
}
