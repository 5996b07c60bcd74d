package signing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// manifest says which keys there are and in which state. It is replaced as a
// whole by one rename, so that no process ever sees half a rotation.
type manifest struct {
	Version  int       `json:"version"`
	Folder   string    `json:"folder,omitempty"`   // drawn once: two folders are never taken for one
	Revision uint64    `json:"revision,omitempty"` // grows with every change
	Keys     []entry   `json:"keys"`
	Dropped  []Dropped `json:"dropped,omitempty"` // lately
}

// entry is one key. The private half has a file of its own, deleted as soon as
// the key retires: what cannot sign any more cannot be stolen either.
type entry struct {
	Kid       string                  `json:"kid"`
	Alg       jose.SignatureAlgorithm `json:"alg"`
	State     State                   `json:"state"`
	Created   time.Time               `json:"created"`
	Activated time.Time               `json:"activated,omitzero"`
	Retired   time.Time               `json:"retired,omitzero"`
	Public    *jose.JSONWebKey        `json:"public,omitempty"` // none for refresh keys
	Handle    string                  `json:"handle,omitempty"` // of the private half in a vault; empty: in a file
}

const manifestVersion = 1

func (e entry) file() string {
	if e.Alg == refreshAlg {
		return "refresh-" + e.Kid + ".key"
	}
	return string(e.Alg) + "-" + e.Kid + ".pem"
}

// gone tells when a retired key leaves the set; never for the others.
func (e entry) gone(retain time.Duration) time.Time {
	if e.State != Retired {
		return time.Time{}
	}
	return e.Retired.Add(retain)
}

func (e entry) info(retain time.Duration) KeyInfo {
	return KeyInfo{
		Kid: e.Kid, Alg: e.Alg, State: e.State,
		Created: e.Created, Activated: e.Activated, Retired: e.Retired, Gone: e.gone(retain),
	}
}

func (m *manifest) find(alg jose.SignatureAlgorithm, s State) *entry {
	for i := range m.Keys {
		if m.Keys[i].Alg == alg && m.Keys[i].State == s {
			return &m.Keys[i]
		}
	}
	return nil
}

// dead splits off the retired keys whose time is over, and forgets dropped ones:
// the last token they signed is dead by then.
func (m *manifest) dead(now time.Time, retain time.Duration) []entry {
	var dead []entry
	m.Dropped = slices.DeleteFunc(m.Dropped, func(d Dropped) bool { return !now.Before(d.At.Add(retain)) })
	m.Keys = slices.DeleteFunc(m.Keys, func(e entry) bool {
		over := e.State == Retired && !now.Before(e.gone(retain))
		if over {
			dead = append(dead, e)
		}
		return over
	})
	return dead
}

// sort puts the set in its published order: by algorithm, the active key
// first, because there are services that take the first key they can use.
func (m *manifest) sort(algs []jose.SignatureAlgorithm) {
	rank := map[State]int{Active: 0, Next: 1, Retired: 2}
	place := func(a jose.SignatureAlgorithm) int {
		if i := slices.Index(algs, a); i >= 0 {
			return i
		}
		return len(algs)
	}
	slices.SortStableFunc(m.Keys, func(a, b entry) int {
		return cmp.Or(cmp.Compare(place(a.Alg), place(b.Alg)),
			cmp.Compare(rank[a.State], rank[b.State]), b.Retired.Compare(a.Retired))
	})
}

func decodeManifest(data []byte) (manifest, error) {
	var m manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fault.Wrap(fault.Invalid, "", "key manifest cannot be read", err)
	}
	if m.Version != manifestVersion {
		return m, fault.New(fault.Invalid, "", "key manifest is of another version")
	}
	return m, nil
}

func (m manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "key manifest cannot be encoded", err)
	}
	return append(data, '\n'), nil
}
