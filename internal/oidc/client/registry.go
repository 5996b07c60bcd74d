package client

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Options say how a registry follows its directory.
type Options struct {
	Clock    clock.Clock
	Log      *slog.Logger
	Poll     time.Duration // how often Watch looks at files and database; 2 s if zero
	Kept     Source        // registrations in the database; nil: files alone
	Wake     <-chan []byte // tells Watch to look at the database now; may be nil
	OnChange func(Change)  // called for each client that came, changed or went, after it did; may be nil
}

// Change is one difference that a reload made.
type Change struct {
	Client      string
	Kind        string // added, changed, removed
	Fingerprint string // SHA-256 of the file, hexadecimal; empty when removed
}

// Registry holds the registered clients. Reading takes no lock.
type Registry struct {
	o       Options
	dir     string
	mu      sync.Mutex            // serialises writers
	files   map[string]*fileState // by file name
	added   map[string]*Client    // neither from files nor from the database: the sandbox's own
	kept    map[string]*Client    // from the database
	mark    int64                 // up to which the database was read
	clients atomic.Pointer[map[string]*Client]
}

// New gives an empty registry, for the sandbox and tests.
func New(o Options) *Registry {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Poll <= 0 {
		o.Poll = 2 * time.Second
	}
	r := &Registry{o: o, files: map[string]*fileState{}, added: map[string]*Client{}, kept: map[string]*Client{}}
	r.clients.Store(&map[string]*Client{})
	return r
}

// Load reads every *.yaml and *.yml file of the directory. Good files count
// even beside broken ones; the faults tell what is broken. The error is for a
// directory that cannot be read.
func Load(dir string, o Options) (*Registry, []Fault, error) {
	r := New(o)
	r.dir = dir
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.scan(context.Background()); err != nil {
		return nil, nil, err
	}
	return r, r.faults(), nil
}

// Lookup finds a client that may be answered; fault.NotFound if there is none.
// Everything that answers a client asks here, so that one that was disabled is
// refused everywhere, in the words for one that does not exist.
func (r *Registry) Lookup(id string) (*Client, error) {
	c, err := r.Find(id)
	if err == nil && c.Disabled {
		return nil, unknownClient()
	}
	return c, err
}

// Find is Lookup for those who look after registrations: disabled ones too.
func (r *Registry) Find(id string) (*Client, error) {
	if c, ok := (*r.clients.Load())[id]; ok {
		return c, nil
	}
	return nil, unknownClient()
}

func unknownClient() error { return fault.New(fault.NotFound, "PF-SV-040", "no such client") }

// All gives every client, by identifier, disabled ones too.
func (r *Registry) All() []*Client {
	return slices.SortedFunc(maps.Values(*r.clients.Load()), func(a, b *Client) int { return strings.Compare(a.ID, b.ID) })
}

// Add registers a client that has no file. The same checks hold; defaults are
// filled in. fault.Invalid names the first fault, fault.Conflict a taken id.
func (r *Registry) Add(c *Client) error {
	own := *c
	own.fillDefaults()
	if faults := own.Check(); len(faults) > 0 {
		return fault.New(fault.Invalid, "", faults[0].String())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.Find(own.ID); err == nil {
		return fault.New(fault.Conflict, "", "client identifier is taken")
	}
	r.added[own.ID] = &own
	r.publish()
	return nil
}

// publish makes the present state the one that Lookup sees. Callers hold mu.
func (r *Registry) publish() {
	next, now := maps.Clone(r.added), r.o.Clock.Now()
	for id, c := range r.kept {
		next[id] = c.at(now)
	}
	for _, state := range r.files {
		if c := state.client; c != nil {
			next[c.ID] = c.at(now)
		}
	}
	r.clients.Store(&next)
}
