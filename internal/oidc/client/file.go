package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const maxFile = 64 << 10

// Lint tells everything wrong with a client file, nothing if it is good.
func Lint(name string, data []byte) []Fault {
	_, faults := Parse(name, data)
	return faults
}

// Parse reads a client file. Every fault is found in one go; the client is nil
// if there is any.
func Parse(name string, data []byte) (*Client, []Fault) {
	p := read(name, data)
	if len(p.faults) == 0 {
		p.c.fillDefaults()
		for _, f := range p.c.Check() {
			p.fault(f.Path, p.line(f.Path), f.Message)
		}
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.c, nil
}

// Draft reads a registration that is not complete yet: what its keys say, before
// defaults, and before the house adds its part and Complete checks the whole.
func Draft(name string, data []byte) (*Client, []Fault) {
	p := read(name, data)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p.c, nil
}

func read(name string, data []byte) *parser {
	p := &parser{file: name, lines: map[string]int{}, c: new(Client)}
	if root, ok := p.document(data); ok {
		p.mapping(root, "", p.keys())
	}
	return p
}

type parser struct {
	file   string
	lines  map[string]int // where each path stands, for the faults found later
	c      *Client
	faults []Fault
}

func (p *parser) fault(path string, line int, message string) {
	p.faults = append(p.faults, Fault{File: p.file, Line: line, Path: path, Message: message})
}

// line finds the line of a path, or of what encloses it.
func (p *parser) line(path string) int {
	for path != "" {
		if n, ok := p.lines[path]; ok {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

// keys is the whole grammar of a registration, read and written by the same
// table: what a file, the database and the admin API hold is one thing.
func (p *parser) keys() map[string]key {
	c := p.c
	return map[string]key{
		"id":                        p.text(&c.ID),
		"name":                      p.text(&c.Name),
		"owner":                     p.text(&c.Owner),
		"contact":                   p.text(&c.Contact),
		"profile":                   text(p, &c.Profile),
		"purpose":                   p.text(&c.Purpose),
		"sensitive":                 p.flag(&c.Sensitive),
		"auth_method":               p.text(&c.AuthMethod),
		"secret_sha256":             list(p, &c.SecretHashes),
		"old_secrets_until":         p.instant(&c.OldSecretsUntil),
		"redirect_uris":             list(p, &c.RedirectURIs),
		"post_logout_redirect_uris": list(p, &c.PostLogoutRedirectURIs),
		"grant_types":               list(p, &c.GrantTypes),
		"scopes":                    list(p, &c.Scopes),
		"audiences":                 list(p, &c.Audiences),
		"id_token_alg":              text(p, &c.IDTokenAlg),
		"access_token_format":       p.text(&c.AccessTokenFormat),
		"access_token_alg":          text(p, &c.AccessTokenAlg),
		"pkce_exception":            p.text(&c.PKCEException),
		"structure":                 p.text(&c.Structure),
		"means":                     list(p, &c.Means),
		"min_acr":                   p.text(&c.MinACR),
		"allow_offline_otp":         p.flag(&c.AllowOfflineOTP),
		"disabled":                  p.flag(&c.Disabled),

		"jwks":                            p.keySet(&c.Keys.Set),
		"jwks_uri":                        p.text(&c.Keys.URI),
		"token_endpoint_auth_signing_alg": text(p, &c.Keys.AssertionAlg),

		"tls_client_auth_subject_dn":                 p.text(&c.Certificate.SubjectDN),
		"tls_client_auth_san_dns":                    p.text(&c.Certificate.DNS),
		"tls_client_auth_san_uri":                    p.text(&c.Certificate.URI),
		"tls_client_auth_san_ip":                     p.text(&c.Certificate.IP),
		"tls_client_auth_san_email":                  p.text(&c.Certificate.Email),
		"tls_client_certificate_bound_access_tokens": p.flag(&c.Certificate.Bound),

		"request_object_signing_alg":    text(p, &c.Requests.ObjectAlg),
		"require_signed_request_object": p.flag(&c.Requests.MustSign),
		"request_uris":                  list(p, &c.Requests.URIs),
		"default_acr_values":            list(p, &c.Requests.DefaultACRs),
		"default_max_age":               p.optionalDuration(&c.Requests.DefaultMaxAge),
		"require_auth_time":             p.flag(&c.Requests.MustAuthTime),
		"consent":                       p.flag(&c.Requests.Consent),

		"userinfo_signed_response_alg":      text(p, &c.Answers.UserInfoAlg),
		"userinfo_encrypted_response_alg":   text(p, &c.Answers.UserInfoKeyAlg),
		"userinfo_encrypted_response_enc":   text(p, &c.Answers.UserInfoEnc),
		"introspection_signed_response_alg": text(p, &c.Answers.IntrospectionAlg),
		"subject_type":                      p.text(&c.Answers.SubjectType),
		"sector_identifier_uri":             p.text(&c.Answers.SectorURI),
		"claims":                            list(p, &c.Answers.Claims),

		"backchannel_logout_uri":               p.text(&c.Logout.BackchannelURI),
		"backchannel_logout_session_required":  p.flag(&c.Logout.BackchannelSession),
		"frontchannel_logout_uri":              p.text(&c.Logout.FrontchannelURI),
		"frontchannel_logout_session_required": p.flag(&c.Logout.FrontchannelSession),
		"lifetimes": p.group(map[string]key{
			"code":          p.duration(&c.Lifetimes.Code),
			"access_token":  p.duration(&c.Lifetimes.AccessToken),
			"refresh_token": p.duration(&c.Lifetimes.RefreshToken),
		}),
	}
}

// document finds the one mapping of the file.
func (p *parser) document(data []byte) (*yaml.Node, bool) {
	if len(data) > maxFile {
		p.fault("", 0, fmt.Sprintf("the file is larger than %d bytes", maxFile))
		return nil, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			p.fault("", 0, "the file is empty")
		} else {
			p.fault("", 0, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return nil, false
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		p.fault("", 0, "the file holds more than one document: write one file per client")
		return nil, false
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		p.fault("", 0, "the file must be a list of `key: value` lines")
		return nil, false
	}
	return doc.Content[0], true
}

// mapping reads each key of a mapping by its reader; what has none is unknown,
// what comes twice would have two meanings.
func (p *parser) mapping(n *yaml.Node, prefix string, keys map[string]key) {
	if n.Kind != yaml.MappingNode {
		p.fault(prefix, n.Line, "must be a list of `key: value` lines")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		path := name.Value
		if prefix != "" {
			path = prefix + "." + path
		}
		k, known := keys[name.Value]
		switch {
		case !known || name.Kind != yaml.ScalarNode:
			p.fault(path, name.Line, "unknown key"+hint(name.Value, keys))
		case seen[name.Value]:
			p.fault(path, name.Line, "stands twice in the file")
		default:
			seen[name.Value] = true
			p.lines[path] = value.Line
			k.read(value, path)
		}
	}
}

// hint offers the key that was probably meant.
func hint(got string, keys map[string]key) string {
	simple := func(s string) string {
		return strings.ToLower(strings.TrimSuffix(strings.NewReplacer("_", "", "-", "").Replace(s), "s"))
	}
	names := make([]string, 0, len(keys))
	for k := range keys {
		if simple(k) == simple(got) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
		names = append(names, k)
	}
	slices.Sort(names)
	return "; known here: " + strings.Join(names, ", ")
}
