// Package notice tells services that a session ended (Back-Channel Logout 1.0).
//
// What is to be told is written down before anything ends, and tried until the
// service has taken it or a day is over: a crash, a restart or a service that is
// away loses nothing. Each service has a lane of its own, so that one which is
// slow or gone keeps only its own notices waiting (HA6). A logout token is made
// for each try and lives two minutes; none is ever stored.
package notice

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Notice is one thing to tell: this session of this person is over for you.
type Notice struct {
	Client string
	Sub    string // as this service knows the person
	SID    string
}

// State of a notice.
type State string

// The states: waiting until done, or until it is dead: refused, or too old.
const (
	Waiting State = "waiting"
	Done    State = "done"
	Dead    State = "dead"
)

// Status is what an operator sees of a notice.
type Status struct {
	ID       string    `json:"id"`
	Client   string    `json:"client"`
	SID      string    `json:"sid"`
	State    State     `json:"state"`
	Attempts int       `json:"attempts"`
	Answer   string    `json:"answer"` // of the last try: a status, or why there was none
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next,omitzero"`
	Settled  time.Time `json:"settled,omitzero"`
}

// Clients knows the services (client.Registry).
type Clients interface {
	Lookup(id string) (*client.Client, error)
}

// Signer signs as the provider (signing.Keys).
type Signer interface {
	Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error)
}

// Poster reaches addresses that services chose (outbound.Client).
type Poster interface {
	PostForm(ctx context.Context, address string, form url.Values) (outbound.Answer, error)
}

// Deps are what New needs; all are required.
type Deps struct {
	DB      *db.DB
	Clients Clients
	Keys    Signer
	Post    Poster
	Audit   audit.Recorder
	Clock   clock.Clock
	Rand    io.Reader
	Log     *slog.Logger
	Issuer  string
}

// Notices is the outbox and its worker. Safe for concurrent use, also by
// several nodes on one database.
type Notices struct {
	d       Deps
	settled chan settlement

	mu      sync.Mutex
	running context.Context // of Run; nil while nobody works
	lanes   map[string]*lane
	busy    sync.WaitGroup
	slots   chan struct{}
}

// New checks its dependencies. Errors: fault.Internal.
func New(d Deps) (*Notices, error) {
	if d.DB == nil || d.Clients == nil || d.Keys == nil || d.Post == nil || d.Audit == nil || d.Clock == nil || d.Rand == nil || d.Log == nil || d.Issuer == "" {
		return nil, fault.New(fault.Internal, "", "notice: a dependency is missing")
	}
	return &Notices{d: d, settled: make(chan settlement, inAll), lanes: map[string]*lane{}, slots: make(chan struct{}, inAll)}, nil
}
