package op

import (
	"slices"

	"github.com/egide-id/egide/internal/oidc/oauth"
)

// prompt is what the service says about pages (Core 3.1.2.1).
type prompt struct {
	none    bool // never a page
	login   bool // a new login even where a session would do (AZ10)
	consent bool // ask the person what may be told, whatever he said before (AZ11)
	account bool // let the person say who he is (AZ11); a session holds one person, so: he or another
}

// parsePrompt reads the parameter.
func parsePrompt(values []string) (prompt, error) {
	var p prompt
	for _, v := range values {
		switch v {
		case "none":
			p.none = true
		case "login":
			p.login = true
		case "consent":
			p.consent = true
		case "select_account":
			p.account = true
		default:
			return prompt{}, oauth.New(oauth.InvalidRequest, "prompt holds an unknown value")
		}
	}
	if p.none && len(slices.Compact(slices.Clone(values))) > 1 {
		return prompt{}, oauth.New(oauth.InvalidRequest, "prompt=none stands alone")
	}
	return p, nil
}
