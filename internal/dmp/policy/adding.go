package policy

import (
	"slices"
	"strings"
)

// DecideAdding answers whether a document may be added to a record: the DMP's
// alimentation, which never shows what is in it already. A structure adds with
// its certificate and no person at all (S-70, S-71); a certificate made for INSi
// opens nothing else (S-83). A professional adds in his own name; staff, whom only
// their employer knows, do not (identities.md, section 4).
func (p *Policy) DecideAdding(f Facts) Decision {
	switch {
	case f.Person != "":
		return p.personAdds(f)
	case f.Structure == "":
		return p.refuse(FactWriter)
	case f.Certificate == "":
		return p.refuse(FactCertificate)
	case slices.ContainsFunc(p.matrix.Adding.CertificatesRefused, func(prefix string) bool {
		return len(f.Certificate) >= len(prefix) && strings.EqualFold(f.Certificate[:len(prefix)], prefix)
	}):
		return p.refuse(FactService)
	}
	return p.grant(FactStructure)
}

func (p *Policy) personAdds(f Facts) Decision {
	switch {
	case !slices.Contains(p.matrix.Levels, f.ACR):
		return p.refuse(FactLevel)
	case !p.strong(f.AMR):
		return p.refuse(FactFactors)
	case f.LoggedIn.IsZero() || f.Now.Sub(f.LoggedIn) > p.MaxAge():
		return p.refuse(FactRecency)
	case slices.Contains(p.matrix.IdentifierTypesRefused, f.Person[:1]):
		return p.refuse(FactStaff)
	}
	return p.grant(FactPerson)
}
