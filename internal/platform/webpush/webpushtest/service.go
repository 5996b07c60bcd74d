package webpushtest

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/webpush"
)

// Message is a push that the service took, as its browser reads it.
type Message struct {
	ID      string // of the subscription
	Payload []byte
	Size    int // bytes of the encrypted body
	TTL     time.Duration
	Topic   string
	Urgency string
	Claims  Claims
}

// Answer is how the service answers a push; the zero value takes it, with 201.
type Answer struct {
	Status     int
	RetryAfter string
	Location   string
	Garbage    bool            // something that is not HTTP
	Hold       <-chan struct{} // answers once it is closed, or the caller has gone
	Body       int             // bytes
}

// Service is a push service with its browsers. Whatever is not as the RFCs say
// fails the test, and is answered with 400.
type Service struct {
	URL string // its origin

	server   *httptest.Server
	clock    clock.Clock
	t        testing.TB
	messages chan Message
	arrivals chan string

	mu       sync.Mutex
	browsers map[string]browser // by the path of the endpoint
	answer   func(id string) Answer
	calls    int
}

type browser struct {
	id   string
	key  *ecdh.PrivateKey
	auth []byte
	bind string // the only server that may push; empty: any
}

// New starts a service over https on this machine (Client trusts it) that reads
// time from c. It ends with the test.
func New(t testing.TB, c clock.Clock) *Service {
	t.Helper()
	return start(t, c, httptest.NewTLSServer)
}

// NewPlain is New over http, as a sandbox may have it.
func NewPlain(t testing.TB, c clock.Clock) *Service {
	t.Helper()
	return start(t, c, httptest.NewServer)
}

func start(t testing.TB, c clock.Clock, serve func(http.Handler) *httptest.Server) *Service {
	s := &Service{
		clock: c, t: t, browsers: map[string]browser{}, messages: make(chan Message, 1<<14), arrivals: make(chan string, 1<<14),
		answer: func(string) Answer { return Answer{} },
	}
	s.server = serve(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // callers that leave are part of the tests
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

// Client trusts the service's certificate.
func (s *Service) Client() *http.Client { return s.server.Client() }

// Subscribe makes a browser that is known by id. With a key it takes pushes of
// that server alone (RFC 8292 section 4).
func (s *Service) Subscribe(id, key string) webpush.Subscription {
	s.t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	b := browser{id: id, key: private, auth: make([]byte, 16), bind: key}
	_, _ = rand.Read(b.auth) // never fails
	path := "/push/" + rand.Text()
	s.mu.Lock()
	s.browsers[path] = b
	s.mu.Unlock()
	b64 := base64.RawURLEncoding.EncodeToString
	return webpush.Subscription{ID: id, Endpoint: s.URL + path, P256DH: b64(private.PublicKey().Bytes()), Auth: b64(b.auth)}
}

// Answers gives the answers to the coming pushes, in this order; the last stays.
func (s *Service) Answers(all ...Answer) {
	s.AnswerWith(func(string) Answer {
		a := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return a
	})
}

// AnswerWith chooses the answer by the subscription; it is called by one at a time.
func (s *Service) AnswerWith(choose func(id string) Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = choose
}

// Calls counts the requests that came in, of whatever kind.
func (s *Service) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Arrivals gives the id of each push as it comes in, before it is answered.
func (s *Service) Arrivals() <-chan string { return s.arrivals }

// Next waits for the next push that was taken.
func (s *Service) Next() Message {
	s.t.Helper()
	fired, stop := clock.System{}.After(20 * time.Second) // the network's time, which no test moves
	defer stop()
	select {
	case m := <-s.messages:
		return m
	case <-fired:
		s.t.Fatal("no push came")
		return Message{}
	}
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	b, known := s.browsers[r.URL.Path]
	var a Answer
	if known {
		a = s.answer(b.id)
	}
	s.mu.Unlock()
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	m, err := s.read(r, b)
	if errors.Is(err, errLeft) {
		return
	}
	if err != nil {
		s.t.Errorf("push for %s: %v", b.id, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if b.bind != "" && b.bind != keyOf(r) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.arrivals <- b.id
	s.give(w, r, a, m)
}

func keyOf(r *http.Request) string {
	_, k, _ := parameters(r.Header.Get("Authorization")) // verified before
	return k
}

// give answers; what it takes is a message.
func (s *Service) give(w http.ResponseWriter, r *http.Request, a Answer, m Message) {
	if a.Hold != nil {
		select {
		case <-a.Hold:
		case <-r.Context().Done():
			return
		}
	}
	if a.Garbage {
		garbage(w)
		return
	}
	for header, value := range map[string]string{"Retry-After": a.RetryAfter, "Location": a.Location} {
		if value != "" {
			w.Header().Set(header, value)
		}
	}
	if a.Status == 0 {
		a.Status = http.StatusCreated
	}
	if a.Status == http.StatusCreated {
		s.messages <- m
	}
	if a.Body > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(a.Body))
	}
	w.WriteHeader(a.Status)
	for sent := 0; sent < a.Body && r.Context().Err() == nil; sent += 1 << 10 {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

func garbage(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = c.Write([]byte("\x00\x01 this is not HTTP\r\n\r\n"))
	_ = c.Close()
}
