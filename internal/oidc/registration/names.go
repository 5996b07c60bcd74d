package registration

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// grammar gives the key of package client for each standard name that a service
// may set (RFC 7591 2, Registration 2, RFC 8705, RFC 9701, BCL, FCL). What stands
// in neither list, profile, consent, lifetimes and every other matter of the
// house, is unknown here and ignored.
var grammar = map[string]string{ //nolint:gosec // names of metadata, no credentials
	"client_name": "name", "token_endpoint_auth_method": "auth_method", "id_token_signed_response_alg": "id_token_alg",
}

// same are the names that are alike on both sides.
var same = []string{
	"redirect_uris", "post_logout_redirect_uris", "grant_types", "jwks", "jwks_uri", "token_endpoint_auth_signing_alg",
	"tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
	"tls_client_certificate_bound_access_tokens", "request_object_signing_alg", "require_signed_request_object", "request_uris",
	"default_acr_values", "require_auth_time", "userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"introspection_signed_response_alg", "subject_type", "sector_identifier_uri",
	"backchannel_logout_uri", "backchannel_logout_session_required", "frontchannel_logout_uri", "frontchannel_logout_session_required",
}

// promised are names whose silent loss would break a promise: what would be shown
// to people is not shown here (RE3), and ID tokens are not encrypted.
var promised = []string{"logo_uri", "client_uri", "policy_uri", "tos_uri", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc"}

// key gives the grammar's key for a standard name.
func key(name string) (string, bool) {
	if k, ok := grammar[name]; ok {
		return k, true
	}
	return name, slices.Contains(same, name)
}

// name is the reverse: how the standard calls a key, for faults and answers.
func name(key string) string {
	for standard, k := range grammar {
		if k == key {
			return standard
		}
	}
	switch key {
	case "scopes":
		return "scope"
	case "contact":
		return "contacts"
	}
	return key
}

// draft reads metadata into a registration that is not complete yet.
func draft(members map[string]json.RawMessage) (client.Client, error) {
	if _, ok := members["software_statement"]; ok {
		return client.Client{}, oauth.New(oauth.InvalidSoftwareStatement, "software statements are not accepted here")
	}
	held := map[string]json.RawMessage{}
	for _, standard := range slices.Sorted(maps.Keys(members)) {
		base, _, _ := strings.Cut(standard, "#") // client_name#fr: the language is ignored
		if slices.Contains(promised, base) {
			return client.Client{}, bad(base + " is not supported here: leave it out")
		}
		if k, ok := key(standard); ok {
			held[k] = members[standard]
		}
	}
	if err := special(members, held); err != nil {
		return client.Client{}, err
	}
	document, err := client.Compose(held)
	if err != nil {
		return client.Client{}, bad("the metadata cannot be read")
	}
	c, faults := client.Draft("metadata", document)
	if len(faults) > 0 {
		return client.Client{}, refuse(faults)
	}
	return *c, consistent(members, c)
}

// special reads what has another form in the standard than in the grammar.
func special(members, held map[string]json.RawMessage) error {
	put := func(key string, v any) error {
		raw, err := json.Marshal(v)
		held[key] = raw
		return err
	}
	if raw, ok := members["scope"]; ok {
		var scope string
		if json.Unmarshal(raw, &scope) != nil {
			return bad("scope must be a text: names separated by spaces")
		}
		if err := put("scopes", strings.Fields(scope)); err != nil {
			return err
		}
	}
	if raw, ok := members["contacts"]; ok {
		var contacts []string
		if json.Unmarshal(raw, &contacts) != nil || len(contacts) > 5 {
			return bad("contacts must be a list of at most five texts")
		}
		if err := put("contact", strings.Join(contacts, ", ")); err != nil {
			return err
		}
	}
	if raw, ok := members["default_max_age"]; ok {
		var seconds int64
		if json.Unmarshal(raw, &seconds) != nil || seconds < 0 || seconds > 366*24*3600 {
			return bad("default_max_age must be a number of seconds")
		}
		return put("default_max_age", fmt.Sprintf("%ds", seconds))
	}
	return nil
}

// answer gives the registration in the standard's names: what is in force, and
// nothing that was asked and dropped (RFC 7591 3.2.1).
func answer(c *client.Client) (map[string]any, error) {
	document, err := c.Shown()
	if err != nil {
		return nil, err
	}
	var held map[string]json.RawMessage
	if err := json.Unmarshal(document, &held); err != nil {
		return nil, err
	}
	out := map[string]any{"client_id": c.ID, "application_type": applicationType(c), "response_types": []string{}}
	for k, value := range held {
		if standard := name(k); standard != k || slices.Contains(same, k) {
			out[standard] = value
		}
	}
	if c.AllowsGrant(client.GrantCode) {
		out["response_types"] = []string{"code"}
	}
	if c.Scopes != nil {
		out["scope"] = strings.Join(c.Scopes, " ")
	}
	if c.Contact != "" {
		out["contacts"] = strings.Split(c.Contact, ", ")
	}
	if age := c.Requests.DefaultMaxAge; age != nil {
		out["default_max_age"] = int64(age.Seconds())
	}
	return out, nil
}

// applicationType follows from the redirect URIs, by the rule they were held to.
func applicationType(c *client.Client) string {
	for _, uri := range c.RedirectURIs {
		if !strings.HasPrefix(uri, "https://") {
			return "native"
		}
	}
	return "web"
}
