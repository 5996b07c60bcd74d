package cps

import (
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// What must not be pinned is refused when the provider starts, by name.
func TestTrustRefusesAtLoad(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	k := keys()
	issuer := func(alter func(*x509.Certificate)) TrustedIssuer {
		template := certificateOf(fort.issuer.cert.Subject)
		alter(template)
		p := fort.pinned()
		p.Issuer = certified(t, template, k.issuer.Public(), fort.root)
		return p
	}
	root := func(alter func(*x509.Certificate)) TrustedIssuer {
		template := certificateOf(fort.root.cert.Subject)
		alter(template)
		r := authority{template, k.root}
		r.cert = certified(t, template, k.root.Public(), r)
		return TrustedIssuer{Range: igc.Fort, Root: r.cert, Issuer: certified(t, certificateOf(fort.issuer.cert.Subject), k.issuer.Public(), r)}
	}
	with := func(alter func(*TrustedIssuer)) TrustedIssuer {
		p := fort.pinned()
		alter(&p)
		return p
	}
	other := newBranch(t, igc.Standard, "STANDARD", true)
	for name, c := range map[string]struct {
		pinned TrustedIssuer
		why    string
	}{
		"no root":                   {with(func(i *TrustedIssuer) { i.Root = nil }), "without root"},
		"no issuer":                 {with(func(i *TrustedIssuer) { i.Issuer = nil }), "without root or issuer"},
		"range of software":         {with(func(i *TrustedIssuer) { i.Range = igc.Elementaire }), "ranges"},
		"no range":                  {with(func(i *TrustedIssuer) { i.Range = "" }), "ranges"},
		"under another root":        {with(func(i *TrustedIssuer) { i.Root = other.root.cert }), "not vouched for"},
		"root and issuer exchanged": {with(func(i *TrustedIssuer) { i.Root, i.Issuer = i.Issuer, i.Root }), "not its own issuer"},
		"expired issuer":            {issuer(func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) }), "not vouched for"},
		"issuer of tomorrow":        {issuer(func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Second) }), "not vouched for"},
		"issuer that is none":       {issuer(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }), "no authority"},
		"expired root":              {root(func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) }), "not vouched for"},
		"root for cards only":       {root(func(c *x509.Certificate) { c.MaxPathLenZero = true }), "may certify no authority"},
		"root without the right":    {root(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), "not"},
		"signed by a namesake root": {namesakeRoot(t, fort), "not vouched for"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewTrust([]TrustedIssuer{c.pinned}, TrustOptions{Policies: []string{igc.TestPolicy}}, noon)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.why) {
				t.Fatalf("got %v, want %q", err, c.why)
			}
		})
	}
}

func namesakeRoot(t *testing.T, b branch) TrustedIssuer {
	t.Helper()
	root := authority{certificateOf(b.root.cert.Subject), keys().namesake}
	der, err := x509.CreateCertificate(rand.Reader, root.cert, root.cert, root.key.Public(), root.key)
	must(t, err)
	p := b.pinned()
	p.Root, err = x509.ParseCertificate(der)
	must(t, err)
	return p
}

// Either mark of a test authority is enough, on either certificate.
func TestTestRootsInProduction(t *testing.T) {
	o := TrustOptions{Policies: []string{igc.TestPolicy}, Production: true}
	k := keys()
	for name, c := range map[string]struct{ rootUnit, rootName, issuerUnit, issuerName string }{
		"all of a test branch": {"IGC-SANTE TEST", "TEST AC RACINE", "IGC-SANTE TEST", "TEST AC PERSONNES"},
		"unit of the root":     {"IGC-SANTE TEST", "AC RACINE", "IGC-SANTE", "AC PERSONNES"},
		"name of the root":     {"IGC-SANTE", "TEST AC RACINE", "IGC-SANTE", "AC PERSONNES"},
		"unit of the issuer":   {"IGC-SANTE", "AC RACINE", "IGC-SANTE TEST", "AC PERSONNES"},
		"name of the issuer":   {"IGC-SANTE", "AC RACINE", "IGC-SANTE", "TEST AC PERSONNES"},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(unit, common string) *x509.Certificate {
				n := namedAuthority(common, false)
				n.OrganizationalUnit[1] = unit
				return certificateOf(n)
			}
			root := authority{of(c.rootUnit, c.rootName), k.root}
			root.cert = certified(t, root.cert, k.root.Public(), root)
			issuer := certified(t, of(c.issuerUnit, c.issuerName), k.issuer.Public(), root)
			_, err := NewTrust([]TrustedIssuer{{Range: igc.Fort, Root: root.cert, Issuer: issuer}}, o, noon)
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		})
	}
}

func TestTrustNeedsAuthoritiesAndPolicies(t *testing.T) {
	fort := newBranch(t, igc.Fort, "FORT", true)
	if _, err := NewTrust(nil, TrustOptions{Policies: []string{igc.TestPolicy}}, noon); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
	if _, err := NewTrust([]TrustedIssuer{fort.pinned()}, TrustOptions{}, noon); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}
