package courier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

const maxReply = 16 << 10

// GatewayOptions reach an HTTP gateway for messages.
type GatewayOptions struct {
	URL             string // https; http to this machine only
	Form            bool   // a form instead of JSON
	ToField         string // "to" if empty
	TextField       string // "text" if empty
	KeyField        string // "key" if empty: the letter's name, for the gateway's own log
	Token           string // sent as a bearer token
	Username        string // basic authentication, if there is no token
	Password        string
	HTTP            *http.Client
	Clock           clock.Clock
	OnceUnderOneKey bool // the gateway honours Idempotency-Key: a repetition is safe
}

// Gateway hands messages to an HTTP gateway.
type Gateway struct {
	o    GatewayOptions
	http *http.Client
}

// NewGateway checks its options. Errors: fault.Invalid.
func NewGateway(o GatewayOptions) (*Gateway, error) {
	if u, err := url.Parse(o.URL); err != nil || u.Host == "" || o.HTTP == nil || o.Clock == nil {
		return nil, fault.Wrap(fault.Invalid, "", "the message gateway cannot be used", err)
	}
	if u, _ := url.Parse(o.URL); u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fault.New(fault.Invalid, "", "messages go to another machine over https only")
	}
	for field, name := range map[*string]string{&o.ToField: "to", &o.TextField: "text", &o.KeyField: "key"} {
		if *field == "" {
			*field = name
		}
	}
	c := *o.HTTP
	if c.Timeout == 0 || c.Timeout > patience {
		c.Timeout = patience
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a secret goes where it was meant to
	return &Gateway{o: o, http: &c}, nil
}

// Idempotent implements Sender.
func (g *Gateway) Idempotent() bool { return g.o.OnceUnderOneKey }

// Send implements Sender.
func (g *Gateway) Send(ctx context.Context, o Outgoing) error {
	number, err := e164(o.To)
	if err != nil {
		return &Refusal{Why: err.Error(), Permanent: true}
	}
	body, kind, err := g.body(number, o)
	if err != nil {
		return &Refusal{Why: err.Error(), Permanent: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.o.URL, bytes.NewReader(body))
	if err != nil {
		return &Refusal{Why: err.Error(), Permanent: true}
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Idempotency-Key", o.Key)
	switch {
	case g.o.Token != "":
		req.Header.Set("Authorization", "Bearer "+g.o.Token)
	case g.o.Username != "":
		req.SetBasicAuth(g.o.Username, g.o.Password)
	}
	res, err := g.http.Do(req)
	if err != nil {
		return broken(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, maxReply)
	return g.judged(res)
}

// broken tells a gateway that was never reached from a line that broke after the
// message may have been taken. The address is not told: some gateways want their
// key in it.
func broken(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return &Refusal{Why: err.Error(), Unsure: !ok || dial.Op != "dial"}
}

// e164 takes what MobileNumber gave.
func e164(to string) (string, error) {
	if len(to) < 8 || len(to) > 16 || to[0] != '+' {
		return "", fault.New(fault.Invalid, "", "this is no number in E.164")
	}
	return to, nil
}

func (g *Gateway) body(number string, o Outgoing) (body []byte, kind string, err error) {
	fields := map[string]string{g.o.ToField: number, g.o.TextField: o.Body, g.o.KeyField: o.Key}
	if !g.o.Form {
		body, err = json.Marshal(fields)
		return body, "application/json", err
	}
	form := url.Values{}
	for k, v := range fields {
		form.Set(k, v)
	}
	return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
}

// judged reads the gateway's word: taken, later, or never.
func (g *Gateway) judged(res *http.Response) error {
	why := fmt.Sprintf("the gateway answered %d", res.StatusCode)
	switch {
	case res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusRequestTimeout, res.StatusCode == http.StatusTooEarly, res.StatusCode == http.StatusTooManyRequests:
		return &Refusal{Why: why, After: g.after(res)}
	case res.StatusCode >= 500:
		return &Refusal{Why: why, After: g.after(res), Unsure: res.StatusCode == http.StatusGatewayTimeout || res.StatusCode == http.StatusBadGateway}
	}
	return &Refusal{Why: why, Permanent: true}
}

// after reads Retry-After (RFC 9110 10.2.3).
func (g *Gateway) after(res *http.Response) time.Duration {
	v := res.Header.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(g.o.Clock.Now()))
	}
	return 0
}
