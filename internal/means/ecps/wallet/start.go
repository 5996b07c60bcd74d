package wallet

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// A start is a login page that waits for a phone to come to it: by a QR that
// changes every few seconds, or by a link on the phone itself. Nobody types an
// identifier and no push goes out (ux.md 3.1).

const (
	startSlot = 4 * time.Second // a QR is drawn anew this often
	startLate = 5               // slots a QR is still taken after its own: the time to aim and to scan
	hereLife  = 2 * time.Minute // a link on the phone itself, which nobody has to aim at
)

// StartAsk is what a login page wants.
type StartAsk struct {
	ClientID, Service string
	AskerKind         string
	Login             string // handle of the login that asks
	Back              string // address to which the browser of the same phone returns
}

// begun is a start in the store.
type begun struct {
	Secret  string    `json:"secret"` // of its tokens; never leaves the provider
	Client  string    `json:"client"`
	Service string    `json:"service"`
	Asker   string    `json:"asker"`
	Login   string    `json:"login"`
	Back    string    `json:"back"`
	Request string    `json:"request"` // once a phone has claimed it
	Ends    time.Time `json:"ends"`
}

// Begin opens a start for a login page and names it. It lives as long as the login.
func (w *Wallet) Begin(ctx context.Context, a StartAsk) (id string, err error) {
	if id, err = ecps.NewID(w.Rand); err != nil {
		return "", err
	}
	secret, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return "", err
	}
	return id, w.starts.Put(ctx, id, begun{
		Secret: secret, Client: a.ClientID, Service: ecps.Showable(a.Service), Asker: asker(a.AskerKind), Login: a.Login, Back: a.Back,
		Ends: w.Clock.Now().Add(recordLife),
	}, recordLife)
}

// Shown is what a login page shows of its start.
type Shown struct {
	QR      string        // address in the QR of this moment
	Link    string        // address for the phone that shows the page itself
	Next    time.Duration // until the QR is another one
	Request string        // the request a phone has opened, empty until then
}

// Show gives the QR of this moment. Errors: fault.NotFound once it is forgotten.
func (w *Wallet) Show(ctx context.Context, id string) (Shown, error) {
	b, err := w.starts.Get(ctx, id)
	if err != nil {
		return Shown{}, err
	}
	now := w.Clock.Now()
	slot := now.Unix() / int64(startSlot/time.Second)
	return Shown{
		QR:   w.appURL(ecps.FragmentStart, b.token(id, "qr", slot)),
		Link: w.appURL(ecps.FragmentHere, b.token(id, "here", now.Unix()/int64(hereLife/time.Second))),
		Next: time.Unix((slot+1)*int64(startSlot/time.Second), 0).Sub(now), Request: b.Request,
	}, nil
}

const (
	tokenID   = 16
	tokenSlot = 8
	tokenMAC  = 16
)

// token names the start and the moment: whoever has photographed a QR has a few
// seconds.
func (b begun) token(id, kind string, slot int64) string {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != tokenID {
		return ""
	}
	raw = binary.BigEndian.AppendUint64(raw, uint64(slot)) //nolint:gosec // a time since 1970
	m := hmac.New(sha256.New, []byte(b.Secret))
	m.Write([]byte("egide.ecps.start.v1 " + kind))
	m.Write(raw)
	return base64.RawURLEncoding.EncodeToString(append(raw, m.Sum(nil)[:tokenMAC]...))
}

