package device

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// ChangePIN replaces the PIN, with the old one. The secret stays: whichever of
// the two PINs the provider holds after a lost receipt, the phone can say it.
// Errors: fault.Invalid (PF-EC-039), *Refusal as for Approve.
func (p *Phone) ChangePIN(ctx context.Context, old, next string) error {
	if err := ecps.CheckPIN(next); err != nil {
		return err
	}
	key, err := p.pinKey(next)
	if err != nil {
		return err
	}
	_, err = p.Act(ctx, ecps.ActPIN, base64.RawURLEncoding.EncodeToString(key[32:]), old)
	return err
}

// SetOffline makes the offline code of this phone: the provider gets a fresh
// seed, the phone keeps it masked by the PIN, with nothing to check it against.
func (p *Phone) SetOffline(ctx context.Context, pin string) error {
	seed := make([]byte, 32)
	if _, err := io.ReadFull(p.o.Rand, seed); err != nil {
		return fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	if _, err := p.Act(ctx, ecps.ActOffline, base64.RawURLEncoding.EncodeToString(seed), pin); err != nil {
		return err
	}
	masked, err := p.mask(seed, pin)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.state.Masked = base64.RawURLEncoding.EncodeToString(masked)
	p.mu.Unlock()
	return p.save()
}

// OfflineCode gives the code of this moment. Any PIN gives one.
func (p *Phone) OfflineCode(pin string) (string, error) {
	p.mu.Lock()
	masked, err := base64.RawURLEncoding.DecodeString(p.state.Masked)
	p.mu.Unlock()
	if err != nil || len(masked) == 0 {
		return "", fault.New(fault.NotFound, "", "this phone has no offline code")
	}
	seed, err := p.mask(masked, pin)
	if err != nil {
		return "", err
	}
	return ecps.OfflineCode(seed, p.now())
}

// mask is its own inverse.
func (p *Phone) mask(seed []byte, pin string) ([]byte, error) {
	secret, err := p.secret()
	if err != nil {
		return nil, err
	}
	return ecps.MaskSeed(seed, pin, secret, p.state.Rounds)
}

// Transfer invites a new phone, named by the hash of its device key, and gives
// the invitation's code.
func (p *Phone) Transfer(ctx context.Context, offer, pin string) (code string, err error) {
	done, err := p.Act(ctx, ecps.ActTransfer, offer, pin)
	return done.Result, err
}

// Remove revokes another phone of the same holder.
func (p *Phone) Remove(ctx context.Context, other, pin string) error {
	_, err := p.Act(ctx, ecps.ActRemove, other, pin)
	return err
}

// Act does one of the acts that want a PIN. Errors: *Refusal as for Approve.
func (p *Phone) Act(ctx context.Context, kind ecps.ActKind, subject, pin string) (ecps.ActDone, error) {
	p.answering.Lock()
	defer p.answering.Unlock()
	key, err := p.pinKey(pin)
	if err != nil {
		return ecps.ActDone{}, err
	}
	next, err := ecps.NewSecret(p.o.Rand)
	if err != nil {
		return ecps.ActDone{}, err
	}
	a := ecps.Act{
		V: ecps.Version, Issuer: p.state.Issuer, Device: p.state.Device, Holder: p.state.Holder, Kind: kind, Subject: subject,
		Time: p.now().Unix(), Ratchets: p.ratchets(), Next: next,
	}.SignPIN(key)
	token, err := ecps.SignAct(p.key, a)
	if err != nil {
		return ecps.ActDone{}, err
	}
	var done ecps.ActDone
	return done, p.step(ctx, turn{path: ecps.PathActs, ratchets: a.Ratchets, next: a.Next}, ecps.ActSubmission{Act: token}, &done)
}

// Start claims the QR of a login page, or with here the page in this phone's own
// browser, and gives the request to answer.
func (p *Phone) Start(ctx context.Context, token string, here bool) (ecps.Request, error) {
	var r ecps.Request
	return r, p.post(ctx, ecps.PathStarts, ecps.Start{Token: token, Here: here}, &r)
}

// Freeze says "this was not me", of one login or in general. It needs no PIN.
func (p *Phone) Freeze(ctx context.Context, signIn string) (ecps.FreezeDone, error) {
	var done ecps.FreezeDone
	return done, p.post(ctx, ecps.PathFreeze, ecps.FreezeAsk{SignIn: signIn}, &done)
}

// History lists the holder's last logins.
func (p *Phone) History(ctx context.Context) (ecps.History, error) {
	var h ecps.History
	return h, p.call(ctx, http.MethodGet, ecps.PathHistory, nil, &h)
}

// Devices lists the holder's phones.
func (p *Phone) Devices(ctx context.Context) (ecps.Devices, error) {
	var d ecps.Devices
	return d, p.call(ctx, http.MethodGet, ecps.PathDevices, nil, &d)
}

// Subscribe tells the provider where a push service reaches this phone.
func (p *Phone) Subscribe(ctx context.Context, s ecps.PushSubscription) error {
	return p.post(ctx, ecps.PathPush, s, nil)
}

// Diagnose asks which link of the chain is broken.
func (p *Phone) Diagnose(ctx context.Context, a ecps.DiagnosisAsk) (ecps.Diagnosis, error) {
	var d ecps.Diagnosis
	return d, p.post(ctx, ecps.PathDiagnoses, a, &d)
}

// post makes a signed call with a message.
func (p *Phone) post(ctx context.Context, path string, message, out any) error {
	body, err := ecps.Encode(message)
	if err != nil {
		return err
	}
	return p.call(ctx, http.MethodPost, path, body, out)
}
