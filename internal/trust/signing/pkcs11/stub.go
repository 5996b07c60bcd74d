//go:build !pkcs11

package pkcs11

import (
	"crypto"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

// Token stands for a token that this program cannot reach.
type Token struct{}

var _ signing.Vault = (*Token)(nil)

var errAbsent = fault.New(fault.Unavailable, "", "this program was built without the tag pkcs11")

// Open answers that the program was built without it.
func Open(Options) (*Token, error) { return nil, errAbsent }

// Algorithms implements signing.Vault.
func (*Token) Algorithms() []jose.SignatureAlgorithm { return nil }

// Make implements signing.Vault.
func (*Token) Make(jose.SignatureAlgorithm) (crypto.Signer, string, error) { return nil, "", errAbsent }

// Find implements signing.Vault.
func (*Token) Find(string) (crypto.Signer, error) { return nil, errAbsent }

// Remove implements signing.Vault.
func (*Token) Remove(string) error { return errAbsent }

// Close implements io.Closer.
func (*Token) Close() error { return nil }
