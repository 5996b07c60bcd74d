package signing

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// set is one state of the keys, ready for use. It never changes; a rotation
// replaces it.
type set struct {
	manifest  manifest
	active    map[jose.SignatureAlgorithm]*signer
	public    map[string]jose.JSONWebKey // what Verify accepts, by kid
	refresh   *refreshKey
	refreshes map[string]*refreshKey
	jwks      []byte
	etag      string
	until     time.Time // when the next retired key dies; zero if none will
}

// build makes the set of a manifest at an instant. Private keys that prior
// already holds are taken from it, so that a reload parses only what is new.
func (o Options) build(m manifest, now time.Time, prior *set) (*set, error) {
	m.dead(now, o.Retain)
	s := &set{
		manifest: m, active: map[jose.SignatureAlgorithm]*signer{}, public: map[string]jose.JSONWebKey{},
		refreshes: map[string]*refreshKey{},
	}
	var published jose.JSONWebKeySet
	for _, e := range m.Keys {
		if gone := e.gone(o.Retain); !gone.IsZero() && (s.until.IsZero() || gone.Before(s.until)) {
			s.until = gone
		}
		if e.Alg == refreshAlg {
			if err := o.addRefresh(s, e, prior); err != nil {
				return nil, err
			}
			continue
		}
		jwk, err := o.addKey(s, e, prior)
		if err != nil {
			return nil, err
		}
		published.Keys = append(published.Keys, jwk)
	}
	return s, s.publish(published)
}

func (s *set) publish(keys jose.JSONWebKeySet) error {
	body, err := json.Marshal(keys)
	if err != nil {
		return fault.Wrap(fault.Internal, "", "key set cannot be encoded", err)
	}
	sum := sha256.Sum256(body)
	s.jwks, s.etag = body, `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`
	return nil
}

func (o Options) addRefresh(s *set, e entry, prior *set) error {
	key := prior.refreshOf(e.Kid)
	if key == nil {
		data, err := readSecret(filepath.Join(o.Dir, e.file()))
		if err != nil {
			return err
		}
		if key, err = decodeRefreshKey(e, data); err != nil {
			return err
		}
	}
	s.refreshes[e.Kid] = key
	if e.State == Active {
		s.refresh = key
	}
	return nil
}

// addKey checks that a key is what its name says: kid is the thumbprint of the
// public half, and of the private one where there is one.
func (o Options) addKey(s *set, e entry, prior *set) (jose.JSONWebKey, error) {
	damaged := fault.New(fault.Invalid, "", "key "+e.Kid+" is not what the manifest says")
	if e.Public == nil || !e.Public.IsPublic() || !fits(e.Alg, e.Public.Key) {
		return jose.JSONWebKey{}, damaged
	}
	jwk, err := publicJWK(e.Alg, e.Public.Key)
	if err != nil || jwk.KeyID != e.Kid {
		return jose.JSONWebKey{}, damaged
	}
	s.public[e.Kid] = jwk
	if e.State == Retired {
		return jwk, nil
	}
	// A next key is read too: a damaged one must show when it is published, not
	// when it is needed.
	key := prior.signerOf(e.Alg, e.Kid)
	if key == nil {
		private, err := o.readPrivate(e)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		if own, err := publicJWK(e.Alg, private.Public()); err != nil || own.KeyID != e.Kid {
			return jose.JSONWebKey{}, damaged
		}
		key = &signer{alg: e.Alg, kid: e.Kid, key: private, rand: o.Rand}
	}
	if e.State == Active {
		s.active[e.Alg] = key
	}
	return jwk, nil
}

func (o Options) readPrivate(e entry) (crypto.Signer, error) {
	if e.Handle != "" {
		if o.Vault == nil {
			return nil, errNoVault
		}
		return o.Vault.Find(e.Handle)
	}
	data, err := readSecret(filepath.Join(o.Dir, e.file()))
	if err != nil {
		return nil, err
	}
	return decodePrivate(data)
}

func (s *set) refreshOf(kid string) *refreshKey {
	if s == nil {
		return nil
	}
	return s.refreshes[kid]
}

func (s *set) signerOf(alg jose.SignatureAlgorithm, kid string) *signer {
	if s == nil || s.active[alg] == nil || s.active[alg].kid != kid {
		return nil
	}
	return s.active[alg]
}
