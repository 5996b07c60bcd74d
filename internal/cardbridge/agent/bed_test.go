package agent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// made is one card of an invented doctor, shared by all tests: keys take time.
// Its PIN is long, so that no port number or date in a log can look like it.
var made = sync.OnceValues(func() (igc.CardFile, error) {
	a, err := pki.New(pki.Options{Clock: clock.NewManual(noon.AddDate(0, 0, -1)), Bits: 2048, Seed: []byte("agent test")})
	if err != nil {
		return igc.CardFile{}, err
	}
	c, err := a.IssueCard(pki.CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10})
	c.PIN = rightPIN
	return c, err
})

const (
	rightPIN, wrongPIN = "73916428", "60914527"
	one, two           = "Lecteur d'essai", "Second lecteur"
	soon               = 10 * time.Second // no wait of a test takes longer
)

func newCard(t *testing.T, model string, o softcard.Options) *softcard.Emulator {
	t.Helper()
	c, err := made()
	must(t, err)
	c.Model = model
	e, err := softcard.New(c, o)
	must(t, err)
	return e
}

// bed is a running bridge with one provider, and a CPS3 in its first reader.
type bed struct {
	*testing.T
	clock    *hurried
	slots    *softcard.Slots
	holder   *holder
	provider *provider
	agent    *agent.Agent
	port     int
	client   *http.Client
	log      *journal
	stop     func() // ends the bridge and waits for it
}

// setup is what a test wants otherwise.
type setup func(*agent.Options)

func newBed(t *testing.T, want ...setup) *bed {
	t.Helper()
	b := &bed{T: t, clock: &hurried{Manual: clock.NewManual(noon), waits: make(chan time.Duration, 64)}, log: &journal{}}
	b.provider = newProvider(t)
	b.client = &http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true}}
	b.slots = softcard.NewSlots(one, two)
	b.slots.Insert(one, newCard(t, "cps3", softcard.Options{}))
	b.holder = &holder{Scripted: &pin.Scripted{Type: func(context.Context, pin.Window) (string, error) { return rightPIN, nil }}}
	o := agent.Options{
		Providers: []agent.Provider{{Origin: b.provider.origin, Keys: agent.Pinned(publicKeys(t))}},
		Transport: b.slots, Prompter: b.holder, HTTP: b.client, Clock: b.clock, Version: "1.0.0", French: true,
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, w := range want {
		w(&o)
	}
	var err error
	b.agent, err = agent.New(o)
	must(t, err)
	l, err := agent.Listen(t.Context(), 0)
	must(t, err)
	b.port = l.Port
	b.serve(l)
	return b
}

func (b *bed) serve(l *agent.Listeners) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	served := make(chan error, 1)
	go func() { served <- b.agent.Serve(ctx, l) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() {
		b.stop()
		b.silent()
	})
}

// silent holds for every test: what the bridge wrote down is no secret, and no
// command to a card.
func (b *bed) silent() {
	written := b.log.String()
	for name, secret := range b.provider.secrets() {
		if strings.Contains(written, secret) {
			b.Errorf("the log carries the %s:\n%s", name, written)
		}
	}
}

// challenge is a good one of the bed's provider.
func (b *bed) challenge() (cps.Challenge, string) {
	b.Helper()
	c, err := cps.NewChallenge(rand.Reader, b.clock.Now(), b.provider.origin, "txn", "Mon espace de santé")
	must(b.T, err)
	return c, b.sign(c)
}

func (b *bed) sign(c cps.Challenge) string {
	b.Helper()
	token, err := c.Sign(signer{b.T})
	must(b.T, err)
	b.provider.remember(c, token)
	return token
}

// reply is what the page gets.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// request is one of the page; change spoils it.
func (b *bed) request(method, path, body string, change ...func(*http.Request)) *http.Request {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.at(path), strings.NewReader(body))
	must(b.T, err)
	req.Header.Set("Origin", b.provider.origin)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Card-Bridge", "1")
	}
	for _, c := range change {
		c(req)
	}
	return req
}

func (b *bed) at(path string) string { return "http://127.0.0.1:" + strconv.Itoa(b.port) + path }

func (b *bed) send(req *http.Request) reply {
	res, err := b.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, body, err}
}

