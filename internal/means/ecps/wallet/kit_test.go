package wallet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
)

const (
	issuer     = "http://127.0.0.1:8080/auth/realms/esante-wallet"
	testRounds = 2
	rightPIN   = "2580"
	badPIN     = "7391"
)

// Invented persons of the kit.
var (
	doctor   = rpps.MustNationalID("899700990015") // has a phone
	nurse    = rpps.MustNationalID("899700990023") // has a phone
	noPhone  = rpps.MustNationalID("899700990031") // registered long ago, no phone
	retired  = rpps.MustNationalID("899700990049") // record closed, has a phone
	newcomer = rpps.MustNationalID("899700990056") // registered an hour ago
	nobodyID = rpps.MustNationalID("899700999990") // belongs to nobody
	oldADELI = rpps.MustNationalID("0759300015")   // another identifier of the doctor
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// register is the directory of the kit.
type register struct {
	mu      sync.Mutex
	persons map[string]rpps.Professional
}

func (r *register) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.persons[id.String()]
	if !ok {
		return rpps.Professional{}, fault.New(fault.NotFound, "PF-ID-002", "no such person")
	}
	return p, nil
}

func (r *register) set(ids []rpps.NationalID, change func(*rpps.Professional)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.persons[ids[0].String()]
	if p.ID = ids[0]; len(p.OtherIDs) == 0 {
		for _, id := range ids {
			p.OtherIDs = append(p.OtherIDs, rpps.Identifier{Value: id.String()})
		}
	}
	change(&p)
	for _, id := range ids {
		r.persons[id.String()] = p
	}
}

// counter counts the round trips to the store.
type counter struct {
	store.KV
	mu  sync.Mutex
	ops []string
}

func (c *counter) note(op string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, op)
}

// take gives the operations since the last take.
func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ops := c.ops
	c.ops = nil
	return ops
}

func (c *counter) Put(ctx context.Context, k string, v []byte, ttl time.Duration) error {
	c.note("put")
	return c.KV.Put(ctx, k, v, ttl)
}

func (c *counter) Get(ctx context.Context, k string) (store.Item, error) {
	c.note("get")
	return c.KV.Get(ctx, k)
}

func (c *counter) Take(ctx context.Context, k string) ([]byte, error) {
	c.note("take")
	return c.KV.Take(ctx, k)
}

func (c *counter) Update(ctx context.Context, k string, was store.Version, v []byte, ttl time.Duration) (store.Version, error) {
	c.note("update")
	return c.KV.Update(ctx, k, was, v, ttl)
}

func (c *counter) Delete(ctx context.Context, k string) error {
	c.note("delete")
	return c.KV.Delete(ctx, k)
}

// kit is a wallet over the real stores, with a clock that we move.
type kit struct {
	*Wallet
	t     *testing.T
	ctx   context.Context
	clock *clock.Manual
	kv    *counter
	trace *audit.Memory
	dir   *register
}

func newKit(t *testing.T, change ...func(*Deps)) *kit {
	t.Helper()
	k := &kit{t: t, ctx: t.Context(), clock: clock.NewManual(start), trace: &audit.Memory{}, dir: &register{persons: map[string]rpps.Professional{}}}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(k.ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "kv.db"), Clock: k.clock, Log: log})
	k.must(err)
	durable, err := db.Open(k.ctx, filepath.Join(t.TempDir(), "durable.db"))
	k.must(err)
	t.Cleanup(func() { _ = kv.Close(); _ = durable.Close() })
	k.kv = &counter{KV: kv}
	old := start.AddDate(-1, 0, 0)
	for _, ids := range [][]rpps.NationalID{{doctor, oldADELI}, {nurse}, {noPhone}, {retired}} {
		k.dir.set(ids, func(p *rpps.Professional) { p.FirstSeen = old })
	}
	k.dir.set([]rpps.NationalID{newcomer}, func(p *rpps.Professional) { p.FirstSeen = start.Add(-time.Hour) })
	d := Deps{
		KV: k.kv, Bus: store.NewLocalBus(), DB: durable, Directory: k.dir, Clock: k.clock, Rand: rand.Reader,
		Audit: k.trace, Log: log, Issuer: issuer, Rounds: testRounds, Sandbox: true,
	}
	for _, f := range change {
		f(&d)
	}
	k.Wallet, err = New(d)
	k.must(err)
	return k
}

func (k *kit) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// wants fails unless err carries the public code.
func (k *kit) wants(err error, code string) {
	k.t.Helper()
	if fault.CodeOf(err) != code {
		k.t.Fatalf("got %v, want %s", err, code)
	}
}

