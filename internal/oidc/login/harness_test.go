package login_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/egide-id/egide/assets"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/identity/subject"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/login"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/templates"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Invented persons.
const (
	camille = "899700990015" // doctor, with a phone
	noemie  = "899700990023" // nurse, with a phone
	nobody  = "899700999990" // belongs to nobody
	pin     = "4711"
)

// people is a register of invented persons, beside the port it stands for.
type people struct {
	mu sync.Mutex
	by map[rpps.NationalID]rpps.Professional
}

func (p *people) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.by[id]; ok {
		return found, nil
	}
	return rpps.Professional{}, fault.New(fault.NotFound, "PF-ID-002", "nobody")
}

func (p *people) close(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := rpps.MustNationalID(id)
	found := p.by[key]
	found.Closed = true
	p.by[key] = found
}

func (p *people) add(id, given, family, profession, civility string) {
	key := rpps.MustNationalID(id)
	p.by[key] = rpps.Professional{ID: key, FamilyName: family, GivenNames: []string{given}, Practices: []rpps.Practice{{
		Profession: profession, Category: "C", Civility: civility, Name: family, GivenName: given,
		WorkSituations: []rpps.WorkSituation{
			{Mode: "L", Structure: rpps.Structure{Name: "CABINET INVENTE", Address: rpps.Address{Commune: "Rennes"}}},
			{Mode: "S", Structure: rpps.Structure{Name: "EHPAD INVENTE"}},
		},
	}}}
}

// counted is the real store, remembering which calls it got.
type counted struct {
	store.KV
	mu    sync.Mutex
	calls []string
}

func (k *counted) note(call, key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kind, _, _ := strings.Cut(key, ":")
	k.calls = append(k.calls, call+" "+kind)
}

func (k *counted) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = nil
}

func (k *counted) work() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.calls, "\n")
}

func (k *counted) Put(ctx context.Context, key string, v []byte, ttl time.Duration) error {
	k.note("put", key)
	return k.KV.Put(ctx, key, v, ttl)
}

func (k *counted) Get(ctx context.Context, key string) (store.Item, error) {
	k.note("get", key)
	return k.KV.Get(ctx, key)
}

func (k *counted) Update(ctx context.Context, key string, was store.Version, v []byte, ttl time.Duration) (store.Version, error) {
	k.note("update", key)
	return k.KV.Update(ctx, key, was, v, ttl)
}

// world is the login over the real wallet, grants, sessions and stores, served
// over real HTTP, with real phones.
type world struct {
	t        *testing.T
	server   *httptest.Server
	clock    *clock.Manual
	people   *people
	wallet   *wallet.Wallet
	requests *grant.Requests
	sessions *session.Sessions
	audit    *audit.Memory
	kv       *counted
	cards    *cards.Cards
	ended    []string // sid and reason of sessions that the login ended
}

func newWorld(t *testing.T, change ...func(*login.Deps)) *world {
	t.Helper()
	w := &world{
		t: t, clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)),
		people: &people{by: map[rpps.NationalID]rpps.Professional{}}, audit: &audit.Memory{},
	}
	w.people.add(camille, "CAMILLE", "EXEMPLE", "10", "DR")
	w.people.add(noemie, "NOEMIE", "SPECIMEN", "60", "")
	log := slog.New(slog.DiscardHandler)
	state, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: w.clock, Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, state.Close()) })
	w.kv = &counted{KV: state}
	durable, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	must(t, err)
	t.Cleanup(func() { must(t, durable.Close()) })
	tpl, err := templates.Parse()
	must(t, err)
	pages := web.NewPages(web.PagesOptions{Templates: tpl, Log: log, Environment: web.Sandbox})
	e := web.New(web.Options{Log: log, Rand: rand.Reader, Pages: pages, Environment: web.Sandbox})
	w.server = httptest.NewServer(e)
	t.Cleanup(w.server.Close)
	w.wallet, err = wallet.New(wallet.Deps{
		KV: w.kv, Bus: store.NewLocalBus(), DB: durable, Directory: w.people, Clock: w.clock, Rand: rand.Reader,
		Audit: w.audit, Log: log, Issuer: w.server.URL, Rounds: 10, Sandbox: true,
		Seal: openSeal{}, Limits: wallet.Limits{Open: 1000, PerHolder: 1000, PerSource: 10000, Window: time.Hour, Resends: 3},
	})
	must(t, err)
	gd := grant.Deps{KV: w.kv, Clock: w.clock, Rand: rand.Reader}
	w.requests = grant.NewRequests(gd)
	w.sessions = session.New(session.Deps{KV: w.kv, Clock: w.clock, Rand: rand.Reader})
	w.cards = w.newCards(durable)
	deps := login.Deps{
		Requests: w.requests, Sessions: w.sessions, Subjects: subject.New(subject.Deps{DB: durable, Rand: rand.Reader, Clock: w.clock}),
		Clients: services(t), Directory: w.people, Wallet: w.wallet, Consents: consent.New(durable, w.clock), KV: w.kv, Pages: pages, Audit: w.audit, Failures: w.audit.Failure,
		Clock: w.clock, Rand: rand.Reader, Log: log,
		EndSession: w.endSession, ReturnURL: func(handle string) string { return w.server.URL + "/login/" + handle + "/return" },
		PageURL: func(handle string) string { return w.server.URL + "/login/" + handle },
		Cards:   w.cards, Bridge: cps.Ports(),
	}
	for _, c := range change {
		c(&deps)
	}
	l, err := login.New(deps)
	must(t, err)
	l.Mount(e)
	e.GET("/login/:handle/return", func(c echo.Context) error { return c.String(http.StatusOK, "returned") })
	e.GET(assets.Prefix+"*", echo.WrapHandler(assets.Load()))
	api, err := deviceapi.New(deviceapi.Deps{Wallet: w.wallet, Clock: w.clock, Log: log})
	must(t, err)
	t.Cleanup(api.Close)
	api.Mount(e.Group(wallet.BasePath))
	return w
}

