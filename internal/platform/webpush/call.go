package webpush

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/outbound"
)

// answer is what a push service said; err if it said nothing.
type answer struct {
	status     int
	retryAfter string
	err        error
}

// send makes one call (RFC 8030 section 5). Each is encrypted anew: a salt and a
// key serve once.
func (s *Sender) send(ctx context.Context, p Push) answer {
	ctx, done := outbound.Within(ctx, s.o.Clock, patience)
	defer done()
	req, err := s.request(ctx, p)
	if err != nil {
		return answer{err: err}
	}
	res, err := s.http.Do(req)
	if err != nil {
		return answer{err: bare(ctx, err)}
	}
	_ = res.Body.Close() // unread: the status says all, and a body may never end
	return answer{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After")}
}

func (s *Sender) request(ctx context.Context, p Push) (*http.Request, error) {
	to, err := s.o.Allow.URL(p.Endpoint)
	if err != nil {
		return nil, err
	}
	body, err := encrypt(p.Subscription, p.Payload, s.o.Rand)
	if err != nil {
		return nil, err
	}
	now := s.o.Clock.Now()
	authorization, err := s.tokens.header(origin(to), now, s.o.Rand)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, invalid("endpoint is no address")
	}
	// What has expired here must not wait there.
	ttl := min(p.TTL, p.Expires.Sub(now)) / time.Second
	req.Header.Set("TTL", strconv.FormatInt(int64(max(ttl, 0)), 10))
	req.Header.Set("Authorization", authorization)
	req.Header.Set("Content-Encoding", "aes128gcm")
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("User-Agent", "Egide")
	for header, value := range map[string]string{"Topic": p.Topic, "Urgency": p.Urgency} {
		if value != "" {
			req.Header.Set(header, value)
		}
	}
	return req, nil
}

// bare takes the endpoint out of an error: it is a secret, and errors are logged.
func bare(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, outbound.ErrSlow) {
		return outbound.ErrSlow
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
