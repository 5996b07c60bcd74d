package subject

import (
	"sync"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// staleness bounds how long a node may not know that another raised an epoch.
const staleness = time.Second

// epochs remembers epochs for UserInfo's hot path: one generation of the map
// per second, dropped whole. That bounds the age of an entry and the memory
// (to the subjects of one second) without a timer or a list.
type epochs struct {
	clock clock.Clock
	mu    sync.Mutex
	now   *generation
}

type generation struct {
	born time.Time
	mu   sync.RWMutex
	held map[string]uint64
}

func newEpochs(c clock.Clock) *epochs { return &epochs{clock: c} }

// present gives the generation of this second. Whoever reads the database
// asks for it before he reads, so that what he stores is never younger than it claims.
func (e *epochs) present() *generation {
	now := e.clock.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	// A clock that stepped back must not make entries live longer.
	if e.now == nil || now.Sub(e.now.born) >= staleness || now.Before(e.now.born) {
		e.now = &generation{born: now, held: map[string]uint64{}}
	}
	return e.now
}

func (g *generation) get(sub string) (uint64, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	e, ok := g.held[sub]
	return e, ok
}

// raise stores the epoch unless a higher one is known: a reader that was
// overtaken by Raise must not put the old epoch back.
func (g *generation) raise(sub string, e uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[sub] = max(g.held[sub], e)
	return g.held[sub]
}
