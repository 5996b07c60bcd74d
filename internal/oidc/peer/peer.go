// Package peer judges the certificate that a caller showed in its TLS handshake
// (RFC 8705): who vouches for it, what it is for, whom it names, and what binds a
// token to it.
//
// There is one certificate: the leaf, whose key the handshake has proven. What
// else a peer sends, intermediates or the certificates of others, is never read:
// a chain is built from pinned authorities alone, so that nothing a stranger
// sends beside his own certificate can lend him a name (CA6).
package peer

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
)

type leafKey struct{}

// With says which certificate the connection of a request has proven. Only a
// listener that asks for certificates may call it.
func With(ctx context.Context, leaf *x509.Certificate) context.Context {
	return context.WithValue(ctx, leafKey{}, leaf)
}

// From gives the certificate of a request's connection, nil without one.
func From(ctx context.Context) *x509.Certificate {
	leaf, _ := ctx.Value(leafKey{}).(*x509.Certificate)
	return leaf
}

// Thumbprint names a certificate as tokens bound to it do: the SHA-256 of its
// bytes in base64url without padding (RFC 8705 3.1). That Pro Santé Connect's
// samples carry the base64 of its hexadecimal text instead (pro-sante-connect.md
// 5.3) is theirs: no service of ours would recognise it. Empty without a
// certificate.
func Thumbprint(leaf *x509.Certificate) string {
	if leaf == nil {
		return ""
	}
	sum := sha256.Sum256(leaf.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
