// Package desk is where services are registered without a file: by operators
// and, with an initial token, by the services themselves.
//
// Registrations live in the database, in the one grammar of package client;
// every node follows them within two seconds. Each act has one atomic
// transaction, is traced inside it before it takes effect, and is refused when
// the trace cannot be written. Secrets are made here, shown once and kept as
// SHA-256: they are 256 random bits, so there is nothing to stretch (CA1).
package desk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Topic is where the bus tells other nodes to look at once.
const Topic = "clients"

// Deps is what New needs; all are required but Bus.
type Deps struct {
	DB      *db.DB
	Clients *client.Registry // follows this desk's table
	Audit   audit.Recorder
	Clock   clock.Clock
	Rand    io.Reader
	Log     *slog.Logger
	Bus     store.Bus
}

// Desk changes registrations. Safe for concurrent use, on any number of nodes.
type Desk struct{ Deps }

// New opens the desk.
func New(d Deps) *Desk { return &Desk{d} }

// Act is who changes something and why: each change is traced with both.
type Act struct {
	Operator string `json:"operator"`
	Reason   string `json:"reason"` // reference of the case

	token string // reference of the initial token, when a service registers itself
}

const maxWords = 200

func (a Act) check() error {
	if !plain(a.Operator) || !plain(a.Reason) {
		return fault.New(fault.Invalid, codeAct, "an act names its operator and its reason, at most 200 printable bytes each")
	}
	return nil
}

// plain is a short text that breaks no line of a trace or a table.
func plain(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= maxWords && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Public codes of what the desk refuses.
const (
	codeAct     = "PF-AD-001" // operator or reason missing
	codeFaults  = "PF-AD-002" // the registration has faults
	codeTaken   = "PF-AD-003" // the identifier is, or was, another's
	codeVersion = "PF-AD-004" // changed since it was read
	codePlace   = "PF-AD-005" // it lives in a file or belongs to the sandbox
	codeFixed   = "PF-AD-006" // what registration fixes for good
	codeRight   = "PF-AD-007" // initial token
	codeNone    = "PF-AD-008" // no such thing
)

// Broken is a registration that was refused, with everything wrong with it.
type Broken struct {
	Faults []client.Fault
	cause  error
}

// Error implements error.
func (b *Broken) Error() string { return b.cause.Error() }

// Unwrap gives the fault of kind Invalid.
func (b *Broken) Unwrap() error { return b.cause }

func broken(faults []client.Fault) error {
	f := faults[0]
	detail := "the registration is refused: " + f.Message
	if f.Path != "" {
		detail = "the registration is refused: " + f.Path + " " + f.Message
	}
	return &Broken{Faults: faults, cause: fault.New(fault.Invalid, codeFaults, detail)}
}

// trace records an act as the last step of its transaction: what cannot be
// traced is not done. A transaction that runs again, because the file was busy,
// records it once; should it fail for good, the trace tells of an act that was
// not done, never the other way round.
func (d *Desk) trace(ctx context.Context, done *bool, e audit.Event) error {
	if *done {
		return nil
	}
	if err := d.Audit.Record(ctx, e); err != nil {
		return fault.Wrap(fault.Unavailable, "PF-SV-041", "the act cannot be traced and was not done", err)
	}
	*done = true
	return nil
}

// tx runs one act to its end, whatever becomes of the caller, and lets this node
// and the others see it.
func (d *Desk) tx(ctx context.Context, act func(ctx context.Context, tx *sql.Tx) error) error {
	ctx = context.WithoutCancel(ctx)
	if err := d.DB.Tx(ctx, func(tx *sql.Tx) error { return act(ctx, tx) }); err != nil {
		return err
	}
	if err := d.Clients.Refresh(ctx); err != nil {
		d.Log.WarnContext(ctx, "a change of a client will be seen at the next look", slog.Any("error", err))
	}
	if d.Bus != nil {
		if err := d.Bus.Publish(ctx, Topic, nil); err != nil {
			d.Log.DebugContext(ctx, "other nodes will see a change of a client at their next look", slog.Any("error", err))
		}
	}
	return nil
}

func (d *Desk) now() int64 { return d.Clock.Now().UnixMilli() }

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// hash is how secrets and tokens are kept.
func hash(secret string) string { return client.HashSecret(secret) }

// fingerprint names a document in the traces.
func fingerprint(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}
