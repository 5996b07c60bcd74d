package claims

import (
	"cmp"
	"slices"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// Levels is what a request says of the acr.
type Levels struct {
	Wanted []string // acr_values, a voluntary acr claim, or the client's default
	Must   []string // an essential acr claim: one of these or an error (Core 5.5.1.1)
}

// ACR chooses the level to answer with, and tells whether the authentication
// is enough. When it is not, the caller steps up or refuses: a level asked and
// not reached never becomes a lower answer (AZ14, architecture point 9).
//
//   - essential, whatever the profile: the first value asked that was reached,
//     because an answer must be one of them; Wanted then says nothing more.
//   - psc: of the closed list eidas1, eidas2, eidas3 the first value asked that
//     was reached; nothing asked, or nothing known, means eidas1 (section 13).
//   - oidc: one of the known values asked must be reached; the answer is the
//     highest level reached, which is never below it.
//
// Below the client's own minimum nothing counts and nothing is answered: a level
// that is asked below it reads as not asked.
//
// The offline code reaches no eidas level: it counts only for an oidc client
// that opted in to it, and for a request that names it or no known level.
func ACR(c *client.Client, asked Levels, a authn.Authentication) (acr string, enough bool) {
	if !c.AllowsMeans(a.Means) || c.MinACR != "" && !a.Reaches(c.MinACR) {
		return "", false
	}
	reached := a.Means.Levels()
	if len(asked.Must) > 0 {
		return firstOf(knownLevels(c, asked.Must), reached)
	}
	wanted := knownLevels(c, asked.Wanted)
	if c.Profile == client.ProfilePSC {
		if len(wanted) == 0 {
			wanted = []string{cmp.Or(c.MinACR, authn.Eidas1)}
		}
		return firstOf(wanted, reached)
	}
	if len(reached) == 0 {
		return "", false
	}
	if len(wanted) > 0 {
		if _, ok := firstOf(wanted, reached); !ok {
			return "", false
		}
	}
	return reached[len(reached)-1], true
}

// Reachable tells whether any login could answer with the level that is asked:
// if none can, no page would help and the service is told at once.
func Reachable(c *client.Client, asked Levels) bool {
	for _, m := range [...]authn.Means{authn.Card, authn.ECPS, authn.ECPSOffline} {
		if _, ok := ACR(c, asked, authn.Authentication{Means: m}); ok {
			return true
		}
	}
	return false
}

func firstOf(wanted, reached []string) (string, bool) {
	for _, level := range wanted {
		if slices.Contains(reached, level) {
			return level, true
		}
	}
	return "", false
}

// order is how levels stand to one another: the offline code is below them all.
var order = []string{authn.OfflineOTP, authn.Eidas1, authn.Eidas2, authn.Eidas3}

// knownLevels drops what this client's profile does not know and what is below
// its minimum; acr_values never cause an error (AZ13).
func knownLevels(c *client.Client, asked []string) []string {
	lowest := slices.Index(order, c.MinACR)
	return slices.DeleteFunc(slices.Clone(asked), func(level string) bool {
		if slices.Index(order, level) < lowest {
			return true
		}
		switch level {
		case authn.Eidas1, authn.Eidas2, authn.Eidas3:
			return false
		case authn.OfflineOTP:
			return !c.AllowOfflineOTP || c.Profile == client.ProfilePSC
		}
		return true
	})
}

// authMode names the means as recorded (pro-sante-connect.md 1.7).
func authMode(m authn.Means) string {
	switch m {
	case authn.Card:
		return "CARD"
	case authn.ECPS, authn.ECPSOffline:
		return "MOBILE"
	case authn.OrgCertificate:
		return ""
	}
	return ""
}

// authLevel is "1" in every record, with eidas1 and with eidas2 alike; the
// offline code stands below.
func authLevel(m authn.Means) string {
	if m == authn.ECPSOffline {
		return "0"
	}
	return "1"
}

// palier gives the level of private authentication (TRE_R231): three for card
// and e-CPS (S-64), two for a one-time code.
func palier(m authn.Means) string {
	if m == authn.ECPSOffline {
		return "APPPRIP2" + oidLevel
	}
	return "APPPRIP3" + oidLevel
}
