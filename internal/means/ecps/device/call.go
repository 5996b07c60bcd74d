package device

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/egide-id/egide/internal/means/ecps"
)

// maxAnswer bounds what a provider may make us read.
const maxAnswer = 64 << 10

// Refusal is the provider's no.
type Refusal struct {
	Status  int
	Problem ecps.Problem
}

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s (HTTP %d)", r.Problem.Code, r.Problem.Detail, r.Status)
}

// CodeOf gives the public code of a refusal, or empty.
func CodeOf(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Problem.Code
	}
	return ""
}

// call makes one signed call. A clock that is off is mended by the provider's
// own time, once.
func (p *Phone) call(ctx context.Context, method, path string, body []byte, out any) error {
	err := p.signedExchange(ctx, method, path, body, out)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Problem.Code == ecps.CodeClock && body == nil {
		p.setClock(r.Problem.Time)
		return p.signedExchange(ctx, method, path, body, out)
	}
	return err
}

func (p *Phone) signedExchange(ctx context.Context, method, path string, body []byte, out any) error {
	proof, err := p.proof(method, path, body)
	if err != nil {
		return err
	}
	return p.exchange(ctx, method, path, proof, body, out)
}

// proof signs one call with the device key.
func (p *Phone) proof(method, path string, body []byte) (string, error) {
	id, err := ecps.NewID(p.o.Rand)
	if err != nil {
		return "", err
	}
	return ecps.SignCall(p.key, p.state.Device, ecps.Call{
		V: ecps.Version, Issuer: p.state.Issuer, Method: method, Path: path,
		Body: ecps.BodyHash(body), Time: p.now().Unix(), ID: id,
	})
}

// exchange sends and reads one message; out may be nil.
func (p *Phone) exchange(ctx context.Context, method, path, proof string, body []byte, out any) error {
	resp, err := p.send(ctx, method, path, proof, body)
	if err != nil {
		return err
	}
	defer drain(resp)
	if out == nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return nil
	}
	return json.Unmarshal(b, out)
}

// send gives a good response, or the provider's refusal as an error.
func (p *Phone) send(ctx context.Context, method, path, proof string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if proof != "" {
		req.Header.Set("Authorization", ecps.Scheme+" "+proof)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer drain(resp)
	refusal := &Refusal{Status: resp.StatusCode}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(b, &refusal.Problem) != nil || refusal.Problem.Code == "" && refusal.Problem.Detail == "" {
		refusal.Problem.Detail = "the answer is not the provider's"
	}
	return nil, refusal
}

// drain lets the connection be used again.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	_ = resp.Body.Close()
}
