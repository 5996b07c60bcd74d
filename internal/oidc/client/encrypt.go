package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
)

// EncryptionAlgs are the ways a content key is brought to a service: to a
// public key of its own only. RSA1_5 lets who can ask often enough read what it
// carries (RFC 8725 3.2); dir, key wrapping and PBES2 need a shared secret, which
// is kept hashed here.
func EncryptionAlgs() []jose.KeyAlgorithm {
	return []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A256KW}
}

// EncryptionEncs are the ciphers of the content: all authenticate it.
func EncryptionEncs() []jose.ContentEncryption {
	return []jose.ContentEncryption{jose.A128GCM, jose.A256GCM, jose.A128CBC_HS256, jose.A256CBC_HS512}
}

// Encrypt closes a signed token for a client, as a nested JWT (RFC 7519 11.2):
// nothing compressed, since the length of what is compressed tells about it (RFC
// 8725 3.6). Errors: as Of; fault.Unavailable when the client has no key for the
// algorithm it registered: an answer is never sent open instead.
func (k *KeySets) Encrypt(ctx context.Context, c *Client, alg jose.KeyAlgorithm, enc jose.ContentEncryption, token string) (string, error) {
	keys, err := k.Of(ctx, c)
	if err != nil {
		return "", noEncryption(err)
	}
	i := slices.IndexFunc(keys, func(key jose.JSONWebKey) bool { return encrypts(key, alg) })
	if i < 0 {
		return "", noEncryption(nil)
	}
	closer, err := jose.NewEncrypter(enc,
		jose.Recipient{Algorithm: alg, Key: keys[i].Key, KeyID: keys[i].KeyID},
		(&jose.EncrypterOptions{Compression: jose.NONE}).WithContentType("JWT"))
	if err != nil {
		return "", noEncryption(err)
	}
	closed, err := closer.Encrypt([]byte(token))
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "an answer cannot be encrypted", err)
	}
	return closed.CompactSerialize()
}

func noEncryption(err error) error {
	return fault.Wrap(fault.Unavailable, "", "the client has no key to encrypt to", err)
}

// encrypts tells whether a key is meant for encryption, and able to. A key that
// does not say so is one for signatures: using it for both would let one use
// harm the other (RFC 7517 4.2).
func encrypts(key jose.JSONWebKey, alg jose.KeyAlgorithm) bool {
	if jwt.CheckKey(key) != nil || key.Use != "enc" || key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch key.Key.(type) {
	case *rsa.PublicKey:
		return alg == jose.RSA_OAEP_256
	case *ecdsa.PublicKey:
		return alg != jose.RSA_OAEP_256
	}
	return false
}
