package peer

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Name is a distinguished name taken apart, most significant part first, as
// certificates have it. Two are equal when each part has the same attributes with
// the same characters: the order of the parts counts, that of the attributes
// within one and the type of string a writer chose do not.
type Name []part

// part is one relative distinguished name, its attributes in a fixed order.
type part []attribute

type attribute struct{ kind, value string }

// kinds are the attribute types written by name: the table of RFC 4514 section 3,
// and those that certificates of IGC-Santé and common writers use.
var kinds = map[string]string{
	"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6", "STREET": "2.5.4.9",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"SN": "2.5.4.4", "GN": "2.5.4.42", "GIVENNAME": "2.5.4.42", "SURNAME": "2.5.4.4", "TITLE": "2.5.4.12",
	"SERIALNUMBER": "2.5.4.5", "POSTALCODE": "2.5.4.17", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
	"EMAILADDRESS": "1.2.840.113549.1.9.1", "E": "1.2.840.113549.1.9.1",
}

// SubjectOf reads the subject of a certificate. Errors: fault.Denied for a value
// that is no text: nothing could be compared with it.
func SubjectOf(c *x509.Certificate) (Name, error) {
	var raw pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &raw); err != nil || len(rest) > 0 {
		return nil, denied("the subject of the certificate cannot be read", err)
	}
	name := make(Name, 0, len(raw))
	for _, set := range raw {
		var p part
		for _, a := range set {
			text, ok := a.Value.(string)
			if !ok {
				return nil, denied("the subject of the certificate holds something else than text", nil)
			}
			p = append(p, attribute{a.Type.String(), text})
		}
		name = append(name, p.sorted())
	}
	return name, nil
}

// Equal compares two names.
func (n Name) Equal(other Name) bool {
	return slices.EqualFunc(n, other, func(a, b part) bool { return slices.Equal(a, b) })
}

func (p part) sorted() part {
	slices.SortFunc(p, func(a, b attribute) int {
		return strings.Compare(a.kind+"\x00"+a.value, b.kind+"\x00"+b.value)
	})
	return p
}

// maxName bounds what is read.
const maxName = 2 << 10

// ParseName reads a name written as RFC 4514 has it, least significant part
// first. Spaces around separators, which its forerunner allowed and tools print,
// are passed over. Errors: fault.Invalid.
func ParseName(text string) (Name, error) {
	if len(text) > maxName || !utf8.ValidString(text) {
		return nil, notAName("is too long or no UTF-8")
	}
	s := scanner{rest: text}
	var name Name
	for {
		p, err := s.part()
		if err != nil {
			return nil, err
		}
		name = append(name, p)
		if s.rest == "" {
			slices.Reverse(name)
			return name, nil
		}
		s.rest = s.rest[1:] // the comma that ended the part
	}
}

func notAName(why string) error {
	return fault.New(fault.Invalid, "", "the distinguished name "+why)
}

type scanner struct{ rest string }

// part reads attributes up to the comma that ends it, or the end.
func (s *scanner) part() (part, error) {
	var p part
	for {
		a, err := s.attribute()
		if err != nil {
			return nil, err
		}
		p = append(p, a)
		if !strings.HasPrefix(s.rest, "+") {
			return p.sorted(), nil
		}
		s.rest = s.rest[1:]
	}
}

func (s *scanner) attribute() (attribute, error) {
	written, rest, found := strings.Cut(s.rest, "=")
	kind, known := kindOf(strings.Trim(written, " "))
	if !found || !known {
		return attribute{}, notAName("has an attribute of an unknown type: " + strconv.Quote(written))
	}
	s.rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(s.rest, "#") {
		value, err := s.encoded()
		return attribute{kind, value}, err
	}
	value, err := s.value()
	return attribute{kind, value}, err
}

// kindOf gives the object identifier of an attribute type.
func kindOf(written string) (string, bool) {
	if kind, known := kinds[strings.ToUpper(written)]; known {
		return kind, true
	}
	arcs := strings.Split(written, ".")
	for _, arc := range arcs {
		if _, err := strconv.ParseUint(arc, 10, 31); err != nil || len(arc) > 1 && arc[0] == '0' || arc[0] == '+' {
			return "", false
		}
	}
	return written, len(arcs) > 1
}

// value reads a value written as text, up to an unescaped separator.
func (s *scanner) value() (string, error) {
	var b strings.Builder
	kept := 0 // length up to the last character that is no trailing space
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case ',', '+':
			s.rest = s.rest[i:]
			return readable(b.String()[:kept])
		case '"', ';', '<', '>', 0:
			return "", notAName("holds a character that must be escaped")
		case ' ':
			b.WriteByte(c)
			continue
		case '\\':
			octet, length, ok := escaped(s.rest[i+1:])
			if !ok {
				return "", notAName("holds an escape that means nothing")
			}
			b.WriteByte(octet)
			i += length
		default:
			b.WriteByte(c)
		}
		kept = b.Len()
	}
	s.rest = ""
	return readable(b.String()[:kept])
}

// readable refuses octets that were escaped into no UTF-8.
func readable(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", notAName("holds an escape that is no UTF-8")
	}
	return value, nil
}

// escaped reads what follows a backslash: a special character, or two
// hexadecimal digits.
func escaped(s string) (octet byte, length int, ok bool) {
	if s != "" && strings.IndexByte(` "#+,;<=>\`, s[0]) >= 0 {
		return s[0], 1, true
	}
	if len(s) < 2 {
		return 0, 0, false
	}
	b, err := hex.DecodeString(s[:2])
	if err != nil {
		return 0, 0, false
	}
	return b[0], 2, true
}

// encoded reads a value written as # and the hexadecimal of its BER.
func (s *scanner) encoded() (string, error) {
	end := strings.IndexAny(s.rest, ",+")
	if end < 0 {
		end = len(s.rest)
	}
	der, err := hex.DecodeString(strings.TrimRight(s.rest[1:end], " "))
	s.rest = s.rest[end:]
	var value any
	if err == nil {
		var left []byte
		if left, err = asn1.Unmarshal(der, &value); err == nil && len(left) > 0 {
			err = fault.New(fault.Invalid, "", "more than one value")
		}
	}
	text, ok := value.(string)
	if err != nil || !ok {
		return "", notAName("holds an encoded value that is no text")
	}
	return text, nil
}

// AltKind is a kind of alternative name, by its tag (RFC 5280 4.2.1.6).
type AltKind int

// Those that a service may be known by (RFC 8705 2.1.2).
const (
	Email AltKind = 1
	DNS   AltKind = 2
	URI   AltKind = 6
	IP    AltKind = 7
)

var oidAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// HasAlt tells whether the certificate carries exactly this alternative name:
// octet for octet, so that a wildcard stands for nothing but itself. Only the
// letters of a host name are the same in either case.
func HasAlt(c *x509.Certificate, kind AltKind, value []byte) bool {
	for _, e := range c.Extensions {
		var names []asn1.RawValue
		if !e.Id.Equal(oidAltName) {
			continue
		}
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return false
		}
		return slices.ContainsFunc(names, func(n asn1.RawValue) bool {
			if n.Class != asn1.ClassContextSpecific || n.Tag != int(kind) {
				return false
			}
			if kind == DNS {
				return bytes.EqualFold(n.Bytes, value)
			}
			return bytes.Equal(n.Bytes, value)
		})
	}
	return false
}
