package rpps

import (
	"encoding"
	"log/slog"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// NationalID is a person's national identifier: one type digit (TRE_G08) and a
// number, "8" + 11-digit RPPS or "0" + ADELI or "3" + FINESS/no. or
// "5" + SIRET/no.. Two newer kinds have no type digit: PSI (a UUID) and
// EDIT (pro-sante-connect.md 3.1). The zero value is no identifier. Comparable.
type NationalID struct {
	value string
}

// IDType is the leading digit of a national identifier, or PSI or EDIT.
type IDType byte

// Types of TRE_G08 that persons of the register carry.
const (
	ADELI  IDType = '0'
	FINESS IDType = '3'
	SIREN  IDType = '4'
	SIRET  IDType = '5'
	RPPS   IDType = '8'
	PSI    IDType = 'P' // a UUID without type digit: Pro Santé Identité, since 2025
	EDIT   IDType = 'T' // "ANS" and digits: test identities made with EDIT
)

const maxNationalID = 64

// ParseNationalID reads an identifier in its national form, type digit first.
// The check digit is not enforced: the register itself holds numbers that fail
// it (rpps-import.md 3); see NationalID.KeyOK.
// Errors: fault.Invalid with PF-ID-001.
func ParseNationalID(s string) (NationalID, error) {
	bad := func(why string) (NationalID, error) {
		return NationalID{}, fault.New(fault.Invalid, "PF-ID-001", why)
	}
	if len(s) < 2 || len(s) > maxNationalID {
		return bad("national identifier has a wrong length")
	}
	for i := range len(s) {
		if !plain(s[i]) {
			return bad("national identifier holds a character that is neither digit, letter, '/', '-' nor '.'")
		}
	}
	if isUUID(s) {
		return NationalID{value: strings.ToLower(s)}, nil
	}
	if isEDIT(s) {
		return NationalID{value: s}, nil
	}
	number := s[1:]
	switch IDType(s[0]) {
	case RPPS:
		if len(number) != 11 || !digits(number) {
			return bad("an RPPS identifier is 8 followed by 11 digits")
		}
	case ADELI:
		if len(number) != 9 {
			return bad("an ADELI identifier is 0 followed by 9 characters")
		}
	case FINESS, SIREN, SIRET:
		if len(number) < 9 {
			return bad("the identifier is too short for its type")
		}
	default:
		if s[0] < '0' || s[0] > '9' || len(number) < 2 {
			return bad("unknown type of national identifier")
		}
	}
	return NationalID{value: s}, nil
}

// MustNationalID is ParseNationalID for literals in tests and the sandbox.
func MustNationalID(s string) NationalID {
	id, err := ParseNationalID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// String gives the national form: "899700990015".
func (id NationalID) String() string { return id.value }

// IsZero tells that there is no identifier.
func (id NationalID) IsZero() bool { return id.value == "" }

// Type gives the leading digit, PSI or EDIT, 0 for the zero value.
func (id NationalID) Type() IDType {
	switch {
	case id.IsZero():
		return 0
	case isUUID(id.value):
		return PSI
	case isEDIT(id.value):
		return EDIT
	}
	return IDType(id.value[0])
}

// Number gives the identifier without its type digit; PSI and EDIT have none to lose.
func (id NationalID) Number() string {
	switch id.Type() {
	case 0, PSI, EDIT:
		return id.value
	}
	return id.value[1:]
}

// Origin names the register the identifier comes from, as otherIds spells it.
func (id NationalID) Origin() string { return id.Type().String() }

// String names the type as otherIds spells its origin; RASS is the register's
// own word for the others.
func (t IDType) String() string {
	switch t {
	case ADELI:
		return "ADELI"
	case '1':
		return "CAB_ADELI"
	case FINESS:
		return "FINESS"
	case SIREN:
		return "SIREN"
	case SIRET:
		return "SIRET"
	case '6':
		return "CAB_RPPS"
	case RPPS:
		return "RPPS"
	case PSI:
		return "PSI"
	case EDIT:
		return "EDIT"
	}
	return "RASS"
}

// KeyOK tells whether the Luhn key of an RPPS number is right; true for types without a known key.
func (id NationalID) KeyOK() bool {
	return id.Type() != RPPS || Luhn(id.Number())
}

// Masked keeps the type and the last three characters, for logs (rpps-import.md 6, rule 9).
func (id NationalID) Masked() string {
	if len(id.value) < 6 {
		return strings.Repeat("*", len(id.value))
	}
	return id.value[:1] + strings.Repeat("*", len(id.value)-4) + id.value[len(id.value)-3:]
}

// LogValue masks the identifier in every log.
func (id NationalID) LogValue() slog.Value { return slog.StringValue(id.Masked()) }

// MarshalText implements encoding.TextMarshaler.
func (id NationalID) MarshalText() ([]byte, error) { return []byte(id.value), nil }

// UnmarshalText implements encoding.TextUnmarshaler; empty text is the zero value.
func (id *NationalID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = NationalID{}
		return nil
	}
	parsed, err := ParseNationalID(string(b))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

var (
	_ slog.LogValuer           = NationalID{}
	_ encoding.TextMarshaler   = NationalID{}
	_ encoding.TextUnmarshaler = (*NationalID)(nil)
)

// Luhn tells whether the last digit is the key of those before it.
func Luhn(s string) bool {
	if !digits(s) {
		return false
	}
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// isUUID tells the 8-4-4-4-12 shape; no national number of a register has it.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

func isEDIT(s string) bool {
	number, ok := strings.CutPrefix(s, "ANS")
	return ok && len(number) >= 6 && digits(number)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func plain(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '/' || c == '-' || c == '.' || c == '_'
}
