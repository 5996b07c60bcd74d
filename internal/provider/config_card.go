package provider

import (
	"fmt"
	"net/url"

	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/trust/igc"
)

// CardConfig says which professional cards open a login. Without authorities
// the provider takes none.
type CardConfig struct {
	Authorities  []CardAuthority `yaml:"authorities"`   // pinned; a card's own certificate names nobody to ask
	Policies     []string        `yaml:"policies"`      // certificate policies accepted; at least one
	Staff        bool            `yaml:"staff"`         // CPE, CPA and CDE too, from the STANDARD range
	KeepSessions bool            `yaml:"keep_sessions"` // a pulled card leaves its session open
	BridgePorts  []int           `yaml:"bridge_ports"`  // sandbox only: where its bridge listens instead of the protocol's ports
}

// CardAuthority is one pinned authority of natural persons and where its
// revocations are published.
type CardAuthority struct {
	Range  igc.Range `yaml:"range"`  // fort | standard
	Root   string    `yaml:"root"`   // file, PEM
	Issuer string    `yaml:"issuer"` // file, PEM
	OCSP   string    `yaml:"ocsp"`   // URL
	CRL    string    `yaml:"crl"`    // URL; asked when OCSP does not answer
}

func (c CardConfig) validate(environment string) []config.Fault {
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: "card." + path, Message: message})
		}
	}
	for i, a := range c.Authorities {
		at := fmt.Sprintf("authorities[%d].", i)
		bad(a.Range != igc.Fort && a.Range != igc.Standard, at+"range", "must be fort or standard; software certificates open no login")
		bad(a.Root == "" || a.Issuer == "", at+"root", "root and issuer name PEM files")
		bad(a.OCSP == "" && a.CRL == "", at+"ocsp", "ocsp, crl or both: a card that cannot be confirmed is refused")
		bad(!revocationURL(a.OCSP), at+"ocsp", "must be an http or https URL")
		bad(!revocationURL(a.CRL), at+"crl", "must be an http or https URL")
	}
	bad(len(c.BridgePorts) > 0 && environment != Sandbox, "bridge_ports", "are for the sandbox; bridges listen on the ports of the protocol")
	bad(len(c.Authorities) > 0 && len(c.Policies) == 0, "policies", "name the accepted certificate policies")
	return faults
}

// revocationURL takes plain http: OCSP answers and lists are signed, and no
// authority serves them otherwise.
func revocationURL(s string) bool {
	u, err := url.Parse(s)
	return s == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
