package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the hash of every thumbprint and algorithm here
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// rsaBits is what the services of PSC know; more halves the logins per core
// and buys nothing for tokens that live minutes.
const rsaBits = 2048

// generate makes a private key for an algorithm.
func generate(alg jose.SignatureAlgorithm, random io.Reader) (crypto.Signer, error) {
	switch alg {
	case jose.RS256, jose.PS256:
		return rsa.GenerateKey(random, rsaBits)
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), random)
	case jose.EdDSA:
		_, key, err := ed25519.GenerateKey(random)
		return key, err
	default:
		return nil, fault.New(fault.Invalid, "", "no keys are made for algorithm "+string(alg))
	}
}

// fits tells whether a key is of the kind an algorithm needs, and strong
// enough: a file swapped for a weaker key must not go unseen.
func fits(alg jose.SignatureAlgorithm, pub crypto.PublicKey) bool {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return (alg == jose.RS256 || alg == jose.PS256) && key.N.BitLen() >= rsaBits
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	default:
		return false
	}
}

// encodePrivate gives the PKCS#8 PEM of a key (RFC 5958).
func encodePrivate(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "key cannot be encoded", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// decodePrivate reads it back. An RSA key comes with its precomputed values,
// which make signing three times faster.
func decodePrivate(data []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) != 0 {
		return nil, fault.New(fault.Invalid, "", "key file is not one PKCS#8 PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "key file cannot be parsed", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.New(fault.Invalid, "", "key file holds no signing key")
	}
	return signer, nil
}

// publicJWK gives the published form: `use` and `alg` say that the key signs
// and how, so that nobody uses it otherwise (RFC 7517 sections 4.2 and 4.4).
func publicJWK(alg jose.SignatureAlgorithm, pub crypto.PublicKey) (jose.JSONWebKey, error) {
	jwk := jose.JSONWebKey{Key: pub, Algorithm: string(alg), Use: "sig"}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fault.Wrap(fault.Internal, "", "key has no thumbprint", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(sum) // RFC 7638: the name is the key
	return jwk, nil
}
