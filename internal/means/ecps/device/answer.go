package device

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Approve answers yes: the number of the page, and the PIN.
// Errors: *Refusal with PF-EC-012 (number), PF-EC-036 (PIN; TriesLeft says how
// many are left), PF-EC-015 (locked), PF-EC-035 (already answered), ...
func (p *Phone) Approve(ctx context.Context, r ecps.Request, number, pin string) (ecps.Receipt, error) {
	p.answering.Lock()
	defer p.answering.Unlock()
	a, err := p.statement(r, ecps.Approve)
	if err != nil {
		return ecps.Receipt{}, err
	}
	a.Number = number
	key, err := p.pinKey(pin)
	if err != nil {
		return ecps.Receipt{}, err
	}
	return p.submit(ctx, r.ID, a.SignPIN(key))
}

// secret is what is mixed with every PIN.
func (p *Phone) secret() ([]byte, error) {
	secret, err := base64.RawURLEncoding.DecodeString(p.state.Secret)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the phone's secret cannot be read", err)
	}
	return secret, nil
}

// pinKey exists only while the PIN is in memory.
func (p *Phone) pinKey(pin string) (ed25519.PrivateKey, error) {
	secret, err := p.secret()
	if err != nil {
		return nil, err
	}
	return ecps.PINKey(pin, secret, p.state.Rounds)
}

// Refuse answers no. It needs no PIN.
func (p *Phone) Refuse(ctx context.Context, r ecps.Request) (ecps.Receipt, error) {
	p.answering.Lock()
	defer p.answering.Unlock()
	a, err := p.statement(r, ecps.Refuse)
	if err != nil {
		return ecps.Receipt{}, err
	}
	return p.submit(ctx, r.ID, a)
}

// statement is what both decisions have in common.
func (p *Phone) statement(r ecps.Request, d ecps.Decision) (ecps.Answer, error) {
	next, err := ecps.NewSecret(p.o.Rand)
	if err != nil {
		return ecps.Answer{}, err
	}
	return ecps.Answer{
		V: ecps.Version, Issuer: p.state.Issuer, Device: p.state.Device, Holder: p.state.Holder,
		Service: r.Service, Name: r.Name, Asker: r.Asker, Place: r.Place, Time: p.now().Unix(),
		Transaction: r.Transaction, Decision: d, Ratchets: p.ratchets(), Next: next,
	}, nil
}

// submit sends the answer.
func (p *Phone) submit(ctx context.Context, id string, a ecps.Answer) (ecps.Receipt, error) {
	token, err := ecps.SignAnswer(p.key, a)
	if err != nil {
		return ecps.Receipt{}, err
	}
	var receipt ecps.Receipt
	err = p.step(ctx, turn{path: requestPath(id) + "/answer", ratchets: a.Ratchets, next: a.Next}, ecps.Submission{Answer: token}, &receipt)
	return receipt, err
}

// turn is one use of the ratchet.
type turn struct {
	path     string
	ratchets []string
	next     string
}

// step sends a message that moves the ratchet, and keeps the ratchets in step:
// the next value is saved before it is sent, and stays a candidate until we know
// whether the provider took it.
func (p *Phone) step(ctx context.Context, t turn, message, out any) error {
	body, err := ecps.Encode(message)
	if err != nil {
		return err
	}
	if err := p.keep(candidates(t.ratchets, t.next)); err != nil {
		return err
	}
	err = p.call(ctx, http.MethodPost, t.path, body, out)
	refusal, heard := errors.AsType[*Refusal](err)
	switch {
	case err == nil, heard && refusal.Problem.Moved:
		return errors.Join(err, p.keep([]string{t.next}))
	case heard && refusal.Status < http.StatusInternalServerError:
		return errors.Join(err, p.keep(t.ratchets))
	}
	return err // nobody knows: every candidate stays
}

// candidates keeps the confirmed value and the newest of the others.
func candidates(have []string, next string) []string {
	all := append(slices.Clone(have), next)
	if extra := len(all) - ecps.MaxRatchets; extra > 0 {
		all = slices.Delete(all, 1, 1+extra)
	}
	return all
}

// Waiting lists what is open for the holder.
func (p *Phone) Waiting(ctx context.Context) (ecps.Requests, error) {
	var list ecps.Requests
	return list, p.call(ctx, http.MethodGet, ecps.PathRequests, nil, &list)
}

// Request reads one request anew, for what became of it and the tries left.
func (p *Phone) Request(ctx context.Context, id string) (ecps.Request, error) {
	var r ecps.Request
	return r, p.call(ctx, http.MethodGet, requestPath(id), nil, &r)
}

// Info reads the state of the e-CPS.
func (p *Phone) Info(ctx context.Context) (ecps.DeviceInfo, error) {
	var info ecps.DeviceInfo
	return info, p.call(ctx, http.MethodGet, ecps.PathDevice, nil, &info)
}

// Received tells the provider that the request is here.
func (p *Phone) Received(ctx context.Context, id string) error {
	return p.call(ctx, http.MethodPost, requestPath(id)+"/received", nil, nil)
}

// Opened tells the provider that the holder looks at it.
func (p *Phone) Opened(ctx context.Context, id string) error {
	return p.call(ctx, http.MethodPost, requestPath(id)+"/opened", nil, nil)
}

func requestPath(id string) string { return ecps.PathRequests + "/" + url.PathEscape(id) }