func services(t *testing.T) *client.Registry {
	t.Helper()
	r := client.New(client.Options{})
	for _, c := range []client.Client{
		{ID: "dmp", Name: "DMP de démonstration", Owner: "Éditions Inventées", Profile: client.ProfileOIDC},
		{ID: "evil", Name: `<script>alert(1)</script>"'`, Owner: `<img src=x onerror=alert(1)>`, Profile: client.ProfilePSC},
		{ID: "offline", Name: "Garde hors réseau", Owner: "Éditions Inventées", Profile: client.ProfileOIDC, AllowOfflineOTP: true},
		{ID: "agenda", Name: "Agenda inventé", Owner: "Éditions Inventées", Profile: client.ProfileOIDC, Requests: client.Requests{Consent: true}},
		{ID: "card", Name: "Cartes seulement", Owner: "Éditions Inventées", Profile: client.ProfileOIDC, Means: []authn.Means{authn.Card}},
	} {
		c.Purpose = "essais"
		c.RedirectURIs = []string{"https://service.example/cb"}
		c.SecretHashes = []string{client.HashSecret(strings.Repeat("s", 43))}
		c.GrantTypes, c.Scopes = []string{client.GrantCode}, []string{client.ScopeOpenID, client.ScopeAll}
		if err := r.Add(&c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (w *world) endSession(ctx context.Context, sid, reason string) error {
	s, err := w.sessions.End(ctx, sid)
	if err != nil {
		return err
	}
	w.ended = append(w.ended, sid+" "+reason)
	return w.audit.Record(ctx, audit.SessionEnded{Subject: s.Auth.Subject.String(), SID: sid, Reason: reason})
}

// phone enrols one for the holder.
func (w *world) phone(holder string) *device.Phone {
	w.t.Helper()
	inv, err := w.wallet.Invite(w.t.Context(), rpps.MustNationalID(holder))
	must(w.t, err)
	p, err := device.Enrol(w.t.Context(), w.server.Client(), inv.URL, pin, device.Options{Rounds: 10, Clock: w.clock})
	must(w.t, err)
	return p
}

// request gives the one request that waits on the phone.
func (w *world) request(p *device.Phone) ecps.Request {
	w.t.Helper()
	all, err := p.Waiting(w.t.Context())
	must(w.t, err)
	if len(all.Requests) != 1 {
		w.t.Fatalf("%d requests on the phone, want 1", len(all.Requests))
	}
	return all.Requests[0]
}

func (w *world) approve(p *device.Phone, number string) {
	w.t.Helper()
	_, err := p.Approve(w.t.Context(), w.request(p), number, pin)
	must(w.t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openSeal closes nothing: what seals is tested where it lives.
type openSeal struct{}

func (openSeal) Seal(_ string, plain []byte) (string, error) { return hex.EncodeToString(plain), nil }

func (openSeal) Unseal(_, sealed string) ([]byte, error) { return hex.DecodeString(sealed) }

var errBroken = errors.New("the trace cannot be written")

func id(s string) rpps.NationalID { return rpps.MustNationalID(s) }
