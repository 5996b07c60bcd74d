// Package signing holds the keys that services trust and signs with them.
//
// Each algorithm has keys in three states: next is published but signs
// nothing, so that every service knows it before it is needed; active signs;
// retired signs no more and stays published until the last token it signed is
// dead (PG-37). The key of refresh tokens is a secret of ours alone: it is
// never part of the published set (architecture, point 11).
//
// Keys live in a folder of files that several processes may share. They are
// made under a lock at the first start; a rotation by one process is picked up
// by the others within a second, without a goroutine of their own. Private halves
// may live in a Vault instead.
package signing

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// Options of Open. Dir is required.
type Options struct {
	Dir   string
	Clock clock.Clock
	Rand  io.Reader
	Log   *slog.Logger

	// Algorithms to hold keys for; RS256, ES256, EdDSA and PS256 if empty. No key
	// serves two algorithms: its name says which one is meant (ME8).
	Algorithms []jose.SignatureAlgorithm
	// Retain is how long a retired key stays published and accepted: at least
	// the life of the longest token, an expired ID token used as a hint
	// included. 24 h if zero.
	Retain time.Duration
	// Existing keys only: Open makes none, and answers fault.NotFound for a folder
	// without any. For operators' tools, which may be given the wrong folder.
	Existing bool
	// Vault holds the private halves instead of files; nil: files.
	Vault Vault
	// Dropped is told of every key dropped lately: at Open, which may follow a drop
	// that no server saw, and after a reload. It may be nil.
	Dropped func(Dropped)
	// Changed is told, after a reload, of every key whose state another process
	// changed, so that the server can trace it (PG-60). It may be nil.
	Changed func(KeyInfo)
	// Signed is told of every signature and how long it took. It may be nil.
	Signed func(alg string, took time.Duration)
}

// State of a key.
type State string

// The life of a key.
const (
	Next    State = "next"
	Active  State = "active"
	Retired State = "retired"
)

// KeyInfo is what may be told about a key.
type KeyInfo struct {
	Kid       string                  `json:"kid"`
	Alg       jose.SignatureAlgorithm `json:"alg"`
	State     State                   `json:"state"`
	Created   time.Time               `json:"created"` // published from then on
	Activated time.Time               `json:"activated,omitzero"`
	Retired   time.Time               `json:"retired,omitzero"`
	Gone      time.Time               `json:"gone,omitzero"` // when a retired key leaves the set
}

// Keys signs and verifies. It is safe for many callers.
type Keys struct {
	o       Options
	current atomic.Pointer[set]

	reloading sync.Mutex
	looked    atomic.Int64 // unix nanoseconds of the last look at the manifest
	seen      os.FileInfo  // the manifest behind current; guarded by reloading
}

// Open loads the keys, and makes those that are missing under the folder's lock.
func Open(ctx context.Context, o Options) (*Keys, error) {
	o = o.withDefaults()
	if _, err := os.Stat(filepath.Join(o.Dir, manifestName)); o.Existing && err != nil {
		return nil, fault.Wrap(fault.NotFound, "", "there are no keys in "+o.Dir, err)
	}
	if err := secureDir(o.Dir); err != nil {
		return nil, err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(o.Dir, lockName))
	if err != nil {
		return nil, err
	}
	defer lock.Release() //nolint:errcheck // closing the descriptor is all there is to it
	if !o.Existing {
		if err := o.complete(); err != nil {
			return nil, err
		}
	}
	k := &Keys{o: o}
	if err := k.load(); err != nil {
		return nil, err
	}
	k.tellDropped(nil, k.current.Load())
	return k, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Algorithms) == 0 && o.Vault != nil {
		o.Algorithms = o.Vault.Algorithms()
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA, jose.PS256}
	}
	if o.Retain == 0 {
		o.Retain = 24 * time.Hour
	}
	return o
}

// Algorithms gives those a service may be registered for, in the order of the set.
func (k *Keys) Algorithms() []jose.SignatureAlgorithm {
	return append([]jose.SignatureAlgorithm(nil), k.o.Algorithms...)
}

// JWKS gives the published set (RFC 7517) and its entity tag. The caller must
// not change the bytes.
func (k *Keys) JWKS() (body []byte, etag string) {
	s := k.set()
	return s.jwks, s.etag
}

// List tells of every key, the refresh keys included.
func (k *Keys) List() []KeyInfo {
	m := k.set().manifest
	infos := make([]KeyInfo, 0, len(m.Keys))
	for _, e := range m.Keys {
		infos = append(infos, e.info(k.o.Retain))
	}
	return infos
}

var errNoKey = fault.New(fault.Invalid, "", "no key for this algorithm")
