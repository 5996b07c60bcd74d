package peer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/memo"
)

func TestCA6GoodCertificateIsVouchedFor(t *testing.T) {
	b := newBench(t)
	leaf := certified(t, b.issuer, "logiciel", nil).cert
	for range 2 { // found out, then remembered
		must(t, b.judge.Vouch(t.Context(), leaf))
	}
	alone := newBench(t, func(o *Options) { o.Authorities = []Authority{{Issuer: b.root.cert}} })
	must(t, alone.judge.Vouch(t.Context(), certified(t, b.root, "direct", nil).cert))
}

// Everything that makes a certificate of the right name worth nothing.
func TestCA6BadCertificates(t *testing.T) {
	b := newBench(t)
	namesakeRoot := certified(t, nil, "Racine", authority)
	namesake := certified(t, namesakeRoot, "Services", authority)
	below := certified(t, b.issuer, "Sous-autorité", authority) // the path of the issuer is not limited here
	for name, leaf := range map[string]*x509.Certificate{
		"of an authority with the same name":       certified(t, namesake, "logiciel", nil).cert,
		"signed by itself":                         certified(t, nil, "logiciel", nil).cert,
		"under an authority that was not pinned":   certified(t, below, "logiciel", nil).cert,
		"from above the pinned authority":          certified(t, b.root, "logiciel", nil).cert,
		"an authority's own":                       b.issuer.cert,
		"an authority made for clients":            certified(t, b.issuer, "logiciel", func(c *x509.Certificate) { c.IsCA = true }).cert,
		"without extended key usage":               certified(t, b.issuer, "logiciel", func(c *x509.Certificate) { c.ExtKeyUsage = nil }).cert,
		"for any use":                              certified(t, b.issuer, "logiciel", usage(x509.ExtKeyUsageAny)).cert,
		"of a server":                              certified(t, b.issuer, "logiciel", usage(x509.ExtKeyUsageServerAuth)).cert,
		"of a seal":                                certified(t, b.issuer, "logiciel", usage(x509.ExtKeyUsageEmailProtection)).cert,
		"whose key only enciphers":                 certified(t, b.issuer, "logiciel", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }).cert,
		"expired":                                  certified(t, b.issuer, "logiciel", span(-2, -1)).cert,
		"not yet valid":                            certified(t, b.issuer, "logiciel", span(1, 2)).cert,
		"with a rule nobody here understands":      certified(t, b.issuer, "logiciel", critical).cert,
		"beyond its authority's permitted domains": constrained(t, b.root),
	} {
		t.Run(name, func(t *testing.T) { b.refuses(t, leaf, fault.Denied) })
	}
	if b.judge.vouched.Len() != 0 {
		t.Error("a certificate that nobody vouches for is remembered")
	}
}

func usage(u x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} }
}

func span(from, to int) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.AddDate(0, from, 0), noon.AddDate(0, to, 0) }
}

func critical(c *x509.Certificate) {
	c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
}

func constrained(t *testing.T, root *pair) *x509.Certificate {
	only := certified(t, root, "Services", func(c *x509.Certificate) {
		authority(c)
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.org"}
	})
	return certified(t, only, "logiciel", func(c *x509.Certificate) { c.DNSNames = []string{"example.com"} }).cert
}

func TestCA6WeakKeys(t *testing.T) {
	b := newBench(t)
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	leaf := *certified(t, b.issuer, "logiciel", nil).cert
	leaf.PublicKey = &short.PublicKey
	if err := Strong(&leaf); !fault.Is(err, fault.Denied) {
		t.Errorf("RSA of 1024 bits: %v", err)
	}
	leaf.PublicKey = nil
	if err := Strong(&leaf); !fault.Is(err, fault.Denied) {
		t.Errorf("a key of an unknown kind: %v", err)
	}
}

// A known certificate is judged as strictly as on its first day: only its
// authority's signature is taken as read.
func TestCA6RevokedAndExpiredAfterTheFirstCall(t *testing.T) {
	b := newBench(t)
	leaf := certified(t, b.issuer, "logiciel", nil).cert
	must(t, b.judge.Vouch(t.Context(), leaf))
	b.revocation.err = fault.New(fault.Denied, "", "revoked")
	b.refuses(t, leaf, fault.Denied)
	b.revocation.err = nil
	b.clock.Advance(366 * 24 * time.Hour)
	b.refuses(t, leaf, fault.Denied)
	fresh := certified(t, b.issuer, "logiciel", func(c *x509.Certificate) { c.NotAfter = noon.AddDate(20, 0, 0) }).cert
	must(t, b.judge.Vouch(t.Context(), fresh))
	b.clock.Advance(5 * 366 * 24 * time.Hour) // its authority has ended
	b.refuses(t, fresh, fault.Denied)
}

// A responder that is silenced opens nothing, unless the operator chose so.
func TestCA6RevocationThatNobodyCanTell(t *testing.T) {
	unknown := fault.New(fault.Unavailable, "", "no answer")
	b := newBench(t)
	leaf := certified(t, b.issuer, "logiciel", nil).cert
	b.revocation.err = unknown
	b.refuses(t, leaf, fault.Unavailable)

	lenient := newBench(t, func(o *Options) { o.Lenient = true })
	leaf = certified(t, lenient.issuer, "logiciel", nil).cert
	lenient.revocation.err = unknown
	must(t, lenient.judge.Vouch(t.Context(), leaf))
	lenient.revocation.err = fault.New(fault.Denied, "", "revoked")
	lenient.refuses(t, leaf, fault.Denied)
}

func TestMemoryOfServicesIsBounded(t *testing.T) {
	b := newBench(t)
	b.judge.vouched = memo.New[[32]byte, Authority](2)
	for range 5 {
		must(t, b.judge.Vouch(t.Context(), certified(t, b.issuer, "logiciel", nil).cert))
	}
	if n := b.judge.vouched.Len(); n > 2 {
		t.Errorf("%d are known", n)
	}
}

func TestPinnedAuthorities(t *testing.T) {
	root := certified(t, nil, "Racine", authority)
	issuer := certified(t, root, "Services", authority)
	test := certified(t, nil, "TEST AC RACINE", authority)
	expired := certified(t, nil, "Passée", func(c *x509.Certificate) { authority(c); c.NotAfter = noon.Add(-time.Second) })
	for name, c := range map[string]struct {
		pin        Authority
		production bool
		why        string
	}{
		"nothing":            {Authority{}, false, "without a certificate"},
		"a leaf":             {Authority{Issuer: certified(t, root, "x", nil).cert, Root: root.cert}, false, "is no authority"},
		"under another root": {Authority{Issuer: issuer.cert, Root: test.cert}, false, "not vouched for"},
		"an issuer alone":    {Authority{Issuer: issuer.cert}, false, "not its own issuer"},
		"expired":            {Authority{Issuer: expired.cert}, false, "not vouched for"},
		"test in production": {Authority{Issuer: test.cert}, true, "a test authority in production"},
	} {
		if err := CheckAuthorities([]Authority{c.pin}, c.production, noon); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, CheckAuthorities([]Authority{{Issuer: test.cert}, {Issuer: issuer.cert, Root: root.cert}}, false, noon))
}