// ask is the page's call with a challenge.
func (b *bed) ask(token string, change ...func(*http.Request)) reply {
	b.Helper()
	return b.send(b.request(http.MethodPost, "/v1/authenticate", asked(token), change...))
}

func asked(token string) string {
	body, _ := json.Marshal(cps.Ask{Protocol: cps.Protocol, Challenge: token}) // two strings
	return string(body)
}

// login is a whole good one, checked.
func (b *bed) login() cps.Challenge {
	b.Helper()
	c, token := b.challenge()
	b.answered(token, b.ask(token))
	return c
}

// refused wants exactly this word, with its status and tries.
func (b *bed) refused(r reply, word cps.BridgeError, tries ...int) {
	b.Helper()
	var p cps.Problem
	if r.err != nil || json.Unmarshal(r.body, &p) != nil || p.Error != word || r.status != word.Status() {
		b.Errorf("got %d %s (%v), want %s", r.status, r.body, r.err, word)
		return
	}
	if (p.TriesLeft == nil) != (len(tries) == 0) || p.TriesLeft != nil && *p.TriesLeft != tries[0] {
		b.Errorf("%s: want tries %v", r.body, tries)
	}
}

// windows wants so many to have been shown since the beginning.
func (b *bed) windows(n int) []pin.Window {
	b.Helper()
	shown := b.holder.Shown()
	if len(shown) != n {
		b.Fatalf("%d windows were shown, want %d: %+v", len(shown), n, shown)
	}
	return shown
}

// holder types, chooses and confirms as a test wants.
type holder struct {
	*pin.Scripted
	choose  func(readers []string) (int, error)
	confirm func(pin.Window) error
}

func (h *holder) Choose(ctx context.Context, w pin.Window, readers []string) (int, error) {
	if h.choose == nil {
		return h.Scripted.Choose(ctx, w, readers)
	}
	return h.choose(readers)
}

func (h *holder) Confirm(ctx context.Context, w pin.Window) error {
	if h.confirm == nil {
		return h.Scripted.Confirm(ctx, w)
	}
	return h.confirm(w)
}

// hesitates is a holder who does nothing: opened tells that his window is there,
// closed that it has gone again.
func (h *holder) hesitates() (opened, closed chan struct{}) {
	opened, closed = make(chan struct{}, 1), make(chan struct{}, 1)
	h.Type = func(ctx context.Context, _ pin.Window) (string, error) {
		opened <- struct{}{}
		<-ctx.Done()
		closed <- struct{}{}
		return "", ctx.Err()
	}
	return opened, closed
}

// types gives one text after the other, and closes the window after the last.
func (h *holder) types(texts ...string) {
	var mu sync.Mutex
	h.Type = func(context.Context, pin.Window) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if len(texts) == 0 {
			return "", closedWindow()
		}
		typed := texts[0]
		texts = texts[1:]
		return typed, nil
	}
}

func closedWindow() error { return fault.New(fault.Denied, cps.CodeCancelled, "the holder cancelled") }

// later sends on while the test goes on.
func (b *bed) later(req *http.Request) <-chan reply {
	out := make(chan reply, 1)
	go func() { out <- b.send(req) }()
	return out
}

// wait gives what comes out of a channel soon.
func wait[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	select {
	case x := <-c:
		return x
	case <-ctx.Done():
		t.Fatalf("%s: nothing came", what)
		panic("unreachable")
	}
}

// hurried is a manual clock that tells who waits for it.
type hurried struct {
	*clock.Manual
	waits chan time.Duration
}

func (h *hurried) After(d time.Duration) (<-chan time.Time, func()) {
	fired, stop := h.Manual.After(d)
	h.waits <- d
	return fired, stop
}

// journal is the log of a bridge.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// through puts something between the bridge and its readers.
func through(wrap func(cardbridge.Transport) cardbridge.Transport) setup {
	return func(o *agent.Options) { o.Transport = wrap(o.Transport) }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var noOptions softcard.Options

// wordOf is what the protocol calls an error.
func wordOf(err error) cps.BridgeError {
	if r, ok := errors.AsType[*agent.Refusal](err); ok {
		return r.Word
	}
	return ""
}
