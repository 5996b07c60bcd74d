package peer

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strings"
	"testing"
)

var (
	oidCN = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidOU = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidO  = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidC  = asn1.ObjectIdentifier{2, 5, 4, 6}
)

func rdn(kv ...any) pkix.RelativeDistinguishedNameSET {
	var set pkix.RelativeDistinguishedNameSET
	for i := 0; i < len(kv); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: kv[i].(asn1.ObjectIdentifier), Value: kv[i+1]})
	}
	return set
}

func utf8String(s string) asn1.RawValue {
	return asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(s)}
}

// The subject is compared part by part, never as text.
func TestCA6SubjectIsExact(t *testing.T) {
	subject := pkix.RDNSequence{rdn(oidC, "FR"), rdn(oidO, utf8String(`Clinique "A", B+C`)), rdn(oidOU, "1990000119"), rdn(oidCN, "DMP-AUTO", oidOU, "x")}
	leaf := certified(t, nil, "", named(t, subject)).cert
	got, err := SubjectOf(leaf)
	must(t, err)
	same := []string{
		`CN=DMP-AUTO+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		`OU=x+CN=DMP-AUTO,OU=1990000119,O=Clinique \22A\22\2C B\2bC,C=FR`,
		`cn=DMP-AUTO + ou=x, ou=1990000119, o=Clinique \"A\"\, B\+C, c=FR`,
		`2.5.4.3=DMP-AUTO+2.5.4.11=x,2.5.4.11=#0c0a31393930303030313139,O=Clinique \"A\"\, B\+C,C=FR`,
	}
	for _, text := range same {
		want, err := ParseName(text)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", text, want, err)
		}
	}
	for attack, text := range map[string]string{
		"parts in another order":           `C=FR,O=Clinique \"A\"\, B\+C,OU=1990000119,CN=DMP-AUTO+OU=x`,
		"two neighbours swapped":           `CN=DMP-AUTO+OU=x,O=Clinique \"A\"\, B\+C,OU=1990000119,C=FR`,
		"a comma that ends a part":         `CN=DMP-AUTO+OU=x,OU=1990000119,O=Clinique \"A\",OU= B\+C,C=FR`,
		"one part made two":                `CN=DMP-AUTO,OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"the end missing":                  `CN=DMP-AUTO+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C`,
		"one more part":                    `CN=DMP-AUTO+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,DC=x,C=FR`,
		"an attribute missing in its part": `CN=DMP-AUTO,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"an attribute twice":               `CN=DMP-AUTO+OU=x+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"other letters":                    `CN=dmp-auto+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"a space more":                     `CN=DMP-AUTO\20+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"an octet of zero":                 `CN=DMP-AUTO\00+OU=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
		"a value in another attribute":     `OU=DMP-AUTO+CN=x,OU=1990000119,O=Clinique \"A\"\, B\+C,C=FR`,
	} {
		other, err := ParseName(text)
		if err != nil || got.Equal(other) {
			t.Errorf("%s: taken for the subject (%v)", attack, err)
		}
	}
}

// A writer may choose the type of string: the name is the same. What is no text
// is nobody's name.
func TestCA6StringTypes(t *testing.T) {
	want, err := ParseName("CN=DMP,C=FR")
	must(t, err)
	for _, tag := range []int{asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String} {
		leaf := certified(t, nil, "", named(t, pkix.RDNSequence{rdn(oidC, "FR"), rdn(oidCN, asn1.RawValue{Tag: tag, Bytes: []byte("DMP")})})).cert
		if got, err := SubjectOf(leaf); err != nil || !got.Equal(want) {
			t.Errorf("tag %d: %v %v", tag, got, err)
		}
	}
	if got, err := SubjectOf(&x509.Certificate{RawSubject: []byte{0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 6, 3, 0x55, 4, 3, 4, 2, 'D', 'M'}}); err == nil {
		t.Errorf("an octet string is a name: %v", got)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", ",", "CN", "=x", "CN=a,", "CN=a,,C=FR", "CN=a+", "Nom=a", "1=a", "1..2=a", "01.2=a", "+1.2=a", "-1.2=a", `CN=a"b`, "CN=a;b", "CN=a<b",
		`CN=\`, `CN=\g0`, `CN=\f`, `CN=\ff`, `CN=\c3,C=FR`, "CN=#", "CN=#0", "CN=#zz", "CN=#0c0141ff", "CN=#020101", "CN=a\x00b", "CN=\xff", "CN=" + strings.Repeat("a", maxName),
	} {
		if name, err := ParseName(text); err == nil {
			t.Errorf("%q is %v", text, name)
		}
	}
}

// A wildcard stands for nothing but itself, and a name of one kind is not one of another.
func TestCA6AlternativeNames(t *testing.T) {
	address, err := url.Parse("https://logiciel.example/a")
	must(t, err)
	leaf := certified(t, nil, "logiciel.example", func(c *x509.Certificate) {
		c.DNSNames, c.URIs, c.EmailAddresses = []string{"*.example.org", "a.example.org"}, []*url.URL{address}, []string{"a@example.org"}
		c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	}).cert
	for name, c := range map[string]struct {
		kind  AltKind
		value string
		want  bool
	}{
		"a host":                       {DNS, "a.example.org", true},
		"its letters":                  {DNS, "A.Example.org", true},
		"a host under the wildcard":    {DNS, "b.example.org", false},
		"the domain itself":            {DNS, "example.org", false},
		"the CN is no host":            {DNS, "logiciel.example", false},
		"a URI":                        {URI, "https://logiciel.example/a", true},
		"a URI that means the same":    {URI, "https://logiciel.example:443/a", false},
		"a URI in capitals":            {URI, "HTTPS://logiciel.example/a", false},
		"an address":                   {IP, "\xc0\x00\x02\x01", true},
		"another address":              {IP, "\xc0\x00\x02\x02", false},
		"a mailbox":                    {Email, "a@example.org", true},
		"a mailbox is no host":         {DNS, "a@example.org", false},
		"a host is no mailbox":         {Email, "a.example.org", false},
		"the beginning of a host":      {DNS, "a.example.or", false},
		"a host with a zero behind it": {DNS, "a.example.org\x00", false},
	} {
		if got := HasAlt(leaf, c.kind, []byte(c.value)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if HasAlt(certified(t, nil, "x", nil).cert, DNS, nil) {
		t.Error("no alternative name is the empty one")
	}
}

// Whatever crypto/x509 writes of a name is read back as that name, and what is
// read never panics.
func FuzzParseName(f *testing.F) {
	for _, s := range []string{"CN=a,O=b", `CN=\22\2c+OU=\20,C=FR`, "2.5.4.3=#0c0141", "cn = a , c=FR"} {
		f.Add(s, "x", " #,+\\")
	}
	f.Fuzz(func(t *testing.T, text, common, unit string) {
		_, _ = ParseName(text)
		want := pkix.RDNSequence{rdn(oidC, "FR"), rdn(oidOU, unit, oidO, "o"), rdn(oidCN, common)}
		raw, err := asn1.Marshal(want)
		if err != nil || strings.ContainsRune(common+unit, 0) {
			return // no certificate holds it
		}
		subject, err := SubjectOf(&x509.Certificate{RawSubject: raw})
		if err != nil {
			return
		}
		written := want.String()
		got, err := ParseName(written)
		if len(written) <= maxName && (err != nil || !got.Equal(subject)) {
			t.Fatalf("%q is read as %v, not %v (%v)", written, got, subject, err)
		}
	})
}
