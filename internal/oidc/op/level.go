package op

import (
	"slices"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// maxLevels bounds the list of levels that is kept; the closed list has four.
const maxLevels = 16

// levels puts together what a request says of the acr. A request that says
// nothing has the client's default; one that says anything overrides it
// (Registration 2, default_acr_values).
func levels(c *client.Client, acrValues []string, asked claims.Request) claims.Levels {
	clip := func(list []string) []string { return slices.Clip(list[:min(len(list), maxLevels)]) }
	switch {
	case asked.MustACR:
		return claims.Levels{Must: clip(asked.Levels)}
	case len(acrValues) > 0:
		return claims.Levels{Wanted: clip(acrValues)}
	case len(asked.Levels) > 0:
		return claims.Levels{Wanted: clip(asked.Levels)}
	}
	return claims.Levels{Wanted: c.Requests.DefaultACRs}
}

// sufficient tells whether a login that once was good enough for the service is
// so now: its registration may have dropped the means since (D6). If not, the
// client reads which level to step up to.
func sufficient(c *client.Client, auth authn.Authentication) error {
	if c.AllowsMeans(auth.Means) {
		return nil
	}
	enough := c.Requests.DefaultACRs
	if len(enough) == 0 {
		enough = []string{authn.Eidas1} // what every means of a login page reaches
	}
	return oauth.StepUp("the service no longer accepts the means of this login", enough)
}

// level gives the acr the client reads, and whether the authentication is good
// enough: by a means the service accepts, reaching what was asked. If not, the
// caller steps up or refuses and never answers lower (architecture, point 9).
func (a *asking) level(auth authn.Authentication) (string, bool) {
	return claims.ACR(a.client, a.levels, auth)
}
