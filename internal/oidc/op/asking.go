package op

import (
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// asking is a valid authorization request: everything the rest needs, nothing unchecked.
type asking struct {
	client    *client.Client
	to        destination
	scope     []string
	nonce     string
	challenge string
	prompt    prompt
	maxAge    *int
	levels    claims.Levels
	claims    grant.Claims // asked for by name
	onlySub   string       // the one person who may answer, by his stored sub: of a valid id_token_hint, or of the claims parameter
	locales   string
	loginHint string
	rawPrompt string
	reauth    bool // a session is there and does not answer
}

// read checks all that is answered by redirect. to is filled first, so that
// every refusal goes back in the mode and with the state the service chose (AZ7).
func (o *OP) read(caller *client.Client, p parameters, to *destination) (*asking, error) {
	state, badState := p.state()
	to.state = state
	switch p.get("response_mode") {
	case "", modeQuery:
	case modeFormPost:
		to.mode = modeFormPost
	default:
		// fragment would work for a code, but it hands the code to the page's scripts (RFC 9700 4.3).
		return nil, oauth.New(oauth.InvalidRequest, "response_mode must be query or form_post")
	}
	if badState != nil {
		return nil, badState
	}
	if p.wrong != nil {
		return nil, p.wrong
	}
	if err := p.wellFormed(); err != nil {
		return nil, err
	}
	if err := supported(caller, p); err != nil {
		return nil, err
	}
	a := &asking{
		client: caller, to: *to, nonce: p.get("nonce"), challenge: p.get("code_challenge"),
		locales: p.hint("ui_locales"), loginHint: p.hint("login_hint"), rawPrompt: p.get("prompt"),
	}
	return a, o.fill(a, p)
}

// supported refuses what this provider does not do. request and request_uri
// are never ignored: a service that sends them relies on them (AZ16). They are
// still here only when the service has no keys; effective has read them else.
func supported(caller *client.Client, p parameters) error {
	for name, code := range map[string]oauth.Code{
		"request":      oauth.RequestNotSupported,
		"request_uri":  oauth.RequestURINotSupported,
		"registration": oauth.RegistrationNotSupported,
	} {
		if p.get(name) != "" {
			return oauth.New(code, "the parameter is not supported: "+name)
		}
	}
	switch p.get("response_type") {
	case "code":
	case "":
		return oauth.New(oauth.InvalidRequest, "response_type is missing")
	default:
		return oauth.New(oauth.UnsupportedResponseType, "response_type must be code")
	}
	if !caller.AllowsGrant(client.GrantCode) {
		return oauth.New(oauth.UnauthorizedClient, "the service may not use this flow")
	}
	return checkChallenge(caller, p.get("code_challenge"), p.get("code_challenge_method"))
}

// fill reads what has rules of its own.
func (o *OP) fill(a *asking, p parameters) (err error) {
	if a.scope, err = grantedScope(a.client, p.list("scope")); err != nil {
		return err
	}
	if a.prompt, err = parsePrompt(p.list("prompt")); err != nil {
		return err
	}
	if a.maxAge, err = maxAge(a.client, p); err != nil {
		return err
	}
	if hint := p.get("id_token_hint"); hint != "" {
		person, err := o.hinted(hint)
		if err != nil {
			return oauth.New(oauth.InvalidRequest, "id_token_hint is not an ID token of this provider").Because(err)
		}
		a.onlySub = person
	}
	return o.readClaims(a, p)
}

// readClaims reads what is asked by name: claims, levels and person (Core 5.5).
func (o *OP) readClaims(a *asking, p parameters) error {
	var asked claims.Request
	if text := p.get("claims"); text != "" {
		var err error
		if asked, err = claims.ParseRequest(text); err != nil {
			return oauth.New(oauth.InvalidRequest, "the claims parameter cannot be read").Because(err)
		}
	}
	a.claims = grant.Claims{IDToken: asked.IDToken, UserInfo: asked.UserInfo}
	if asked.Sub != "" {
		person, err := o.personOf(a.client, asked.Sub)
		if err != nil {
			return err
		}
		if a.onlySub != "" && a.onlySub != person {
			return oauth.New(oauth.InvalidRequest, "id_token_hint and claims name two persons")
		}
		a.onlySub = person
	}
	a.levels = levels(a.client, strings.Fields(p.hint("acr_values")), asked)
	if len(a.levels.Must) > 0 && !claims.Reachable(a.client, a.levels) {
		return oauth.New(oauth.UnmetAuthentication, "no login reaches the level that is essential")
	}
	return nil
}

// grantedScope keeps the scopes the client registered. An oidc client must ask
// for openid; a psc client that does not gets no ID token (oidc-requirements 13).
func grantedScope(c *client.Client, asked []string) ([]string, error) {
	if len(asked) == 0 && c.Profile != client.ProfilePSC {
		return nil, oauth.New(oauth.InvalidScope, "scope is missing")
	}
	granted := c.GrantScopes(asked)
	if c.Profile != client.ProfilePSC && !slices.Contains(granted, client.ScopeOpenID) {
		return nil, oauth.New(oauth.InvalidScope, "scope must hold openid")
	}
	return granted, nil
}
