package op

import (
	"slices"

	"github.com/egide-id/egide/internal/oidc/oauth"
)

// prompt is what the service says about pages (Core 3.1.2.1).
type prompt struct {
	none bool // never a page
	page bool // a page even where a session would do: login, consent, select_account
}

// parsePrompt reads the parameter. Égide asks no consent of its own and a
// session holds one person, so consent and select_account both mean: show
// the login page, where the person sees the service named and says who he is
// (AZ11). Each is a real new authentication, as login is (AZ10).
func parsePrompt(values []string) (prompt, error) {
	var p prompt
	for _, v := range values {
		switch v {
		case "none":
			p.none = true
		case "login", "consent", "select_account":
			p.page = true
		default:
			return prompt{}, oauth.New(oauth.InvalidRequest, "prompt holds an unknown value")
		}
	}
	if p.none && len(slices.Compact(slices.Clone(values))) > 1 {
		return prompt{}, oauth.New(oauth.InvalidRequest, "prompt=none stands alone")
	}
	return p, nil
}