func (k *kit) ask(holder rpps.NationalID, more ...func(*Ask)) Ask {
	a := Ask{Holder: holder, ClientID: "dmp", Service: "Dossier de démonstration", AskerKind: ecps.AskerComputer, Source: "192.0.2.1", Login: "l"}
	for _, f := range more {
		f(&a)
	}
	return a
}

func (k *kit) open(holder rpps.NationalID, more ...func(*Ask)) Pending {
	k.t.Helper()
	p, err := k.Open(k.ctx, k.ask(holder, more...))
	k.must(err)
	return p
}

func (k *kit) state(id string) State {
	k.t.Helper()
	p, err := k.Status(k.ctx, id)
	k.must(err)
	return p.State
}

// handset is a phone reduced to its keys, so that a test can hold it wrongly.
type handset struct {
	k      *kit
	id     string
	holder string
	key    *ecdsa.PrivateKey
	secret []byte
	rat    []string
}

func (k *kit) handset(holder rpps.NationalID) *handset {
	k.t.Helper()
	inv, err := k.Invite(k.ctx, holder)
	k.must(err)
	h, done, err := k.enrol(inv.Code)
	k.must(err)
	h.id, h.holder, h.rat = done.Device, done.Holder, []string{done.Ratchet}
	return h
}

func (k *kit) enrol(code string) (*handset, ecps.Enrolled, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.must(err)
	h := &handset{k: k, key: key, secret: make([]byte, ecps.SecretSize)}
	_, _ = rand.Read(h.secret)
	pin, err := ecps.PINKey(rightPIN, h.secret, testRounds)
	k.must(err)
	token, err := ecps.SignEnrolment(key, pin, ecps.Enrolment{
		V: ecps.Version, Issuer: issuer, Invitation: code, Rounds: testRounds, Time: k.clock.Now().Unix(),
	})
	k.must(err)
	done, err := k.Enrol(k.ctx, token)
	return h, done, err
}

// device is the phone as an authenticated call makes it known.
func (h *handset) device() Device {
	h.k.t.Helper()
	d, err := h.k.Authenticate(h.k.ctx, h.proof("GET", "/device", nil), ecps.Received{Method: "GET", Path: "/device"})
	h.k.must(err)
	return d
}

func (h *handset) proof(method, path string, body []byte) string {
	h.k.t.Helper()
	id, err := ecps.NewID(rand.Reader)
	h.k.must(err)
	token, err := ecps.SignCall(h.key, h.id, ecps.Call{
		V: ecps.Version, Issuer: issuer, Method: method, Path: path, Body: ecps.BodyHash(body), Time: h.k.clock.Now().Unix(), ID: id,
	})
	h.k.must(err)
	return token
}

// sees gives the view of one request, and whether the phone is shown it.
func (h *handset) sees(id string) (ecps.Request, bool) {
	h.k.t.Helper()
	list, err := h.k.Waiting(h.k.ctx, h.device())
	h.k.must(err)
	for _, r := range list.Requests {
		if r.ID == id {
			return r, true
		}
	}
	return ecps.Request{}, false
}

// token signs an answer to what the phone sees; change may spoil it.
func (h *handset) token(r ecps.Request, number, pin string, change ...func(*ecps.Answer)) (token, next string) {
	h.k.t.Helper()
	next, err := ecps.NewSecret(rand.Reader)
	h.k.must(err)
	a := ecps.Answer{
		V: ecps.Version, Issuer: issuer, Device: h.id, Holder: h.holder, Service: r.Service, Name: r.Name, Number: number,
		Asker: r.Asker, Time: h.k.clock.Now().Unix(), Transaction: r.Transaction, Decision: ecps.Approve, Ratchets: h.rat, Next: next,
	}
	for _, f := range change {
		f(&a)
	}
	if a.Decision == ecps.Approve {
		key, err := ecps.PINKey(pin, h.secret, testRounds)
		h.k.must(err)
		a = a.SignPIN(key)
	}
	token, err = ecps.SignAnswer(h.key, a)
	h.k.must(err)
	return token, next
}

// answers sends an answer and keeps the ratchet in step.
func (h *handset) answers(id, number, pin string, change ...func(*ecps.Answer)) (ecps.Receipt, error) {
	h.k.t.Helper()
	r, ok := h.sees(id)
	if !ok {
		h.k.t.Fatal("the phone is not shown the request")
	}
	token, next := h.token(r, number, pin, change...)
	receipt, err := h.k.Answer(h.k.ctx, h.device(), id, token)
	if rejection, ok := errors.AsType[*Rejection](err); err == nil || ok && rejection.Moved {
		h.rat = []string{next}
	}
	return receipt, err
}

func refusing(a *ecps.Answer) { a.Decision, a.Number = ecps.Refuse, "" }

// other is one of the offered numbers that is not the one of the page.
func other(right string) string {
	if right == "17" {
		return "18"
	}
	return "17"
}
