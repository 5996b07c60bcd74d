// Package outbound makes the requests whose address somebody else chose: key
// sets and request objects of services, notices of logout, sectors (D8). It goes
// to public addresses over https, follows nothing, and bounds time, size and
// number, so that a service can neither turn this server against the network it
// stands in nor hold it up (HA6).
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Bounds by default.
const (
	DefaultPatience = 5 * time.Second // of one request, answer included
	DefaultBody     = 64 << 10        // bytes of an answer
	DefaultAtOnce   = 64              // requests at once
	perHost         = 8               // connections to one host
)

// Options is what New needs; only Clock is required.
type Options struct {
	Clock    clock.Clock
	Allow    Allow
	CAs      *x509.CertPool // beside the system's own if it holds them; nil: the system's
	Resolver *net.Resolver
	Patience time.Duration
	MaxBody  int64
	AtOnce   int
}

// Answer is what the other side said, its body whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Client makes guarded requests. Safe for concurrent use.
type Client struct {
	o     Options
	http  *http.Client
	slots chan struct{}
}

// ErrSlow is the cause of a context that Within ended.
var ErrSlow = errors.New("no answer in time")

// New makes a client.
func New(o Options) (*Client, error) {
	if o.Clock == nil {
		return nil, fault.New(fault.Internal, "", "outbound: a clock is needed")
	}
	if o.Patience <= 0 {
		o.Patience = DefaultPatience
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultBody
	}
	if o.AtOnce <= 0 {
		o.AtOnce = DefaultAtOnce
	}
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.CAs}}}
	guarded, err := Guarded(plain, o.Allow, o.Resolver, o.Patience, perHost)
	if err != nil {
		return nil, err
	}
	return &Client{o: o, http: guarded, slots: make(chan struct{}, o.AtOnce)}, nil
}

// Check tells early whether an address could be gone to. Errors: fault.Invalid.
func (c *Client) Check(address string) error {
	_, err := c.o.Allow.URL(address)
	return err
}

// Get fetches an address. accept is the media type asked for.
// Errors: fault.Invalid for an address that is never gone to, fault.Unavailable
// when there was no whole answer in time and size.
func (c *Client) Get(ctx context.Context, address, accept string) (Answer, error) {
	return c.do(ctx, http.MethodGet, address, nil, http.Header{"Accept": {accept}})
}

// PostForm sends a form. Errors as Get.
func (c *Client) PostForm(ctx context.Context, address string, form url.Values) (Answer, error) {
	return c.do(ctx, http.MethodPost, address, []byte(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func (c *Client) do(ctx context.Context, method, address string, body []byte, header http.Header) (Answer, error) {
	u, err := c.o.Allow.URL(address)
	if err != nil {
		return Answer{}, err
	}
	ctx, done := Within(ctx, c.o.Clock, c.o.Patience)
	defer done()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Answer{}, unavailable(ctx, ctx.Err())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, invalid("is no address")
	}
	req.Header = header
	req.Header.Set("User-Agent", "Egide")
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, unavailable(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(res.Body, c.o.MaxBody+1))
	switch {
	case err != nil:
		return Answer{}, unavailable(ctx, err)
	case int64(len(read)) > c.o.MaxBody:
		return Answer{}, fault.New(fault.Unavailable, "", "the answer is too large")
	}
	return Answer{Status: res.StatusCode, Header: res.Header, Body: read}, nil
}

// unavailable takes the address out of an error: it may hold a secret, and
// errors are logged.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrSlow) {
		err = ErrSlow
	} else if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fault.Wrap(fault.Unavailable, "", "the other side did not answer", err)
}

// Within bounds ctx by the clock that was passed in; the caller must call done.
func Within(ctx context.Context, c clock.Clock, d time.Duration) (bounded context.Context, done func()) {
	bounded, cancel := context.WithCancelCause(ctx)
	fired, stop := c.After(d)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-fired:
			cancel(ErrSlow)
		case <-bounded.Done():
		}
		stop()
	}()
	return bounded, func() {
		cancel(nil)
		<-ended
	}
}
