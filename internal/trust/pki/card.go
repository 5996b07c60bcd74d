package pki

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// CardOrder is what a card is made from (rules S-50 to S-57).
type CardOrder struct {
	Type   string // CPS, CPF, CPE, CPA or CDE
	Model  string // cps3 (default), cps3-contactless or cps4
	Number string // ten digits; empty: the next one
	Holder string // national identifier: 8 + RPPS, 0 + ADELI, 3 + FINESS/..., 5 + SIRET/...
	Family string
	Given  string

	Title      string // profession label; staff cards have a fixed one
	Profession int    // TRE_G15; 0 for staff

	Structure    string // identifier of the employer, staff cards only
	Organisation string // its name
	Department   string // "Paris (75)"

	NotBefore, NotAfter time.Time // zero: now, and three years (S-51)

	// Alter changes the authentication certificate before it is signed: for
	// attack tests, which need what no authority would issue.
	Alter func(t *x509.Certificate)
}

// staffTitle stands on every staff certificate [C].
const staffTitle = "Personnel santé ou social"

// Codes that every test card opens with (S-53).
const (
	testPIN = "1234"
	testPUK = "12345678"
)

var cardTypes = map[string]igc.CardType{"CPS": igc.CPS, "CPF": igc.CPF, "CPE": igc.CPE, "CDE": igc.CPE, "CPA": igc.CPA}

// IssueCard makes both key pairs of a card and certifies them.
// Errors: fault.Invalid, fault.Unavailable.
func (a *Authority) IssueCard(o CardOrder) (igc.CardFile, error) {
	o.fill(a.Clock.Now())
	if err := o.check(); err != nil {
		return igc.CardFile{}, err
	}
	var c igc.CardFile
	kind := cardTypes[o.Type]
	err := a.locked(func() error {
		if o.Number == "" {
			o.Number = strconv.FormatUint(firstCard+a.ledger.Cards, 10)
			a.ledger.Cards++
		}
		c = igc.CardFile{Model: o.Model, Type: o.Type, Number: o.Number, Holder: o.Holder, PIN: testPIN, PUK: testPUK}
		var err error
		if c.Authentication, err = a.issueOnCard(o, kind, cardAuthentication(o.Holder), o.Alter); err != nil {
			return err
		}
		c.Signature, err = a.issueOnCard(o, kind, cardSignature, nil)
		return err
	})
	return c, err
}

// firstCard is the number of the first card of an authority.
const firstCard = 2800000001

// fill puts in what an order may leave out, but for the number.
func (o *CardOrder) fill(now time.Time) {
	o.Model = cmp.Or(o.Model, "cps3")
	if o.NotBefore.IsZero() {
		o.NotBefore = now.UTC().Truncate(time.Second)
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = o.NotBefore.AddDate(leafYears, 0, 0)
	}
}

var tenDigits = regexp.MustCompile(`^[0-9]{10}$`)

func (o *CardOrder) check() error {
	_, known := cardTypes[o.Type]
	why := ""
	switch {
	case !known:
		why = "a card is a CPS, CPF, CPE, CPA or CDE"
	case !slices.Contains([]string{"cps3", "cps3-contactless", "cps4"}, o.Model):
		why = "a card's model is cps3, cps3-contactless or cps4"
	case o.Holder == "":
		why = "a card has a holder"
	case o.Number != "" && !tenDigits.MatchString(o.Number):
		why = "a card number has ten digits"
	case !o.NotAfter.After(o.NotBefore):
		why = "a card ends after it begins"
	default:
		return nil
	}
	return fault.New(fault.Invalid, "", why)
}

func (o *CardOrder) subject(kind igc.CardType) pkix.RDNSequence {
	who := person(o.Given, o.Holder, o.Family)
	if kind.Range() == igc.Fort {
		return sequence(country("FR"), text(oidTitle, o.Title), who)
	}
	return sequence(country("FR"), text(oidState, o.Department), text(oidOrganization, o.Organisation),
		text(oidUnit, o.Structure), text(oidTitle, staffTitle), who)
}

func (a *Authority) issueOnCard(o CardOrder, kind igc.CardType, p profile, alter func(*x509.Certificate)) (igc.KeyPair, error) {
	return a.issue(personsOf(kind.Range()), o.subject(kind), nil, o.NotBefore, o.NotAfter, func(t *x509.Certificate) {
		add(t, igc.OIDCategory(), encode([]byte{byte(igc.CategoryCard.AsTest())}))
		add(t, igc.OIDCardType(), encode(int(kind)))
		add(t, igc.OIDCardNumber(), printable(igc.CardIssuer+"/"+o.Number))
		if o.Profession != 0 {
			add(t, igc.OIDProfession(), encode(o.Profession))
		}
		p(t)
		if alter != nil {
			alter(t)
		}
	})
}

func printable(s string) []byte {
	return encode(asn1.RawValue{Tag: asn1.TagPrintableString, Bytes: []byte(s)})
}

// issue certifies a key pair, made here if none is given, and enters it in the ledger.
func (a *Authority) issue(issuer string, subject pkix.RDNSequence, key crypto.Signer, from, to time.Time, p profile) (igc.KeyPair, error) {
	by, err := a.authority(issuer)
	if err != nil {
		return igc.KeyPair{}, err
	}
	serial, err := a.serial()
	if err != nil {
		return igc.KeyPair{}, err
	}
	if key == nil {
		if key, err = a.newKey("leaf", a.ledger.Drawn, leafBits); err != nil {
			return igc.KeyPair{}, err
		}
	}
	template := a.leaf(issuer, subject, serial, from, to)
	p(template)
	cert, err := certify(template, by, key.Public())
	if err != nil {
		return igc.KeyPair{}, err
	}
	a.ledger.enter(issuer, cert)
	return pair(cert, key)
}

func pair(cert *x509.Certificate, key crypto.Signer) (igc.KeyPair, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return igc.KeyPair{}, fault.Wrap(fault.Internal, "", "pki: key", err)
	}
	return igc.KeyPair{
		Key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
	}, nil
}
