// Package outboundtest stands in for the sites of services, hostile ones too.
package outboundtest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// Sites answers by address; what was not set is down. Safe for concurrent use.
type Sites struct {
	mu      sync.Mutex
	answers map[string]outbound.Answer
	asked   map[string]int
	holding map[string]chan struct{}
}

// Set has an address answer 200 with a body of a media type.
func (s *Sites) Set(address, media, body string) {
	s.Answer(address, outbound.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {media}}, Body: []byte(body)})
}

// SetJSON has an address answer with the JSON of v.
func (s *Sites) SetJSON(t testing.TB, address string, v any) {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	s.Set(address, "application/json", string(body))
}

// Answer has an address answer anything.
func (s *Sites) Answer(address string, a outbound.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[string]outbound.Answer{}
	}
	s.answers[address] = a
}

// Down takes an address away.
func (s *Sites) Down(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, address)
}

// Hold has an address answer nothing until release is called.
func (s *Sites) Hold(address string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holding == nil {
		s.holding = map[string]chan struct{}{}
	}
	held := make(chan struct{})
	s.holding[address] = held
	return sync.OnceFunc(func() { close(held) })
}

// Asked tells how often an address was gone to.
func (s *Sites) Asked(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[address]
}

// Get is what outbound.Client.Get is.
func (s *Sites) Get(ctx context.Context, address, _ string) (outbound.Answer, error) {
	s.mu.Lock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[address]++
	held := s.holding[address]
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return outbound.Answer{}, fault.Wrap(fault.Unavailable, "", "the other side did not answer", ctx.Err())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.answers[address]; ok {
		return a, nil
	}
	return outbound.Answer{}, fault.New(fault.Unavailable, "", "the other side did not answer")
}
