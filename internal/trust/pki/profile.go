package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/egide-id/egide/internal/trust/igc"
)

// profile fills the part of a leaf that depends on what it is for (cps-card.md
// section 5, "Profiles").
type profile func(t *x509.Certificate)

// cardAuthentication: [C] on a staff card, [I] the same on a CPS.
func cardAuthentication(holder string) profile {
	return func(t *x509.Certificate) {
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		t.UnknownExtKeyUsage = []asn1.ObjectIdentifier{igc.OIDSmartcardLogon()}
		add(t, oidSubjectAltName, encode(principalName(holder)))
	}
}

func cardSignature(t *x509.Certificate) {
	t.KeyUsage = x509.KeyUsageContentCommitment
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	add(t, oidPrivateKeyUsagePeriod, encode(struct {
		NotBefore time.Time `asn1:"generalized,tag:0"`
		NotAfter  time.Time `asn1:"generalized,tag:1"`
	}{t.NotBefore, t.NotAfter}))
}

func organisationSign(t *x509.Certificate) {
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
}

// organisationClient is AUTH_CLI; its usages are [I].
func organisationClient(t *x509.Certificate) {
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

// organisationServer is SSL, AUTH_SRV.
func organisationServer(host string) profile {
	return func(t *x509.Certificate) {
		t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		t.DNSNames = []string{host}
	}
}

// responder is a delegated OCSP responder (RFC 6960 4.2.2.2).
func responder(t *x509.Certificate) {
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	add(t, oidNoCheck, asn1.NullBytes)
}

// Extensions that crypto/x509 has no field for.
var (
	oidSubjectAltName        = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidPrivateKeyUsagePeriod = asn1.ObjectIdentifier{2, 5, 29, 16}
	oidNoCheck               = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

func add(t *x509.Certificate, oid asn1.ObjectIdentifier, value []byte) {
	t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oid, Value: value})
}

// principalName is a subject alternative name of one otherName: the user
// principal name of a Windows logon.
func principalName(holder string) []asn1.RawValue {
	value := encode(asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(holder + igc.UPNSuffix)})
	name := append(encode(igc.OIDUserPrincipalName()), encode(tagged(value))...)
	return []asn1.RawValue{tagged(name)}
}

// tagged is [0], constructed: encoding/asn1 ignores the tags of raw values.
func tagged(content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: content}
}

// leaf is what all leaves share.
func (a *Authority) leaf(issuer string, subject pkix.RDNSequence, serial *big.Int, from, to time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: serial, RawSubject: encode(subject), NotBefore: from, NotAfter: to, SignatureAlgorithm: x509.SHA256WithRSA,
		BasicConstraintsValid: true, Policies: []x509.OID{policy(1, 2, 250, 1, 213, 1, 7, 2, 1, 1, 1, 1)},
		CRLDistributionPoints: []string{a.BaseURL + listPath(issuer)},
		OCSPServer:            []string{a.BaseURL + "/ocsp"}, IssuingCertificateURL: []string{a.BaseURL + certificatePath(issuer)},
	}
}
