package peer

import (
	"crypto/x509"
	"encoding/asn1"

	"github.com/egide-id/egide/internal/trust/igc"
)

// SpeaksFor tells whether a certificate is the AUTH_CLI certificate of a
// structure (cps-card.md section 5): a software or module product for client
// authentication and nothing else, whose one OU is the structure's number. It is
// the means of a legal person (S-70): a card, which names a person too, is none,
// nor is the structure's server or seal. Errors: fault.Denied.
func SpeaksFor(c *x509.Certificate, structure string) error {
	switch {
	case len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || len(c.UnknownExtKeyUsage) > 0:
		return denied("the certificate is no AUTH_CLI: it is for something else than client authentication", nil)
	case c.KeyUsage != x509.KeyUsageDigitalSignature:
		return denied("the certificate is no AUTH_CLI: its key is for something else", nil)
	case !software(c):
		return denied("the certificate is no software of a structure", nil)
	case len(c.Subject.OrganizationalUnit) != 1 || c.Subject.OrganizationalUnit[0] != structure:
		return denied("the certificate is of another structure", nil)
	}
	return nil
}

// software reads the product category and that no extension of cards is there.
func software(c *x509.Certificate) bool {
	found := false
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(igc.OIDCardType()), e.Id.Equal(igc.OIDCardNumber()), e.Id.Equal(igc.OIDProfession()):
			return false
		case e.Id.Equal(igc.OIDCategory()):
			var v []byte
			rest, err := asn1.Unmarshal(e.Value, &v)
			if err != nil || len(rest) > 0 || len(v) != 1 {
				return false
			}
			product := igc.Category(v[0]).Product()
			found = product == igc.CategorySoftware || product == igc.CategoryModule
		}
	}
	return found
}
