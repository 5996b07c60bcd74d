package peer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// certified signs a template made good for most uses; without a parent it signs itself.
func certified(t testing.TB, parent *pair, name string, change func(*x509.Certificate)) *pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(noon.UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"ESSAI"}, Country: []string{"FR"}},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	if parent == nil {
		parent = &pair{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &pair{cert, key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.ExtKeyUsage, c.KeyUsage = true, nil, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	c.NotBefore, c.NotAfter = noon.AddDate(-5, 0, 0), noon.AddDate(5, 0, 0)
}

// says is a revocation that always says the same.
type says struct{ err error }

func (s *says) Check(context.Context, *x509.Certificate, Authority) error { return s.err }

// bench is a judge with one root and one issuer below it.
type bench struct {
	root, issuer *pair
	revocation   *says
	clock        *clock.Manual
	judge        *Judge
}

func newBench(t testing.TB, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{revocation: &says{}, clock: clock.NewManual(noon)}
	b.root = certified(t, nil, "Racine", authority)
	b.issuer = certified(t, b.root, "Services", authority)
	o := Options{
		Authorities: []Authority{{Issuer: b.issuer.cert, Root: b.root.cert, OCSP: "http://ocsp.invalid/"}},
		Revocation:  b.revocation, Clock: b.clock, Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	b.judge, err = New(o)
	must(t, err)
	return b
}

// refuses checks that a certificate is not vouched for, and why.
func (b *bench) refuses(t *testing.T, leaf *x509.Certificate, kind fault.Kind) {
	t.Helper()
	if err := b.judge.Vouch(t.Context(), leaf); !fault.Is(err, kind) {
		t.Errorf("%v, want %v", err, kind)
	}
}

func extension(id asn1.ObjectIdentifier, value []byte) pkix.Extension {
	return pkix.Extension{Id: id, Value: value}
}

func named(t testing.TB, subject pkix.RDNSequence) func(*x509.Certificate) {
	t.Helper()
	raw, err := asn1.Marshal(subject)
	must(t, err)
	return func(c *x509.Certificate) { c.RawSubject = raw }
}
