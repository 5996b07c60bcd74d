package cps

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
)

const (
	origin = "https://login.example"
	holder = "899700218896"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	asked = Digest("the token of this login")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keys are made once: of a root, an authority, a namesake of it, and two cards.
var keys = sync.OnceValue(func() (k struct{ root, issuer, namesake, card, other *rsa.PrivateKey }) {
	for _, key := range []**rsa.PrivateKey{&k.root, &k.issuer, &k.namesake, &k.card, &k.other} {
		var err error
		if *key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return k
})

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func certified(t testing.TB, template *x509.Certificate, key any, by authority) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key, by.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

// namedAuthority is the name of an authority, of the test branch or not.
func namedAuthority(common string, test bool) pkix.Name {
	unit := "IGC-SANTE"
	if test {
		unit, common = "IGC-SANTE TEST", "TEST "+common
	}
	return pkix.Name{Country: []string{"FR"}, Organization: []string{"ASIP-SANTE"}, OrganizationalUnit: []string{"0002 187512751", unit}, CommonName: common}
}

func certificateOf(name pkix.Name) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: name, NotBefore: noon.AddDate(-13, 0, 0), NotAfter: noon.AddDate(7, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// branch is a root and its natural-person authority.
type branch struct {
	igc.Range
	root, issuer authority
}

func newBranch(t testing.TB, r igc.Range, word string, test bool) branch {
	t.Helper()
	k := keys()
	root := authority{certificateOf(namedAuthority("AC RACINE IGC-SANTE "+word, test)), k.root}
	root.cert = certified(t, root.cert, k.root.Public(), root)
	template := certificateOf(namedAuthority("AC IGC-SANTE "+word+" PERSONNES", test))
	template.MaxPathLenZero = true
	return branch{r, root, authority{certified(t, template, k.issuer.Public(), root), k.issuer}}
}

func (b branch) pinned() TrustedIssuer {
	return TrustedIssuer{Range: b.Range, Root: b.root.cert, Issuer: b.issuer.cert}
}

func text(oid asn1.ObjectIdentifier, s string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(s)}}
}

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	must(t, err)
	return der
}

// subject is a person as IGC-Santé writes it: the last name has many values.
func subject(t testing.TB, commons ...string) []byte {
	t.Helper()
	person := pkix.RelativeDistinguishedNameSET{text(oidGivenName, "CAMILLE")}
	for _, c := range commons {
		person = append(person, text(oidCommon, c))
	}
	return encoded(t, pkix.RDNSequence{{text(oidTitle, "Médecin")}, append(person, text(oidSurname, "EXEMPLE"))})
}

// principal is an otherName with a user principal name.
func principal(t testing.TB, value any) asn1.RawValue {
	t.Helper()
	tagged := func(b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: b}
	}
	return tagged(append(encoded(t, igc.OIDUserPrincipalName()), encoded(t, tagged(encoded(t, value)))...))
}

func set(c *x509.Certificate, oid asn1.ObjectIdentifier, value []byte) {
	unset(c, oid)
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid, Value: value})
}

func unset(c *x509.Certificate, oid asn1.ObjectIdentifier) {
	c.ExtraExtensions = slices.DeleteFunc(c.ExtraExtensions, func(e pkix.Extension) bool { return e.Id.Equal(oid) })
}

func number(t testing.TB, s string) []byte {
	t.Helper()
	return encoded(t, asn1.RawValue{Tag: asn1.TagPrintableString, Bytes: []byte(s)})
}

func policy(t testing.TB, s string) x509.OID {
	t.Helper()
	oid, err := x509.ParseOID(s)
	must(t, err)
	return oid
}

// cardOf is the authentication certificate of a card (cps-card.md section 5).
func cardOf(t testing.TB, kind igc.CardType, id string, test bool) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0x4242), RawSubject: subject(t, id), NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(2, 0, 0),
		SignatureAlgorithm: x509.SHA256WithRSA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, UnknownExtKeyUsage: []asn1.ObjectIdentifier{igc.OIDSmartcardLogon()},
		Policies: []x509.OID{policy(t, igc.TestPolicy)},
	}
	category := igc.CategoryCard
	if test {
		category = category.AsTest()
	}
	set(c, igc.OIDCategory(), encoded(t, []byte{byte(category)}))
	set(c, igc.OIDCardType(), encoded(t, int(kind)))
	set(c, igc.OIDCardNumber(), number(t, "8025000001/2800636234"))
	set(c, igc.OIDProfession(), encoded(t, 10))
	set(c, oidSubjectAltName, encoded(t, []asn1.RawValue{principal(t, id+igc.UPNSuffix)}))
	return c
}

// standing is a Revocation that says one thing and counts.
type standing struct {
	says  error
	asked int
}

func (s *standing) Check(context.Context, *x509.Certificate, TrustedIssuer) error {
	s.asked++
	return s.says
}

func newVerifier(t testing.TB, o TrustOptions, s *standing, branches ...branch) *Verifier {
	t.Helper()
	var pinned []TrustedIssuer
	for _, b := range branches {
		pinned = append(pinned, b.pinned())
	}
	if o.Policies == nil {
		o.Policies = []string{igc.TestPolicy}
	}
	trust, err := NewTrust(pinned, o, noon)
	must(t, err)
	v, err := NewVerifier(VerifierOptions{Trust: trust, Revocation: s, Clock: clock.NewManual(noon)})
	must(t, err)
	return v
}

// signed is what a card makes of a message.
func signed(t testing.TB, key *rsa.PrivateKey, message []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	must(t, err)
	return signature
}

func answer(t testing.TB, der, signature []byte) []byte {
	t.Helper()
	b, err := json.Marshal(NewAnswer(origin, der, signature, AnswerCard{Type: "cps3", Interface: "contact"}, "test"))
	must(t, err)
	return b
}

// login is what an honest bridge answers with that certificate.
func login(t testing.TB, der []byte) []byte {
	t.Helper()
	return answer(t, der, signed(t, keys().card, messageOf(origin, asked, der)))
}
