package agent

import (
	"sync"
	"time"
)

// A challenge is answered once: its id is remembered for as long as it could be
// valid, and somewhat longer (cps-card.md section 8).
const (
	seenFor = 5 * time.Minute
	maxSeen = 4096 // far more than anybody asks; a flood is refused rather than forgotten
)

type seen struct {
	mu sync.Mutex
	at map[string]int64 // id -> second until which it is remembered
}

// first tells whether the id is new, and remembers it.
func (s *seen) first(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for known, until := range s.at {
		if until <= now.Unix() {
			delete(s.at, known)
		}
	}
	if _, known := s.at[id]; known || len(s.at) >= maxSeen {
		return false
	}
	s.at[id] = now.Add(seenFor).Unix()
	return true
}
