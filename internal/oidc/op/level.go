package op

import (
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
)

// maxLevels bounds the list of acr_values that is kept; the closed list has four.
const maxLevels = 16

// level gives the acr the client reads, and whether the authentication is good
// enough: by a means the service accepts, reaching what was asked. If not, the
// caller steps up or refuses and never answers lower (architecture, point 9).
func level(c *client.Client, asked []string, a authn.Authentication) (string, bool) {
	if !c.AllowsMeans(a.Means) {
		return "", false
	}
	return claims.ACR(c, asked, a)
}
