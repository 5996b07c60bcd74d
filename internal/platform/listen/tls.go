// Package listen opens a node to the network: TLS as this house speaks it,
// certificates that change while it runs, and plain http that does nothing but
// point to https.
package listen

import "crypto/tls"

// TLS gives the settings of every listener that ends TLS (TL1): 1.2 and 1.3,
// under 1.2 only ECDHE with AES-GCM (FAPI 2.0 Security Profile 5.2.1, RFC 9325
// 4.2). Go's own list is wider, hence written out; the suites of 1.3 are fixed
// and all good. The hybrid group first: what is recorded today shall not be read
// by a quantum computer later.
//
// Go renews the key of session tickets every day and forgets it after a week, as
// long as one Config serves all connections of a listener: do not clone it per
// connection.
func TLS(c *Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:       tls.VersionTLS12,
		MaxVersion:       tls.VersionTLS13,
		CipherSuites:     suites(),
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},
		NextProtos:       []string{"h2", "http/1.1"},
		GetCertificate:   c.get,
	}
}

// suites of TLS 1.2, in our order.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	}
}
