package webpush

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
	"github.com/egide-id/egide/internal/platform/seal"
)

const (
	keyName  = "vapid.key"
	keyLock  = "vapid.lock"
	keyBlock = "PRIVATE KEY"
	lockWait = 10 * time.Second
)

// VAPIDKey is this server's name towards push services (RFC 8292). Browsers
// subscribe for it, so that a new one makes every subscription worthless: it is
// not rotated.
type VAPIDKey struct {
	key    *ecdsa.PrivateKey
	public string
}

// OpenKey reads vapid.key in the keys folder (PKCS #8 in PEM, its owner's alone),
// or makes it. Nodes that start at once on one folder end with one key. Errors:
// fault.Invalid for a folder or a file that is open to others, or no such key;
// fault.Conflict if another process holds the lock; fault.Unavailable.
func OpenKey(dir string, rand io.Reader) (*VAPIDKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "key folder cannot be made", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	lock, err := filelock.Wait(ctx, filepath.Join(dir, keyLock))
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Release() }()
	path := filepath.Join(dir, keyName)
	text, err := seal.File(path, func() ([]byte, error) { return makeKey(rand) })
	if err != nil {
		return nil, err
	}
	// In a folder that others write to, the file is not the one that was made.
	for name, bits := range map[string]os.FileMode{dir: 0o022, path: 0o077} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "key file cannot be read", err)
		}
		if info.Mode().Perm()&bits != 0 {
			return nil, fault.New(fault.Invalid, "", name+" is open to others: chmod go=")
		}
	}
	return parseKey(text)
}

func makeKey(rand io.Reader) ([]byte, error) {
	fresh, err := newKey(rand)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

func parseKey(text []byte) (*VAPIDKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != keyBlock || len(rest) > 0 {
		return nil, fault.New(fault.Invalid, "", keyName+" is damaged")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", keyName+" is damaged", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fault.New(fault.Invalid, "", keyName+" is no P-256 key")
	}
	var point *ecdh.PublicKey
	if point, err = key.PublicKey.ECDH(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "", keyName+" is damaged", err)
	}
	return &VAPIDKey{key: key, public: base64.RawURLEncoding.EncodeToString(point.Bytes())}, nil
}

// PublicKey is what a browser subscribes with (applicationServerKey): base64url
// of the uncompressed point, 65 bytes, and the "k" of RFC 8292 section 3.2.
func (k *VAPIDKey) PublicKey() string { return k.public }
