package signing

import (
	"crypto"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Vault makes and keeps private keys that never leave it: a token behind
// PKCS#11. The folder then holds the manifest, the public halves and the secret
// of refresh tokens. Safe for concurrent use.
type Vault interface {
	// Algorithms are those the vault signs with.
	Algorithms() []jose.SignatureAlgorithm
	// Make makes a key pair; the handle finds it again.
	Make(alg jose.SignatureAlgorithm) (key crypto.Signer, handle string, err error)
	// Find gives a key. Errors: fault.NotFound when the vault has none of this handle.
	Find(handle string) (crypto.Signer, error)
	// Remove destroys a pair; one that is gone already is no error.
	Remove(handle string) error
}

// errNoVault: falling back to files would make another key than the one that
// services know.
var errNoVault = fault.New(fault.Invalid, "", "the keys are in a PKCS#11 token: name it (keys.pkcs11)")
