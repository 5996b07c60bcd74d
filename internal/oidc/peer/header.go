package peer

import (
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Header is where a proxy that ends TLS hands on the certificate it has seen
// (RFC 9440 2.2). What it also sends of the chain (Client-Cert-Chain) is not read.
const Header = "Client-Cert"

// maxHeader bounds the field: certificates of services have some 2 KiB.
const maxHeader = 16 << 10

// ReadHeader reads the field of a proxy that the caller trusts: one byte sequence
// (RFC 8941 3.3.5). nil without an error when the connection showed none.
// Errors: fault.Invalid.
func ReadHeader(values []string) (*x509.Certificate, error) {
	if len(values) == 0 {
		return nil, nil //nolint:nilnil // a connection without a certificate is no failure
	}
	bad := func(cause error) (*x509.Certificate, error) {
		return nil, fault.Wrap(fault.Invalid, "", "the Client-Cert field is not one certificate", cause)
	}
	if len(values) > 1 || len(values[0]) > maxHeader {
		return bad(nil)
	}
	inner, found := strings.CutPrefix(strings.Trim(values[0], " "), ":")
	inner, closed := strings.CutSuffix(inner, ":")
	if !found || !closed {
		return bad(nil)
	}
	der, err := base64.StdEncoding.Strict().DecodeString(inner)
	if err != nil || strings.ContainsAny(inner, "\r\n") {
		return bad(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return bad(err)
	}
	return leaf, nil
}
