package pki

import (
	"crypto"
	"crypto/x509"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// OrganisationOrder is what a certificate of an organisation is made from.
type OrganisationOrder struct {
	Profile      string // auth-cli, sign or server
	Range        igc.Range
	Structure    string // 1 + FINESS, 3 + SIRET
	Organisation string
	Department   string // "Paris (75)"
	Common       string // name of the application, "INSI-AUTO", or of the host

	NotBefore, NotAfter time.Time // zero: now, and three years

	// Key is the pair of whoever orders; nil: one is made, RSA as the real ones.
	Key crypto.Signer
	// Alter changes the certificate before it is signed: for attack tests.
	Alter func(t *x509.Certificate)
}

// IssueOrganisation makes the key pair of an application or server.
// Errors: fault.Invalid, fault.Unavailable.
func (a *Authority) IssueOrganisation(o OrganisationOrder) (igc.KeyPair, error) {
	profiles := map[string]profile{"auth-cli": organisationClient, "sign": organisationSign, "server": organisationServer(o.Common)}
	p, known := profiles[o.Profile]
	if !known || o.Common == "" || o.Structure == "" {
		return igc.KeyPair{}, fault.New(fault.Invalid, "", "an organisation's certificate is auth-cli, sign or server, with a structure and a name")
	}
	if o.Range == "" {
		o.Range = igc.Elementaire // software certificates
	}
	if o.NotBefore.IsZero() {
		o.NotBefore = a.Clock.Now().UTC().Truncate(time.Second)
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = o.NotBefore.AddDate(leafYears, 0, 0)
	}
	var out igc.KeyPair
	err := a.locked(func() error {
		subject := sequence(country("FR"), text(oidState, o.Department), text(oidOrganization, o.Organisation),
			text(oidUnit, o.Structure), text(oidCommon, o.Common))
		var err error
		out, err = a.issue(organisationsOf(o.Range), subject, o.Key, o.NotBefore, o.NotAfter, func(t *x509.Certificate) {
			add(t, igc.OIDCategory(), encode([]byte{byte(igc.CategorySoftware.AsTest())}))
			p(t)
			if o.Alter != nil {
				o.Alter(t)
			}
		})
		return err
	})
	return out, err
}
