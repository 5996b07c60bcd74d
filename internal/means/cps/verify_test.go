package cps

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

func TestCardLogsIn(t *testing.T) {
	fort, standard := newBranch(t, igc.Fort, "FORT", true), newBranch(t, igc.Standard, "STANDARD", true)
	for name, c := range map[string]struct {
		by   branch
		kind igc.CardType
		id   string
	}{
		"CPS":                    {fort, igc.CPS, holder},
		"CPS with ADELI":         {fort, igc.CPS, "00B6087510"},
		"CPF":                    {fort, igc.CPF, holder},
		"CPE of a structure":     {standard, igc.CPE, "30B0057881/CPET0002"},
		"CPE by SIRET":           {standard, igc.CPE, "500099900000029/ING012"},
		"CPA of a practice":      {standard, igc.CPA, "4899700218896/02"},
		"CDE that has an RPPS":   {standard, igc.CPE, holder},
		"CPE, internal with a .": {standard, igc.CPE, "3990000119/a.b-c_1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &standing{}
			v := newVerifier(t, TrustOptions{Staff: true}, s, fort, standard)
			cert := certified(t, cardOf(t, c.kind, c.id, true), keys().card.Public(), c.by.issuer)
			got, err := v.Judge(t.Context(), origin, asked, login(t, cert.Raw))
			must(t, err)
			want := Verdict{Proven: true, Card: Card{
				Holder: rpps.MustNationalID(c.id), Number: "8025000001/2800636234", Type: c.kind, Category: igc.CategoryCard.AsTest(), Profession: 10,
				Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Serial: "4242", Issuer: c.by.issuer.cert.Subject.CommonName, Range: c.by.Range,
				NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
			}}
			if got != want || s.asked != 1 {
				t.Fatalf("got  %+v\nwant %+v (revocation asked %d times)", got, want, s.asked)
			}
		})
	}
}

// refusal is a certificate that honestly signs, and why it does not log in.
type refusal struct {
	alter  func(*x509.Certificate)
	check  int
	code   string
	proven bool
}

func (r refusal) run(t *testing.T, v *Verifier, by authority, template *x509.Certificate) {
	t.Helper()
	if r.alter != nil {
		r.alter(template)
	}
	cert := certified(t, template, keys().card.Public(), by)
	got, err := v.Judge(t.Context(), origin, asked, login(t, cert.Raw))
	if fault.CodeOf(err) != r.code || got.Check != r.check || got.Proven != r.proven {
		t.Fatalf("got %v (check %d, proven %t), want %s (check %d, proven %t)", err, got.Check, got.Proven, r.code, r.check, r.proven)
	}
}

