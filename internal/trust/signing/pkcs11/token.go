//go:build pkcs11

package pkcs11

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

const (
	rsaBits  = 2048
	sessions = 16              // open at once in the token
	patience = 5 * time.Second // for a session to become free
	label    = "egide"
)

// Token is an open token. Safe for concurrent use.
type Token struct {
	ctx *crypto11.Context
}

var _ signing.Vault = (*Token)(nil)

// Open logs in to the token. Errors: fault.Unavailable.
func Open(o Options) (*Token, error) {
	ctx, err := crypto11.Configure(&crypto11.Config{
		Path: o.Module, TokenLabel: o.Label, Pin: o.PIN, MaxSessions: sessions, PoolWaitTimeout: patience,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "the PKCS#11 token cannot be opened", err)
	}
	return &Token{ctx: ctx}, nil
}

// Close logs out.
func (t *Token) Close() error { return t.ctx.Close() }

// Algorithms implements signing.Vault. EdDSA is not among them: few tokens know
// it, and the library does not.
func (*Token) Algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256}
}

// Make implements signing.Vault. The handle is the CKA_ID of the pair, drawn
// here: the key's own name exists only after the key does.
func (t *Token) Make(alg jose.SignatureAlgorithm) (crypto.Signer, string, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	public, private, err := attributes(id)
	if err != nil {
		return nil, "", fault.Wrap(fault.Internal, "", "attributes of a key", err)
	}
	var key crypto.Signer
	switch alg {
	case jose.RS256, jose.PS256:
		key, err = t.ctx.GenerateRSAKeyPairWithAttributes(public, private, rsaBits)
	case jose.ES256:
		key, err = t.ctx.GenerateECDSAKeyPairWithAttributes(public, private, elliptic.P256())
	default:
		return nil, "", fault.New(fault.Invalid, "", "the token makes no keys for algorithm "+string(alg))
	}
	if err != nil {
		return nil, "", fault.Wrap(fault.Unavailable, "", "the token makes no key", err)
	}
	return key, hex.EncodeToString(id), nil
}

// attributes of a pair that signs, nothing else, and whose private half nobody
// gets out, not even wrapped.
func attributes(id []byte) (public, private crypto11.AttributeSet, err error) {
	if public, err = crypto11.NewAttributeSetWithIDAndLabel(id, []byte(label)); err != nil {
		return nil, nil, err
	}
	private = public.Copy()
	for _, a := range []struct {
		set   crypto11.AttributeSet
		kind  crypto11.AttributeType
		value bool
	}{
		{public, crypto11.CkaEncrypt, false}, {public, crypto11.CkaVerify, true}, {public, crypto11.CkaToken, true},
		{private, crypto11.CkaSign, true}, {private, crypto11.CkaDecrypt, false}, {private, crypto11.CkaToken, true},
		{private, crypto11.CkaSensitive, true}, {private, crypto11.CkaExtractable, false},
	} {
		if err := a.set.Set(a.kind, a.value); err != nil {
			return nil, nil, err
		}
	}
	return public, private, nil
}

// Find implements signing.Vault.
func (t *Token) Find(handle string) (crypto.Signer, error) {
	key, err := t.find(handle)
	if err != nil {
		return nil, err // not the typed nil
	}
	return key, nil
}

// Remove implements signing.Vault.
func (t *Token) Remove(handle string) error {
	key, err := t.find(handle)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := key.Delete(); err != nil {
		return fault.Wrap(fault.Unavailable, "", "the token does not destroy a key", err)
	}
	return nil
}

func (t *Token) find(handle string) (crypto11.Signer, error) {
	id, err := hex.DecodeString(handle)
	if err != nil || len(id) == 0 {
		return nil, fault.New(fault.Invalid, "", "the manifest names no key of a token")
	}
	keys, err := t.ctx.FindKeyPairs(id, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "the token does not answer", err)
	}
	if len(keys) == 0 {
		return nil, fault.New(fault.NotFound, "", "the token has no such key: is it the right token?")
	}
	return keys[0], nil
}
