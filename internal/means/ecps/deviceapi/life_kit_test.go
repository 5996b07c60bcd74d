package deviceapi_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/activation"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Invented persons of the life kit.
var (
	nurse    = rpps.MustNationalID("899700990023") // role-only, no card: way B alone (S-60)
	newcomer = rpps.MustNationalID("899700990056") // in the register since an hour
	landline = rpps.MustNationalID("899700990064") // no mobile on record
	closed   = rpps.MustNationalID("899700990049")
	stranger = rpps.MustNationalID("899700999990") // nobody
)

var begin = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// people is the register of the life kit.
type people map[rpps.NationalID]rpps.Professional

func (p people) Lookup(_ context.Context, id rpps.NationalID) (rpps.Professional, error) {
	found, ok := p[id]
	if !ok {
		return rpps.Professional{}, fault.New(fault.NotFound, "PF-ID-002", "no such person")
	}
	return found, nil
}

// box keeps the letters that went out.
type box struct {
	mu      sync.Mutex
	letters []activation.Letter
}

func (b *box) Enqueue(_ context.Context, letters ...activation.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, letters...)
	return nil
}

// sent gives the letters that would really leave.
func (b *box) sent() []activation.Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.letters), func(l activation.Letter) bool { return l.Void })
}

var (
	mailCode = regexp.MustCompile(`[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}`)
	smsCode  = regexp.MustCompile(`\d{4} \d{4}`)
)

// secrets reads the last mail and the last message.
func (b *box) secrets() (mail, sms string) {
	for _, l := range b.sent() {
		if l.Channel == activation.Mail {
			mail = mailCode.FindString(l.Body)
		} else {
			sms = smsCode.FindString(l.Body)
		}
	}
	return mail, sms
}

// sealer closes with a key of its own.
type sealer struct{ aead cipher.AEAD }

func newSealer() sealer {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return sealer{aead}
}

func (s sealer) Seal(purpose string, plain []byte) (string, error) {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

func (s sealer) Unseal(purpose, sealed string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return nil, err
	}
	return s.aead.Open(nil, raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():], []byte(purpose))
}

// life is a provider's phone side with all that an e-CPS goes through, on a
// clock that the test moves.
type life struct {
	t      *testing.T
	ctx    context.Context
	clock  *clock.Manual
	wallet *wallet.Wallet
	acts   *activation.Activations
	box    *box
	db     *db.DB
	trace  *audit.Memory
	client *http.Client
	url    string
	people people
	ended  int // how often everything of a person was ended
	news   []wallet.News
}

func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{t: t, ctx: t.Context(), clock: clock.NewManual(begin), trace: &audit.Memory{}, box: &box{}}
	reach := rpps.Contact{Mail: "camille@exemple.invalid", Phone: "0639980011"}
	l.people = people{
		doctor:   {ID: doctor, FamilyName: "EXEMPLE", GivenNames: []string{"CAMILLE"}, Contact: reach},
		nurse:    {ID: nurse, FamilyName: "SPECIMEN", GivenNames: []string{"NOEMIE"}, Contact: reach},
		newcomer: {ID: newcomer, Contact: reach, FirstSeen: begin.Add(-time.Hour)},
		landline: {ID: landline, Contact: rpps.Contact{Mail: "b@exemple.invalid", Phone: "0199001122"}},
		closed:   {ID: closed, Contact: reach, Closed: true},
	}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(l.ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "kv.db"), Clock: l.clock, Log: log})
	l.must(err)
	l.db, err = db.Open(l.ctx, filepath.Join(t.TempDir(), "durable.db"))
	l.must(err)
	e := echo.New()
	server := httptest.NewServer(e)
	l.client, l.url = &http.Client{Transport: &http.Transport{}}, server.URL
	l.wallet, err = wallet.New(wallet.Deps{
		KV: kv, Bus: store.NewLocalBus(), DB: l.db, Directory: l.people, Clock: l.clock, Rand: rand.Reader, Audit: l.trace, Log: log,
		Issuer: server.URL + "/auth/realms/esante-wallet", AppURL: server.URL, Rounds: 2, Sandbox: true, Seal: newSealer(), VAPID: "BA",
		Contact: func(p rpps.Professional) (string, string) { return reachable(p.Contact) },
		EndAll: func(context.Context, rpps.Professional) (wallet.Ended, error) {
			l.ended++
			return wallet.Ended{Sessions: 2, Services: []string{"DMP"}}, nil
		},
		Post: func(_ context.Context, n wallet.News) { l.news = append(l.news, n) },
	})
	l.must(err)
	l.acts, err = activation.New(activation.Deps{
		KV: kv, Directory: l.people, Clock: l.clock, Rand: rand.Reader, Audit: l.trace, Outbox: l.box, Reach: reachable, Admit: l.wallet.Admit,
	})
	l.must(err)
	api, err := deviceapi.New(deviceapi.Deps{Wallet: l.wallet, Clock: l.clock, Log: log, Failures: l.trace.Failure, Activations: l.acts,
		CheckPush: func(ecps.PushSubscription) error { return nil }})
	l.must(err)
	api.Mount(e.Group(wallet.BasePath))
	t.Cleanup(func() {
		api.Close()
		l.client.CloseIdleConnections()
		server.Close()
		_ = kv.Close()
		_ = l.db.Close()
	})
	return l
}

// reachable takes a mobile and any mailbox.
func reachable(c rpps.Contact) (mail, mobile string) {
	if strings.HasPrefix(c.Phone, "06") {
		mobile = c.Phone
	}
	return c.Mail, mobile
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// wants fails unless err carries the public code, from a phone or from within.
func (l *life) wants(err error, code string) {
	l.t.Helper()
	if got := device.CodeOf(err); got != code && fault.CodeOf(err) != code {
		l.t.Fatalf("got %v, want %s", err, code)
	}
}

func (l *life) enrol(invitation string) *device.Phone {
	l.t.Helper()
	p, err := device.Enrol(l.ctx, l.client, invitation, rightPIN, device.Options{Clock: l.clock, Label: "téléphone"})
	l.must(err)
	return p
}

// phone is one that is good, as the sandbox makes it.
func (l *life) phone(holder rpps.NationalID) *device.Phone {
	l.t.Helper()
	inv, err := l.wallet.Invite(l.ctx, holder)
	l.must(err)
	return l.enrol(inv.URL)
}

func (l *life) state(p *device.Phone) string {
	l.t.Helper()
	info, err := p.Info(l.ctx)
	l.must(err)
	return info.State
}

// login asks the holder's phones from a browser he has used, and gives what the
// phone sees.
func (l *life) login(p *device.Phone, holder rpps.NationalID) (wallet.Pending, ecps.Request) {
	l.t.Helper()
	l.must(l.wallet.RememberBrowser(l.ctx, "own", holder))
	asked, err := l.wallet.Open(l.ctx, wallet.Ask{Holder: holder, ClientID: "dmp", Service: "DMP", AskerKind: "computer", Browser: "own"})
	l.must(err)
	list, err := p.Waiting(l.ctx)
	l.must(err)
	for _, r := range list.Requests {
		if r.ID == asked.ID {
			return asked, r
		}
	}
	l.t.Fatal("the phone does not see the request")
	return asked, ecps.Request{}
}

// names gives the events recorded so far.
func (l *life) names() []string {
	var all []string
	for _, e := range l.trace.Events() {
		all = append(all, audit.Name(e))
	}
	return all
}
