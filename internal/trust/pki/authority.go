package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// short is the letter pair that names a range in file names [C]; ACR-ST is [I].
func short(r igc.Range) string {
	switch r {
	case igc.Fort:
		return "FO"
	case igc.Standard:
		return "ST"
	case igc.Elementaire:
	}
	return "EL"
}

func rootOf(r igc.Range) string          { return "ACR-" + short(r) }
func personsOf(r igc.Range) string       { return "ACI-" + short(r) + "-PP" }
func organisationsOf(r igc.Range) string { return "ACI-" + short(r) + "-ORG" }

// spec says how one authority is named and under whom it stands.
type spec struct{ common, parent string }

// specs lists the authorities (cps-card.md section 5, "Authorities").
func specs() map[string]spec {
	m := map[string]spec{}
	for r, word := range map[igc.Range]string{igc.Fort: "FORT", igc.Standard: "STANDARD", igc.Elementaire: "ELEMENTAIRE"} {
		m[rootOf(r)] = spec{common: "TEST AC RACINE IGC-SANTE " + word}
		m[personsOf(r)] = spec{common: "TEST AC IGC-SANTE " + word + " PERSONNES", parent: rootOf(r)}
		m[organisationsOf(r)] = spec{common: "TEST AC IGC-SANTE " + word + " ORGANISATIONS", parent: rootOf(r)}
	}
	return m
}

// Validity of the real authorities [C].
var (
	begins = time.Date(2013, 6, 25, 0, 0, 0, 0, time.UTC)
	ends   = time.Date(2033, 6, 25, 0, 0, 0, 0, time.UTC)
)

func authorityName(common string) pkix.RDNSequence {
	return sequence(
		country("FR"), text(oidOrganization, "ASIP-SANTE"), text(oidUnit, "0002 187512751"),
		text(oidUnit, "IGC-SANTE TEST"), text(oidCommon, common),
	)
}

// existing gives an authority by its short name. Errors: fault.NotFound when it
// was never needed.
func (a *Authority) existing(name string) (*authority, error) {
	if found := a.made[name]; found != nil {
		return found, nil
	}
	found, err := a.load(name)
	if err == nil {
		a.made[name] = found
	}
	return found, err
}

// authority gives an authority by its short name, and makes it the first time.
func (a *Authority) authority(name string) (*authority, error) {
	found, err := a.existing(name)
	if !fault.Is(err, fault.NotFound) {
		return found, err
	}
	s, known := specs()[name]
	if !known {
		return nil, fault.New(fault.Invalid, "", "pki: no authority is called "+name)
	}
	if found, err = a.make(name, s); err != nil {
		return nil, err
	}
	a.made[name] = found
	return found, a.save(name, found)
}

func (a *Authority) make(name string, s spec) (*authority, error) {
	key, err := a.keyOf(name)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(name)), RawSubject: encode(authorityName(s.common)), NotBefore: begins, NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	parent := &authority{cert: template, key: key} // a root signs itself
	template.MaxPathLen = 1
	if s.parent != "" {
		if parent, err = a.authority(s.parent); err != nil {
			return nil, err
		}
		template.MaxPathLen, template.MaxPathLenZero = 0, true
		template.Policies = []x509.OID{anyPolicy()}
		template.CRLDistributionPoints = []string{a.BaseURL + listPath(s.parent)}
	}
	cert, err := certify(template, parent, key.Public())
	return &authority{cert: cert, key: key}, err
}

// certify signs a certificate and reads it back.
func certify(template *x509.Certificate, parent *authority, key crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(nil, template, parent.cert, key, parent.key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "pki: certificate", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "pki: certificate", err)
	}
	return cert, nil
}

// anyPolicy is RFC 5280 4.2.1.4.
func anyPolicy() x509.OID { return policy(2, 5, 29, 32, 0) }

func policy(arcs ...uint64) x509.OID {
	oid, err := x509.OIDFromInts(arcs)
	if err != nil {
		panic(err) // written in this package
	}
	return oid
}

func encode(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // shapes of this package: cannot fail
	}
	return b
}
