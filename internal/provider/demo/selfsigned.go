package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// selfSigned makes the certificate of the doors for programs: for this machine
// and this run.
func selfSigned(dir string, now clock.Clock) (cert, key string, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("certificate: %w", err)
	}
	from := now.Now().Add(-time.Minute)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: "Egide, demonstration"},
		NotBefore: from, NotAfter: from.AddDate(1, 0, 0), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		return "", "", fmt.Errorf("certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return "", "", fmt.Errorf("certificate: %w", err)
	}
	cert, key = filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost.key")
	return cert, key, writePair(dir, cert, key,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func writePair(dir, certFile, keyFile string, cert, key []byte) error {
	return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(certFile, cert, 0o600), os.WriteFile(keyFile, key, 0o600))
}
