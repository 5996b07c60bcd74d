package dmp

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"

	"github.com/egide-id/egide/internal/platform/listen"
)

// byCertificate is the member of cnf that names a certificate (RFC 8705 3.1).
const byCertificate = "x5t#S256"

// AskCertificates makes a listener for programs: it speaks TLS and asks for the
// caller's certificate. Any is taken in the handshake. What makes it count is that
// the provider bound a token to it, so that this service needs no authority of
// its own.
func AskCertificates(l net.Listener, own *listen.Certificate) net.Listener {
	settings := listen.TLS(own)
	settings.ClientAuth = tls.RequestClientCert
	return tls.NewListener(l, settings)
}

// proven holds the bearer of a token to what it is bound to and gives the name of
// the certificate that did it, empty for a token bound to nothing. One bound to
// something this service cannot check is not taken for less.
func (in *introspection) proven(r *http.Request) (string, error) {
	if len(in.Confirmation) == 0 {
		return "", nil
	}
	want, known := in.Confirmation[byCertificate]
	if !known || len(in.Confirmation) > 1 || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", errInactive()
	}
	leaf := r.TLS.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(want)) != 1 {
		return "", errInactive()
	}
	return leaf.Subject.CommonName, nil
}