// Claim opens the request of a start for the holder of the phone that scanned
// it. One phone claims a start, once. The number is compared as always: of a
// relayed QR the number is on a stranger's screen.
// here tells that the page is in this phone's own browser: there is no second
// screen to compare with, and instead the login can go on only in the browser of
// this phone, with a code that is good once.
// Errors: fault.Expired with PF-EC-043, fault.Used, fault.Denied (the phone may not answer).
func (w *Wallet) Claim(ctx context.Context, d Device, s ecps.Start) (ecps.Request, error) {
	row, err := w.able(ctx, d)
	if err != nil {
		return ecps.Request{}, err
	}
	id, b, err := w.readStart(ctx, s)
	if err != nil {
		return ecps.Request{}, err
	}
	who, err := w.resolveHolder(ctx, d.Holder)
	if err != nil {
		return ecps.Request{}, err
	}
	now := w.Clock.Now()
	r, err := w.newRecord(Ask{Holder: who.id, ClientID: b.Client, Service: b.Service, AskerKind: b.Asker, Login: b.Login}, who, now)
	if err != nil {
		return ecps.Request{}, err
	}
	r.Start, r.Only, r.Delivery = id, d.ID, Opened
	if s.Here {
		r.Back, r.Typed, r.Here = b.Back, false, hereWaits
	}
	if err := w.takeStart(ctx, id, r.ID, now); err != nil {
		return ecps.Request{}, err
	}
	if err := w.requests.Put(ctx, r.ID, r, recordLife); err != nil {
		return ecps.Request{}, err
	}
	if err := ensure(ctx, w.friends, who.key, func(x *index) (time.Duration, error) {
		x.befriend(now, live{ID: r.ID, Expires: r.ExpiresAt}, "")
		return x.kept(w.RequestLife), nil
	}); err != nil {
		return ecps.Request{}, err
	}
	wake(ctx, w.Bus, w.Log, startTopic(id))
	return w.view(r, row, now), nil
}

// readStart opens a token. Everything that is wrong with it is one answer.
func (w *Wallet) readStart(ctx context.Context, s ecps.Start) (id string, b begun, err error) {
	old := fault.New(fault.Expired, ecps.CodeStart, "this QR or link is too old, or was used")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s.Token)
	if err != nil || len(raw) != tokenID+tokenSlot+tokenMAC {
		return "", begun{}, old
	}
	id = base64.RawURLEncoding.EncodeToString(raw[:tokenID])
	if b, err = w.starts.Get(ctx, id); fault.Is(err, fault.NotFound) {
		return "", begun{}, old
	}
	if err != nil {
		return "", begun{}, err
	}
	slot := int64(binary.BigEndian.Uint64(raw[tokenID:])) //nolint:gosec // compared below
	kind, span, late := "qr", startSlot, int64(startLate)
	if s.Here {
		kind, span, late = "here", hereLife, 1
	}
	present := w.Clock.Now().Unix() / int64(span/time.Second)
	fresh := slot <= present && slot >= present-late
	if !hmac.Equal([]byte(s.Token), []byte(b.token(id, kind, slot))) || !fresh || b.Request != "" {
		return "", begun{}, old
	}
	return id, b, nil
}

// takeStart hands the start to one request.
func (w *Wallet) takeStart(ctx context.Context, id, request string, now time.Time) error {
	_, err := w.starts.Update(ctx, id, func(b *begun) (time.Duration, error) {
		if b.Request != "" {
			return 0, fault.New(fault.Used, ecps.CodeStart, "another phone has scanned this")
		}
		b.Request = request
		return max(time.Second, b.Ends.Sub(now)), nil
	})
	return err
}

// WaitStart answers when a phone has claimed the start, or when ctx is done.
func (w *Wallet) WaitStart(ctx context.Context, id string) (Shown, error) {
	return follow(ctx, w, startTopic(id), func(ctx context.Context) (Shown, time.Duration, error) {
		s, err := w.Show(ctx, id)
		if err != nil || s.Request != "" {
			return s, 0, err
		}
		return s, pollEvery, nil
	})
}

func startTopic(id string) string { return "ecps.start." + id }

// Arrive consumes an approval that was given on the phone which shows the page:
// the browser must bring the code that only the approving phone received. A link
// sent to a victim ends in the victim's browser, which has not begun this login.
// Errors: fault.Denied with PF-EC-043.
func (w *Wallet) Arrive(ctx context.Context, id, code string) error {
	r, err := w.requests.Get(ctx, id)
	if err != nil {
		return gone(err)
	}
	if r.Here == "" || !hmac.Equal([]byte(r.Here), []byte(ecps.Hash(code))) {
		return fault.New(fault.Denied, ecps.CodeStart, "this browser is not that of the phone that approved")
	}
	_, err = w.move(ctx, id, func(r *record) error {
		r.Here = hereArrived
		return nil
	})
	return err
}

// Where a login stands that goes on in the browser of the approving phone: no
// code yet; the code was brought. In between stands the hash of the code.
const (
	hereWaits   = "waits"
	hereArrived = "arrived"
)
