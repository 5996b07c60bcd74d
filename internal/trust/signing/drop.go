package signing

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// Reason says why a key was dropped; the list is closed, since traces hold no
// free text.
type Reason string

// The reasons.
const (
	Compromised Reason = "compromised" // somebody else has it, or may have
	Lost        Reason = "lost"        // nobody has it any more
	Exercise    Reason = "exercise"    // to know that it works
)

// Dropped is a key that left the set at once, with all it signed.
type Dropped struct {
	Kid    string                  `json:"kid"`
	Alg    jose.SignatureAlgorithm `json:"alg"`
	At     time.Time               `json:"at"`
	By     string                  `json:"by"`
	Reason Reason                  `json:"reason"`
	Handle string                  `json:"handle,omitempty"` // of a private half in a vault, still to be destroyed
}

// Drop takes a key out of the set at once, without overlap: what it signed
// verifies nowhere any more, and Stands tells so of what is only looked up. An
// active key is followed by the next one, which services know already; they have
// to fetch the set again to stop believing the old one, which is why Drop is for
// emergencies and Rotate for all other days. Other processes follow within a second.
// Errors: fault.NotFound for an unknown kid, fault.Invalid without who and why.
func (k *Keys) Drop(ctx context.Context, kid, by string, reason Reason) (Dropped, error) {
	if by == "" || !slices.Contains([]Reason{Compromised, Lost, Exercise}, reason) {
		return Dropped{}, fault.New(fault.Invalid, "", "a key is dropped by somebody and for a reason: compromised, lost or exercise")
	}
	var d Dropped
	err := k.change(ctx, func(m *manifest) error {
		i := slices.IndexFunc(m.Keys, func(e entry) bool { return e.Kid == kid })
		if i < 0 {
			return fault.New(fault.NotFound, "", "there is no such key")
		}
		e := m.Keys[i]
		d = Dropped{Kid: kid, Alg: e.Alg, At: k.o.Clock.Now(), By: by, Reason: reason, Handle: e.Handle}
		m.Keys = slices.Delete(m.Keys, i, i+1)
		m.Dropped = append(m.Dropped, d)
		if e.State == Active {
			if next := m.find(e.Alg, Next); next != nil {
				next.State, next.Activated = Active, d.At
			}
		}
		return k.o.fill(m, e.Alg)
	})
	return d, err
}

// Stands tells whether all keys a token was made with are still in the set, or
// have not been dropped: a token that is looked up and not verified asks here. An
// empty kid stands.
func (k *Keys) Stands(kids ...string) bool {
	for _, kid := range kids {
		if kid == "" {
			continue
		}
		has := func(s *set) bool { return s.refreshes[kid] != nil || s.public[kid].Key != nil }
		if !has(k.known(has)) {
			return false
		}
	}
	return true
}

// Kid names the key a token of ours was made with; empty for one that is no JWS.
func Kid(token string) string {
	_, h, err := split(token)
	if err != nil {
		return ""
	}
	return h.Kid
}

// change applies one change to the manifest as it is on disk now, under the
// folder's lock, and takes it into use.
func (k *Keys) change(ctx context.Context, apply func(*manifest) error) error {
	lock, err := filelock.Wait(ctx, filepath.Join(k.o.Dir, lockName))
	if err != nil {
		return err
	}
	defer lock.Release() //nolint:errcheck // closing the descriptor is all there is to it
	// From the file, not from memory: another process may have changed it just now.
	m, err := k.o.readManifest()
	if err != nil {
		return err
	}
	m.dead(k.o.Clock.Now(), k.o.Retain)
	if err := apply(&m); err != nil {
		if errors.Is(err, errUnchanged) {
			return nil
		}
		return err
	}
	if err := k.o.writeManifest(&m); err != nil {
		return err
	}
	k.reloading.Lock()
	defer k.reloading.Unlock()
	if err := k.load(); err != nil {
		return err
	}
	return k.o.sweep(m)
}

// errUnchanged leaves the manifest as it is.
var errUnchanged error = fault.New(fault.Conflict, "", "nothing to write")
