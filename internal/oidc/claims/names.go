package claims

import "github.com/egide-id/egide/internal/identity/rpps"

// givenName is the first given name of the register, else that of practice: the
// public extract has only the latter.
func givenName(p rpps.Professional) string {
	if len(p.GivenNames) > 0 && p.GivenNames[0] != "" {
		return p.GivenNames[0]
	}
	for i := range p.Practices {
		if n := p.Practices[i].GivenName; n != "" {
			return n
		}
	}
	return ""
}

// familyName follows the same order.
func familyName(p rpps.Professional) string {
	if p.FamilyName != "" {
		return p.FamilyName
	}
	for i := range p.Practices {
		if n := p.Practices[i].Name; n != "" {
			return n
		}
	}
	return ""
}

func fullName(p rpps.Professional) string {
	given, family := givenName(p), familyName(p)
	if given == "" || family == "" {
		return given + family
	}
	return given + " " + family
}
