package signing

import (
	"crypto"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/platform/fault"
)

// complete makes what is missing: an active and a next key per algorithm, a
// refresh key. The caller holds the folder's lock.
func (o Options) complete() error {
	m, err := o.readManifest()
	if err != nil {
		return err
	}
	changed := len(m.dead(o.Clock.Now(), o.Retain)) > 0
	before := len(m.Keys)
	for _, alg := range append(slices.Clone(o.Algorithms), refreshAlg) {
		if err := o.fill(&m, alg); err != nil {
			return err
		}
	}
	if changed || len(m.Keys) != before || m.Folder == "" {
		if err := o.writeManifest(&m); err != nil {
			return err
		}
	}
	return o.sweep(m)
}

// statesOf gives the states an algorithm must always have. A refresh key needs
// no next: nobody else has to know it before it signs.
func statesOf(alg jose.SignatureAlgorithm) []State {
	if alg == refreshAlg {
		return []State{Active}
	}
	return []State{Active, Next}
}

// add makes a key in a state: its file first, so that the manifest never names
// a key that is not there. A key of the vault has none.
func (o Options) add(m *manifest, alg jose.SignatureAlgorithm, state State) error {
	e := entry{Alg: alg, State: state, Created: o.Clock.Now()}
	if state == Active {
		e.Activated = e.Created
	}
	secret, err := o.make(&e)
	if err != nil {
		return err
	}
	if secret != nil {
		if err := writeSecret(o.Dir, e.file(), secret); err != nil {
			return err
		}
	}
	m.Keys = append(m.Keys, e)
	return nil
}

func (o Options) make(e *entry) ([]byte, error) {
	if e.Alg == refreshAlg {
		return newRefreshKey(e, o.Rand)
	}
	var key crypto.Signer
	var err error
	if o.Vault != nil {
		key, e.Handle, err = o.Vault.Make(e.Alg)
	} else {
		key, err = generate(e.Alg, o.Rand)
	}
	if err != nil {
		return nil, err
	}
	jwk, err := publicJWK(e.Alg, key.Public())
	if err != nil {
		return nil, err
	}
	e.Kid, e.Public = jwk.KeyID, &jwk
	if e.Handle != "" {
		return nil, nil
	}
	return encodePrivate(key)
}

func (o Options) readManifest() (manifest, error) {
	data, err := readSecret(filepath.Join(o.Dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return manifest{Version: manifestVersion}, nil
	}
	if err != nil {
		return manifest{}, err
	}
	return decodeManifest(data)
}

func (o Options) writeManifest(m *manifest) error {
	m.sort(o.Algorithms)
	if m.Folder == "" {
		id, err := uuid.NewRandomFromReader(o.Rand)
		if err != nil {
			return fault.Wrap(fault.Unavailable, "", "no randomness", err)
		}
		m.Folder = id.String()
	}
	m.Revision++
	data, err := m.encode()
	if err != nil {
		return err
	}
	return writeSecret(o.Dir, manifestName, data)
}

// sweep deletes secrets that have no use any more: the private halves of
// retired keys, and whatever an interrupted rotation left behind. A retired
// refresh key is needed until its tokens are dead.
func (o Options) sweep(m manifest) error {
	needed := map[string]bool{}
	var spent []string
	for _, e := range m.Keys {
		switch {
		case e.State != Retired || e.Alg == refreshAlg:
			needed[e.file()] = true
		case e.Handle != "":
			spent = append(spent, e.Handle)
		}
	}
	for _, d := range m.Dropped {
		if d.Handle != "" {
			spent = append(spent, d.Handle)
		}
	}
	for _, handle := range spent {
		if o.Vault == nil {
			break // the next process that has it does so
		}
		if err := o.Vault.Remove(handle); err != nil {
			return err
		}
	}
	files, err := os.ReadDir(o.Dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "key folder cannot be read", err)
	}
	for _, f := range files {
		torn, _ := filepath.Match(newPattern, f.Name())
		if torn || (ours(f.Name()) && !needed[f.Name()]) {
			if err := remove(o.Dir, f.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// ours tells whether a file was named by entry.file: a file of the operator's
// is never deleted.
func ours(name string) bool {
	for _, pattern := range []string{"RS256-*.pem", "PS256-*.pem", "ES256-*.pem", "EdDSA-*.pem", "refresh-*.key"} {
		if ok, _ := filepath.Match(pattern, name); ok {
			kid := name[len(pattern)-len("*.pem") : len(name)-len(".pem")]
			_, err := base64.RawURLEncoding.DecodeString(kid)
			return err == nil && (len(kid) == 43 || len(kid) == 16)
		}
	}
	return false
}