// The card of the holder signs this very login; its certificate does not fit.
func TestCertificateAttacks(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	usages := func(ku x509.KeyUsage, ekus ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage, c.UnknownExtKeyUsage = ku, ekus, nil }
	}
	logon := func(ku x509.KeyUsage, ekus ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = ku, ekus }
	}
	extension := func(oid asn1.ObjectIdentifier, value []byte) func(*x509.Certificate) {
		return func(c *x509.Certificate) { set(c, oid, value) }
	}
	without := func(oid asn1.ObjectIdentifier) func(*x509.Certificate) {
		return func(c *x509.Certificate) { unset(c, oid) }
	}
	between := func(from, to time.Time) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
	}
	names := func(values ...any) func(*x509.Certificate) {
		var list []asn1.RawValue
		for _, v := range values {
			list = append(list, principal(t, v))
		}
		return extension(oidSubjectAltName, encoded(t, list))
	}
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: asn1.NullBytes}
	for name, r := range map[string]refusal{
		"expired":                      {between(noon.AddDate(-3, 0, 0), noon.Add(-time.Second)), 4, CodeNotValidNow, true},
		"not yet valid":                {between(noon.Add(time.Second), noon.AddDate(3, 0, 0)), 4, CodeNotValidNow, true},
		"signature key":                {usages(x509.KeyUsageContentCommitment, x509.ExtKeyUsageEmailProtection), 4, CodeWrongKey, true},
		"signature key for clients":    {usages(x509.KeyUsageContentCommitment, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"signature key for logon":      {logon(x509.KeyUsageContentCommitment, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"encryption key for logon":     {logon(x509.KeyUsageKeyEncipherment, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"logon, but not for clients":   {logon(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageEmailProtection), 4, CodeWrongKey, true},
		"server with logon":            {logon(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth), 4, CodeWrongKey, true},
		"organisation SIGN":            {usages(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment, x509.ExtKeyUsageEmailProtection), 4, CodeWrongKey, true},
		"server":                       {usages(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"organisation AUTH_CLI":        {usages(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"contactless technical key":    {usages(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageClientAuth), 4, CodeWrongKey, true},
		"for any usage":                {usages(x509.KeyUsageDigitalSignature, x509.ExtKeyUsageAny), 4, CodeWrongKey, true},
		"no usage at all":              {usages(0), 4, CodeWrongKey, true},
		"an authority":                 {func(c *x509.Certificate) { c.IsCA = true }, 4, CodeWrongKey, true},
		"software certificate":         {extension(igc.OIDCategory(), encoded(t, []byte{0x83})), 4, CodeNotAccepted, true},
		"security module":              {extension(igc.OIDCategory(), encoded(t, []byte{0x82})), 4, CodeNotAccepted, true},
		"category of two bytes":        {extension(igc.OIDCategory(), encoded(t, []byte{0x80, 0})), 4, CodeNotAccepted, true},
		"category and more":            {extension(igc.OIDCategory(), append(encoded(t, []byte{0x80}), 5, 0)), 4, CodeNotAccepted, true},
		"no category":                  {without(igc.OIDCategory()), 4, CodeNotAccepted, true},
		"production category":          {extension(igc.OIDCategory(), encoded(t, []byte{0})), 3, CodeUntrusted, true},
		"staff type under FORT":        {extension(igc.OIDCardType(), encoded(t, int(igc.CPE))), 4, CodeNotAccepted, true},
		"type of no card":              {extension(igc.OIDCardType(), encoded(t, 4)), 4, CodeNotAccepted, true},
		"negative type":                {extension(igc.OIDCardType(), encoded(t, -1)), 4, CodeNotAccepted, true},
		"no type":                      {without(igc.OIDCardType()), 4, CodeNotAccepted, true},
		"no card number":               {without(igc.OIDCardNumber()), 4, CodeNotAccepted, true},
		"number of another issuer":     {extension(igc.OIDCardNumber(), number(t, "8025000002/2800636234")), 4, CodeNotAccepted, true},
		"number cut short":             {extension(igc.OIDCardNumber(), number(t, "8025000001/280063623")), 4, CodeNotAccepted, true},
		"number and a line":            {extension(igc.OIDCardNumber(), encoded(t, "8025000001/2800636234\n")), 4, CodeNotAccepted, true},
		"policy of somebody else":      {func(c *x509.Certificate) { c.Policies = []x509.OID{policy(t, igc.TestPolicy+".1")} }, 4, CodeNotAccepted, true},
		"any policy":                   {func(c *x509.Certificate) { c.Policies = []x509.OID{policy(t, "2.5.29.32.0")} }, 4, CodeNotAccepted, true},
		"no policy":                    {func(c *x509.Certificate) { c.Policies = nil }, 4, CodeNotAccepted, true},
		"critical rule not understood": {func(c *x509.Certificate) { c.ExtraExtensions = append(c.ExtraExtensions, critical) }, 4, CodeNotAccepted, true},
		"principal of another":         {names("899700218897" + igc.UPNSuffix), 4, CodeNotAccepted, true},
		"principal without its suffix": {names(holder), 4, CodeNotAccepted, true},
		"second principal of another":  {names(holder+igc.UPNSuffix, "899700218897"+igc.UPNSuffix), 4, CodeNotAccepted, true},
		"principal that is no text":    {names(42), 4, CodeNotAccepted, true},
		"signed with SHA-1":            {func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }, 3, CodeCertMalformed, false},
		"signed with PSS":              {func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSAPSS }, 3, CodeCertMalformed, false},
		"oversized":                    {extension(asn1.ObjectIdentifier{1, 2, 4}, make([]byte, MaxCertificate)), 3, CodeCertMalformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			r.run(t, newVerifier(t, TrustOptions{}, &standing{}, fort), fort.issuer, cardOf(t, igc.CPS, holder, true))
		})
	}
}

// Names that a card does not bear, or that look like another's (check 7).
func TestHolderLookalikes(t *testing.T) {
	fort, standard := newBranch(t, igc.Fort, "FORT", true), newBranch(t, igc.Standard, "STANDARD", true)
	for name, c := range map[string]struct {
		by      branch
		kind    igc.CardType
		commons []string
	}{
		"space before":           {fort, igc.CPS, []string{" " + holder}},
		"space after":            {fort, igc.CPS, []string{holder + " "}},
		"line after":             {fort, igc.CPS, []string{holder + "\n"}},
		"zero byte after":        {fort, igc.CPS, []string{holder + "\x00"}},
		"full-width digits":      {fort, igc.CPS, []string{"８99700218896"}},
		"arabic digits":          {fort, igc.CPS, []string{"8997002188٩6"}},
		"letter O for zero":      {fort, igc.CPS, []string{"8997OO218896"}},
		"RPPS without its type":  {fort, igc.CPS, []string{holder[1:]}},
		"one digit too many":     {fort, igc.CPS, []string{holder + "0"}},
		"one digit too few":      {fort, igc.CPS, []string{holder[:11]}},
		"ADELI in small letters": {fort, igc.CPS, []string{"00b6087510"}},
		"structure":              {fort, igc.CPS, []string{"10B0057881"}},
		"staff on a CPS":         {fort, igc.CPS, []string{"30B0057881/CPET0002"}},
		"identifier of no card":  {fort, igc.CPS, []string{"0a1b2c3d-0000-4000-8000-000000000001"}},
		"invented test identity": {fort, igc.CPS, []string{"ANS20210101"}},
		"nobody":                 {fort, igc.CPS, nil},
		"two holders":            {fort, igc.CPS, []string{"899700218897", holder}},
		"the same twice":         {fort, igc.CPS, []string{holder, holder}},
		"staff without a name":   {standard, igc.CPE, []string{"30B0057881/"}},
		"path in a name":         {standard, igc.CPE, []string{"30B0057881/../8997"}},
		"very long":              {standard, igc.CPE, []string{"30B0057881/" + string(slices.Repeat([]byte{'A'}, 60))}},
	} {
		t.Run(name, func(t *testing.T) {
			r := refusal{check: 7, code: CodeUnknownHolder, proven: true, alter: func(x *x509.Certificate) {
				x.RawSubject = subject(t, c.commons...)
				unset(x, oidSubjectAltName)
			}}
			r.run(t, newVerifier(t, TrustOptions{Staff: true}, &standing{}, fort, standard), c.by.issuer, cardOf(t, c.kind, holder, true))
		})
	}
}

func TestStaffCardWhereItIsNotAllowed(t *testing.T) {
	fort, standard := newBranch(t, igc.Fort, "FORT", true), newBranch(t, igc.Standard, "STANDARD", true)
	r := refusal{check: 4, code: CodeNotAccepted, proven: true}
	r.run(t, newVerifier(t, TrustOptions{}, &standing{}, fort, standard), standard.issuer, cardOf(t, igc.CPE, "30B0057881/CPET0002", true))
}

func TestProfessionalCardUnderTheStaffAuthority(t *testing.T) {
	standard := newBranch(t, igc.Standard, "STANDARD", true)
	r := refusal{check: 4, code: CodeNotAccepted, proven: true}
	r.run(t, newVerifier(t, TrustOptions{Staff: true}, &standing{}, standard), standard.issuer, cardOf(t, igc.CPS, holder, true))
}

func TestStaffTypesThatDoNotExist(t *testing.T) {
	standard := newBranch(t, igc.Standard, "STANDARD", true)
	for _, kind := range []igc.CardType{-1, 4, 255} {
		r := refusal{check: 4, code: CodeNotAccepted, proven: true}
		r.run(t, newVerifier(t, TrustOptions{Staff: true}, &standing{}, standard), standard.issuer, cardOf(t, kind, "30B0057881/CPET0002", true))
	}
}

func TestTestCardsInProduction(t *testing.T) {
	real, test := newBranch(t, igc.Fort, "FORT", false), newBranch(t, igc.Fort, "FORT", true)
	v := newVerifier(t, TrustOptions{Production: true}, &standing{}, real)
	t.Run("of a test authority", func(t *testing.T) {
		refusal{check: 3, code: CodeTestCard}.run(t, v, test.issuer, cardOf(t, igc.CPS, holder, true))
	})
	t.Run("of a test authority, marked as real", func(t *testing.T) {
		refusal{check: 3, code: CodeTestCard}.run(t, v, test.issuer, cardOf(t, igc.CPS, holder, false))
	})
	t.Run("test product of the real authority", func(t *testing.T) {
		refusal{check: 3, code: CodeTestCard, proven: true}.run(t, v, real.issuer, cardOf(t, igc.CPS, holder, true))
	})
	t.Run("a real card", func(t *testing.T) {
		refusal{proven: true}.run(t, v, real.issuer, cardOf(t, igc.CPS, holder, false))
	})
	t.Run("a test product of a real authority in the sandbox", func(t *testing.T) {
		refusal{check: 3, code: CodeUntrusted, proven: true}.run(t, newVerifier(t, TrustOptions{}, &standing{}, real), real.issuer, cardOf(t, igc.CPS, holder, true))
	})
}

// Only the pinned key of a pinned name vouches for a card.
func TestForeignAuthorities(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	v := newVerifier(t, TrustOptions{}, &standing{}, fort)
	namesake := authority{certified(t, certificateOf(fort.issuer.cert.Subject), keys().namesake.Public(), authority{fort.root.cert, keys().root}), keys().namesake}
	for name, by := range map[string]authority{
		"of the same names":               namesake,
		"of another range":                newBranch(t, igc.Elementaire, "ELEMENTAIRE", true).issuer,
		"of a range that is not pinned":   newBranch(t, igc.Standard, "STANDARD", true).issuer,
		"the root itself":                 fort.root,
		"another card":                    {certified(t, cardOf(t, igc.CPS, holder, true), keys().other.Public(), fort.issuer), keys().other},
		"same key, another name":          {certificateOf(namedAuthority("AC IGC-SANTE FORT ORGANISATIONS", true)), keys().issuer},
		"same name in another letter set": {certificateOf(namedAuthority("AC IGC-SANTE FORT PERSONNEЅ", true)), keys().issuer},
	} {
		t.Run(name, func(t *testing.T) {
			refusal{check: 3, code: CodeUntrusted}.run(t, v, by, cardOf(t, igc.CPS, holder, true))
		})
	}
}

// A renewed authority has the same name and another key: both stand, each for its own.
func TestRenewedAuthority(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	renewed := fort
	renewed.issuer = authority{certified(t, certificateOf(fort.issuer.cert.Subject), keys().namesake.Public(), fort.root), keys().namesake}
	v := newVerifier(t, TrustOptions{}, &standing{}, fort, renewed)
	refusal{proven: true}.run(t, v, fort.issuer, cardOf(t, igc.CPS, holder, true))
	refusal{proven: true}.run(t, v, renewed.issuer, cardOf(t, igc.CPS, holder, true))
}

func TestAuthorityThatExpiresWhileTheProviderRuns(t *testing.T) {
	k := keys()
	for name, end := range map[string]func(root, issuer *x509.Certificate){
		"issuer": func(_, issuer *x509.Certificate) { issuer.NotAfter = noon.Add(-time.Second) },
		"root":   func(root, _ *x509.Certificate) { root.NotAfter = noon.Add(-time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			fort := newBranch(t, igc.Fort, "FORT", true)
			root, issuer := certificateOf(fort.root.cert.Subject), certificateOf(fort.issuer.cert.Subject)
			end(root, issuer)
			fort.root.cert = certified(t, root, k.root.Public(), authority{root, k.root})
			fort.issuer.cert = certified(t, issuer, k.issuer.Public(), fort.root)
			trust, err := NewTrust([]TrustedIssuer{fort.pinned()}, TrustOptions{Policies: []string{igc.TestPolicy}}, noon.Add(-time.Hour))
			must(t, err)
			v, err := NewVerifier(VerifierOptions{Trust: trust, Revocation: &standing{}, Clock: clock.NewManual(noon)})
			must(t, err)
			refusal{check: 3, code: CodeUntrusted}.run(t, v, fort.issuer, cardOf(t, igc.CPS, holder, true))
		})
	}
}

func TestRevocationRefuses(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	for code, says := range map[string]error{
		CodeRevoked:     fault.New(fault.Denied, CodeRevoked, "revoked"),
		CodeUnconfirmed: fault.New(fault.Unavailable, CodeUnconfirmed, "nobody can tell"),
	} {
		r := refusal{check: 6, code: code, proven: true}
		r.run(t, newVerifier(t, TrustOptions{}, &standing{says: says}, fort), fort.issuer, cardOf(t, igc.CPS, holder, true))
	}
}

func TestVerifierNeedsEverything(t *testing.T) {
	if _, err := NewVerifier(VerifierOptions{}); !fault.Is(err, fault.Internal) {
		t.Fatal(err)
	}
}
