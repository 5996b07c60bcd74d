// Package seal closes what lies in a database with a key that does not: whoever
// has the database alone opens nothing.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	keySize = 32
	keyFile = "seal.key"
	info    = "egide seal v1 "
)

// Key closes and opens. Safe for concurrent use.
type Key struct {
	secret []byte
	rand   io.Reader
}

// Open reads the key in dir, or makes it. Of two nodes that start at once on one
// folder one makes it and both read it. The file is its owner's alone.
// Errors: fault.Unavailable.
func Open(dir string, rand io.Reader) (*Key, error) {
	secret, err := File(filepath.Join(dir, keyFile), func() ([]byte, error) {
		b := make([]byte, keySize)
		_, err := io.ReadFull(rand, b)
		return b, err
	})
	if err != nil {
		return nil, err
	}
	if len(secret) != keySize {
		return nil, fault.New(fault.Unavailable, "", keyFile+" is damaged")
	}
	return &Key{secret: secret, rand: rand}, nil
}

// File reads a secret file, or makes it as its owner's alone. It is written
// whole beside its place and linked there: a file is never seen half written,
// and of two that make it the first one's stays.
func File(path string, make func() ([]byte, error)) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, unavailable(err)
	}
	fresh, err := make()
	if err != nil {
		return nil, unavailable(err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(fresh)
	if err = errors.Join(err, tmp.Chmod(0o600), tmp.Sync(), tmp.Close()); err != nil {
		return nil, unavailable(err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, unavailable(err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, unavailable(err)
	}
	b, err = os.ReadFile(path)
	return b, unavailable(err)
}

// syncFolder makes the name outlive a power cut: what the key sealed does.
func syncFolder(dir string) error {
	f, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, "", "a secret file cannot be read or made", err)
}

// Seal closes plain for a purpose: AES-256-GCM under a key of that purpose
// (HKDF-SHA-256, RFC 5869), which is also bound as additional data, so that what
// was sealed for one row never opens as another. The answer is base64url text.
func (k *Key) Seal(purpose string, plain []byte) (string, error) {
	aead, err := k.aead(purpose)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(k.rand, nonce); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// Unseal opens. Errors: fault.Invalid for anything this key did not seal for
// this purpose.
func (k *Key) Unseal(purpose, sealed string) ([]byte, error) {
	aead, err := k.aead(purpose)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < aead.NonceSize() {
		return nil, fault.Wrap(fault.Invalid, "", "this was not sealed", err)
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(purpose))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "this was sealed by another key or for another purpose", err)
	}
	return plain, nil
}

func (k *Key) aead(purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.secret, nil, info+purpose, keySize)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no key for this purpose", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no cipher", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no cipher", err)
	}
	return aead, nil
}
