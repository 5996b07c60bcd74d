package webpushtest

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// errLeft is a caller who went away in the middle, as one may who stops.
var errLeft = errors.New("the caller left")

// read takes a push apart as the service and the browser do.
func (s *Service) read(r *http.Request, b browser) (Message, error) {
	m := Message{ID: b.id, Topic: r.Header.Get("Topic"), Urgency: r.Header.Get("Urgency")}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4097))
	if err != nil {
		return m, errLeft
	}
	m.Size = len(body)
	seconds, err := strconv.ParseUint(r.Header.Get("TTL"), 10, 31)
	m.TTL = time.Duration(seconds) * time.Second
	switch {
	case err != nil:
		return m, errors.New("TTL is not a number of seconds") // RFC 8030 5.2: it must be there
	case r.Method != http.MethodPost:
		return m, errors.New("not a POST")
	case len(body) > 4096:
		return m, errors.New("body is larger than 4096 bytes")
	case r.Header.Get("Content-Encoding") != "aes128gcm":
		return m, errors.New("content encoding is not aes128gcm")
	case len(m.Topic) > 32:
		return m, errors.New("topic is too long")
	case m.Urgency != "" && !strings.Contains(" very-low low normal high ", " "+m.Urgency+" "):
		return m, errors.New("urgency is unknown")
	}
	if m.Claims, _, err = VerifyVAPID(r.Header.Get("Authorization"), s.URL, s.clock.Now()); err != nil {
		return m, err
	}
	m.Payload, err = Decrypt(b.key, b.auth, body)
	return m, err
}
