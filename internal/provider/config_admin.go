package provider

import (
	"fmt"
	"net"

	"github.com/egide-id/egide/internal/oidc/admin"
	"github.com/egide-id/egide/internal/platform/config"
)

// AdminConfig opens the operators' API over registrations. Without an address
// there is none; the admin socket is always there.
type AdminConfig struct {
	Listen      string           `yaml:"listen"` // host:port of its own
	Cert        string           `yaml:"cert"`
	Key         string           `yaml:"key"`
	Authorities []string         `yaml:"authorities"` // PEM: who issues operators' certificates
	Operators   []OperatorConfig `yaml:"operators"`
}

// OperatorConfig gives the holder of one certificate a role.
type OperatorConfig struct {
	Identity string `yaml:"identity"` // whole subject, or dns:, email: or uri: and the name
	Role     string `yaml:"role"`     // reader | registrar
}

// DynamicConfig lets services register themselves (RFC 7591), with an
// initial access token that an operator gave them.
type DynamicConfig struct {
	Enabled bool `yaml:"enabled"`
}

// Validate reports every fault of the section.
func (a *AdminConfig) Validate() []config.Fault {
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: path, Message: message})
		}
	}
	if a.Listen == "" {
		bad(a.Cert != "" || a.Key != "" || len(a.Authorities) > 0 || len(a.Operators) > 0, "listen", "is needed for the rest of the section to count")
		return faults
	}
	_, _, err := net.SplitHostPort(a.Listen)
	bad(err != nil, "listen", "must be host:port")
	bad(a.Cert == "" || a.Key == "", "cert", "cert and key are needed: this API is never served in the clear")
	bad(len(a.Authorities) == 0, "authorities", "is needed: the authorities that issue operators' certificates, and no others")
	bad(len(a.Operators) == 0, "operators", "is needed: without one nobody could call")
	seen := map[string]bool{}
	for i, o := range a.Operators {
		at := fmt.Sprintf("operators[%d].", i)
		_, ok := admin.ParseRole(o.Role)
		bad(!ok, at+"role", "must be reader or registrar")
		bad(o.Identity == "" || len(o.Identity) > 200, at+"identity", "is needed, at most 200 bytes: the whole subject, or dns:, email: or uri: and the name")
		bad(seen[o.Identity], at+"identity", "stands twice in the list")
		seen[o.Identity] = true
	}
	return faults
}
