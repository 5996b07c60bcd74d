package dmp

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// maxSessions bounds the memory that visitors can take.
const maxSessions = 10_000

// session is one person at work. What the provider said of him changes at
// each refresh; what he chose here stays as long as it is still his.
type session struct {
	csrf  string
	began time.Time
	seen  time.Time // guarded by sessions.mu

	// mu also serialises refreshes: two at once would present the same refresh
	// token twice, which a provider rightly takes for a theft (RFC 9700, 4.14).
	mu sync.Mutex
	login
	person     userInfo
	situations []situation
	chosen     string // key of the situation in use, "" while none is
}

// login is what the provider last confirmed.
type login struct {
	sub, sid, nonce string
	authTime        time.Time
	acr             string
	amr             []string
	idToken         string
	access, refresh string
	expires         time.Time // of the access token
}

// view is a session as one request sees it.
type view struct {
	Name       string
	Person     string
	ACR        string
	AMR        []string
	LoggedIn   time.Time
	Situations []situation
	Situation  *situation
	CSRF       string
}

// view must be called with mu held.
func (s *session) view() view {
	v := view{
		Name: s.person.name(), Person: s.person.SubjectNameID,
		ACR: s.acr, AMR: s.amr, LoggedIn: s.authTime, Situations: s.situations, CSRF: s.csrf,
	}
	for i := range s.situations {
		if s.situations[i].Key == s.chosen {
			v.Situation = &s.situations[i]
		}
	}
	return v
}

// adopt takes what the register now says. A single situation needs no choice,
// and a chosen one that ended is chosen no more.
func (s *session) adopt(u userInfo) {
	s.person = u
	s.situations = u.situations()
	for _, one := range s.situations {
		if one.Key == s.chosen {
			return
		}
	}
	s.chosen = ""
	if len(s.situations) == 1 {
		s.chosen = s.situations[0].Key
	}
}

// sessions are kept by the hash of their cookie, so that a memory dump opens none.
type sessions struct {
	clock clock.Clock
	mu    sync.Mutex
	all   map[[32]byte]*session
}

func newSessions(c clock.Clock) *sessions {
	return &sessions{clock: c, all: map[[32]byte]*session{}}
}

// begin keeps a session under a cookie value that is new: one that a stranger
// planted before the login is worth nothing after it (session fixation).
func (s *sessions) begin(cookie string, one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	one.began, one.seen = now, now
	if len(s.all) >= maxSessions {
		s.sweep(now)
	}
	s.all[sha256.Sum256([]byte(cookie))] = one
}

// sweep drops what is over, and the longest unseen when nothing is.
func (s *sessions) sweep(now time.Time) {
	var oldest [32]byte
	var at time.Time
	for key, one := range s.all {
		if one.over(now) {
			delete(s.all, key)
			continue
		}
		if at.IsZero() || one.seen.Before(at) {
			oldest, at = key, one.seen
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.seen) >= sessionIdle || now.Sub(s.began) >= sessionAbsolute
}

// get gives the live session of a cookie, or nil, and marks it as in use.
func (s *sessions) get(cookie string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(cookie))
	one := s.all[key]
	if one == nil {
		return nil
	}
	now := s.clock.Now()
	if one.over(now) {
		delete(s.all, key)
		return nil
	}
	one.seen = now
	return one
}

// end forgets the session of a cookie.
func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(cookie)))
}
