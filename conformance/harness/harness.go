// Package harness starts all programs in one process and drives them from
// outside, over real sockets: the flows are those of an integrator.
package harness

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// Demo is a running demonstration with what tests need of it.
type Demo struct {
	*demo.Demo
	Sheet demo.Sheet
}

// Start brings up the whole demonstration on free loopback ports, for one test.
func Start(t testing.TB, change ...func(*demo.Options)) *Demo {
	t.Helper()
	data := t.TempDir()
	if err := withAuthority(data); err != nil {
		t.Fatal(err)
	}
	inTest := func(o *demo.Options) { o.DataDir = data }
	d, err := Open(t.Context(), t.Output(), append([]func(*demo.Options){inTest}, change...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

// Open is Start for a TestMain, which shares one demonstration between the tests
// of a package: it is the caller's to close, and warnings go to log.
func Open(ctx context.Context, log io.Writer, change ...func(*demo.Options)) (*Demo, error) {
	o := demo.Options{
		Addr: "127.0.0.1:0", Clock: clock.System{}, Rand: rand.Reader,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, f := range change {
		f(&o)
	}
	d, err := demo.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Demo{Demo: d, Sheet: d.Sheet()}, nil
}

// Client finds a client of the sheet.
func (d *Demo) Client(t testing.TB, id string) demo.Client {
	t.Helper()
	for _, c := range d.Sheet.Clients {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no client %s", id)
	return demo.Client{}
}

// Login finds the login of the first persona with that behaviour.
func (d *Demo) Login(t testing.TB, behaviour string) string {
	t.Helper()
	for _, p := range d.Sheet.Personas {
		if p.Behaviour == behaviour {
			return p.Login
		}
	}
	t.Fatalf("no persona %s", behaviour)
	return ""
}

// patience is how long a scripted phone may take, with a busy machine on top.
const patience = 60 * time.Second

// SignIn walks a login by e-CPS as a person would without script: from an
// address that leads to the login page, until the service's ground is reached
// or a page says why not.
func (b *Browser) SignIn(address, login string) *url.URL {
	b.t.Helper()
	b.Get(address)
	return b.Finish(login)
}

// Finish goes on from the page on the screen.
func (b *Browser) Finish(login string) *url.URL {
	b.t.Helper()
	var now clock.System
	deadline := now.Now().Add(patience)
	for b.Arrived == nil && now.Now().Before(deadline) {
		switch {
		case b.Page.Has("login-ecps"):
			b.Submit("submit-ecps", map[string]string{"login": login})
			if b.Page.Has("login-ecps") {
				return nil // the page says what is wrong with the identifier
			}
		case b.scripted && b.Page.find("data-state-url") != "":
			b.follow(http.MethodGet, b.awaitState(), nil)
		case b.Page.Has("continue"):
			b.Submit("continue", nil)
			b.breathe()
		default:
			return nil
		}
	}
	return b.Arrived
}

// awaitState does what the waiting page's script does: a long poll that ends
// when the request has moved, after which the page is opened again.
func (b *Browser) awaitState() string {
	b.t.Helper()
	p := b.Page
	poll, err := p.URL.Parse(p.find("data-state-url"))
	if err != nil {
		b.t.Fatal(err)
	}
	q := poll.Query()
	q.Set("state", p.find("data-state"))
	q.Set("delivery", p.find("data-delivery"))
	poll.RawQuery = q.Encode()
	res, err := b.http.Get(poll.String())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		b.t.Fatal(err)
	}
	return p.URL.String()
}

// breathe keeps a scriptless waiting page from being asked in a tight loop.
func (b *Browser) breathe() {
	if b.Page == nil {
		return
	}
	fired, stop := clock.System{}.After(50 * time.Millisecond)
	defer stop()
	<-fired
}
