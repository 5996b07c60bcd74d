// Package authn is the outcome of an authentication: who, by which means, how
// strong, when; and what a requested level allows (architecture, point 9).
package authn

import (
	"slices"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// Means is how somebody proved who he is (moyen d'identification électronique).
type Means string

// The means Égide knows.
const (
	Card           Means = "card"
	ECPS           Means = "ecps"
	ECPSOffline    Means = "ecps-offline"
	OrgCertificate Means = "org-certificate"
)

// Levels a service may ask for in acr_values.
const (
	Eidas1     = "eidas1"
	Eidas2     = "eidas2"
	Eidas3     = "eidas3" // an older request some services still send: card only
	OfflineOTP = "offline-otp"
)

// Levels gives what the means reaches, lowest first (rule S-64: card and e-CPS are equal).
func (m Means) Levels() []string {
	switch m {
	case Card:
		return []string{Eidas1, Eidas2, Eidas3}
	case ECPS:
		return []string{Eidas1, Eidas2}
	case ECPSOffline:
		return []string{OfflineOTP}
	case OrgCertificate:
		return nil
	}
	return nil
}

// AMR gives the authentication method references of the means (RFC 8176).
func (m Means) AMR() []string {
	switch m {
	case Card:
		return []string{"hwk", "sc", "pin", "mfa"}
	case ECPS:
		return []string{"swk", "pin", "mfa"}
	case ECPSOffline:
		return []string{"otp", "pin"}
	case OrgCertificate:
		return nil
	}
	return nil
}

// Authentication is one proven login. It never changes after it was made.
type Authentication struct {
	Subject rpps.NationalID `json:"subject"`
	Sub     string          `json:"sub"` // stored UUID of the person (architecture, point 10)
	Means   Means           `json:"means"`
	At      time.Time       `json:"at"`
	Ref     string          `json:"ref"`   // device or card reference, for the trace
	Epoch   uint64          `json:"epoch"` // of the holder at login: raising it ends what this opened
}

// Reaches tells whether the authentication satisfies a level.
func (a Authentication) Reaches(level string) bool {
	return slices.Contains(a.Means.Levels(), level)
}
