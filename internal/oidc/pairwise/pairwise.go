// Package pairwise gives each person the name that one service knows him by
// (Core 8, RE2).
//
// Services of the health sector share one name for a person, his stored sub:
// they care for the same patients and must agree on who did what. A service
// outside the sector gets a name of its own, so that two of them cannot join
// what they know of him.
package pairwise

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/seal"
)

const (
	saltFile = "pairwise.key"
	saltSize = 32
	purpose  = "egide pairwise v1 "
)

// Names translates between the stored sub of a person and the one a service
// reads. Safe for concurrent use.
//
// The pairwise name is the stored UUID, enciphered as one AES-256 block under a
// key derived from our salt and the sector (HKDF). One block under one key is a
// permutation: two persons never share a name, a name never changes as long as
// salt and sector stay, and we alone can read it back, which an id_token_hint
// needs long after its session is gone. Whoever lacks the salt sees random bits
// (Core 8.1).
type Names struct {
	salt    []byte
	sectors sync.Map // sector -> cipher.Block
}

// Open reads the salt in dir, or makes it. It belongs into the backup of that
// folder: without it every service outside the sector loses its accounts.
// Errors: fault.Unavailable.
func Open(dir string, random io.Reader) (*Names, error) {
	salt, err := seal.File(filepath.Join(dir, saltFile), func() ([]byte, error) {
		b := make([]byte, saltSize)
		_, err := io.ReadFull(random, b)
		return b, err
	})
	if err != nil {
		return nil, err
	}
	if len(salt) != saltSize {
		return nil, fault.New(fault.Unavailable, "", saltFile+" is damaged")
	}
	return &Names{salt: salt}, nil
}

// Sub gives the name of a person for a service: the stored sub itself, or the
// pairwise one. Errors: fault.Internal for a stored sub that is no UUID.
func (n *Names) Sub(c *client.Client, person string) (string, error) {
	if !c.Pairwise() {
		return person, nil
	}
	id, err := uuid.Parse(person)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "a stored sub is no UUID", err)
	}
	block, err := n.block(c.Sector())
	if err != nil {
		return "", err
	}
	block.Encrypt(id[:], id[:])
	return base64.RawURLEncoding.EncodeToString(id[:]), nil
}

// Person gives the stored sub behind the name that a service knows.
// Errors: fault.NotFound for a name that was never given to this service.
func (n *Names) Person(c *client.Client, sub string) (string, error) {
	if !c.Pairwise() {
		return sub, nil
	}
	var id uuid.UUID
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sub)
	if err != nil || len(raw) != len(id) || len(sub) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return "", unknownName() // the decoder skips line breaks: one name would have many spellings
	}
	block, err := n.block(c.Sector())
	if err != nil {
		return "", err
	}
	block.Decrypt(id[:], raw)
	// A name of another sector deciphers to noise, which has the marks of a
	// random UUID once in 64 times; then it is nobody's.
	if id.Version() != 4 || id.Variant() != uuid.RFC4122 {
		return "", unknownName()
	}
	return id.String(), nil
}

func (n *Names) block(sector string) (cipher.Block, error) {
	if known, ok := n.sectors.Load(sector); ok {
		return known.(cipher.Block), nil // only blocks are stored
	}
	key, err := hkdf.Key(sha256.New, n.salt, nil, purpose+sector, 32)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no key for this sector", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no cipher", err)
	}
	n.sectors.Store(sector, block)
	return block, nil
}

// Fingerprint tells two salts apart without telling them: nodes compare it.
func (n *Names) Fingerprint() ([]byte, error) {
	return hkdf.Key(sha256.New, n.salt, nil, "egide pairwise fingerprint", 16)
}

func unknownName() error { return fault.New(fault.NotFound, "", "no person has this name here") }
