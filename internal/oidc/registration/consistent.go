package registration

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
)

// consistent refuses metadata that contradicts itself (RFC 7591 2.1) and what
// the standards say of names that are not kept.
func consistent(members map[string]json.RawMessage, c *client.Client) error {
	code := c.GrantTypes == nil || c.AllowsGrant(client.GrantCode)
	if raw, ok := members["response_types"]; ok {
		var types []string
		if json.Unmarshal(raw, &types) != nil {
			return bad("response_types must be a list of texts")
		}
		if slices.ContainsFunc(types, func(t string) bool { return t != "code" }) {
			return bad("response_types may hold code and nothing else: no token travels through a browser here")
		}
		if code != (len(types) > 0) {
			return bad("response_types and grant_types contradict each other: code goes with authorization_code")
		}
	}
	application := "web"
	if raw, ok := members["application_type"]; ok && (json.Unmarshal(raw, &application) != nil || application != "web" && application != "native") {
		return bad("application_type must be web or native")
	}
	for _, uri := range c.RedirectURIs {
		if application == "web" && !strings.HasPrefix(uri, "https://") {
			return oauth.New(oauth.InvalidRedirectURI, "a web application redirects to https; a program on the person's machine registers as native")
		}
	}
	if raw, ok := members["initiate_login_uri"]; ok {
		var uri string
		u, err := url.Parse(uri)
		if json.Unmarshal(raw, &uri) == nil {
			u, err = url.Parse(uri)
		}
		if err != nil || u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
			return bad("initiate_login_uri must be an https address without fragment")
		}
	}
	return nil
}

func bad(description string) error { return oauth.New(oauth.InvalidClientMetadata, description) }

// refuse tells the first fault in the standard's words. invalid_redirect_uri is
// for redirect URIs alone (RFC 7591 3.2.2).
func refuse(faults []client.Fault) error {
	f := faults[0]
	top := f.Path
	if i := strings.IndexAny(top, ".["); i >= 0 {
		top = top[:i]
	}
	code := oauth.InvalidClientMetadata
	if top == "redirect_uris" {
		code = oauth.InvalidRedirectURI
	}
	return oauth.New(code, name(top)+f.Path[len(top):]+" "+f.Message)
}

// told puts a refusal of the desk into the standard's words.
func told(err error) error {
	if b, ok := errors.AsType[*desk.Broken](err); ok {
		return refuse(b.Faults)
	}
	switch f, known := errors.AsType[*fault.Error](err); {
	case known && f.Kind == fault.Denied:
		return oauth.New(oauth.InvalidToken, "the token is unknown, used, expired or not for this").Bearer(true).Because(err)
	case known && f.Kind == fault.Conflict:
		return oauth.New(oauth.TemporarilyUnavailable, "the registration is being changed at this moment").Because(err)
	case known && f.Kind == fault.Invalid:
		return bad(f.Detail)
	}
	return err
}
