package claims

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	claimSub = "sub"
	claimACR = "acr"
)

// namesOf are the claims of scope profile (Core 5.4); with the claims of PSC's
// record they are all that can be asked for by name. What every document has
// anyway (sub, acr, auth_time) needs no asking.
func namesOf() []string {
	return []string{"name", "given_name", "family_name", "preferred_username"}
}

// recordOf are the claims of scopes identity and scope_all, in wire order.
func recordOf() []string {
	return []string{
		"Secteur_Activite", "SubjectOrganization", "Mode_Acces_Raison", "preferred_username", "given_name", "Acces_Regulation_Medicale",
		"UITVersion", "authMode", "Palier_Authentification", "SubjectRefPro", "SubjectOrganizationID", "SubjectRole", "PSI_Locale",
		"otherIds", "SubjectNameID", "PSISubjectNameID", "family_name",
	}
}

// known tells that a claim can be asked for by name. Others are ignored (Core 5.5).
func known(name string) bool {
	return slices.Contains(namesOf(), name) || slices.Contains(recordOf(), name)
}

// May tells whether a service may have a claim at all: one of the scopes it
// registered covers it and, when it declared the claims it needs, this is one of
// them (PG-40). Asking by name opens nothing beyond.
func May(c *client.Client, name string) bool {
	if c.Pairwise() && slices.Contains(client.Correlating(), name) {
		return false
	}
	if len(c.Answers.Claims) > 0 && !slices.Contains(c.Answers.Claims, name) {
		return false
	}
	whole := slices.Contains(c.Scopes, client.ScopeAll) || slices.Contains(c.Scopes, client.ScopeIdentity)
	return whole && slices.Contains(recordOf(), name) ||
		slices.Contains(c.Scopes, client.ScopeProfile) && slices.Contains(namesOf(), name)
}

// With gives the document with the claims that were asked for by name, as far
// as the service may have them and they are not there already. What is not
// known of the person is left out (Core 5.3.2).
func With(document any, asked []string, c *client.Client, p rpps.Professional, a authn.Authentication) (any, error) {
	asked = slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return !May(c, name) })
	if len(asked) == 0 {
		return document, nil
	}
	record := professional(p, a)
	record.Name = fullName(p)
	values, err := members(record)
	if err != nil {
		return nil, err
	}
	there, err := members(document)
	if err != nil {
		return nil, err
	}
	e := extended{document: document}
	for _, name := range asked {
		value := values[name]
		if _, has := there[name]; has || empty(value) {
			continue
		}
		there[name] = value
		e.more = append(e.more, member{name, value})
	}
	return e, nil
}

// Addressed gives the document with who says it and to whom: what a signed
// UserInfo answer has beside its claims (Core 5.3.2).
func Addressed(document any, issuer, audience string) any {
	return extended{document: document, more: []member{{"iss", text(issuer)}, {"aud", text(audience)}}}
}

func text(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string: cannot fail
	}
	return b
}

// members takes a document apart.
func members(document any) (map[string]json.RawMessage, error) {
	body, err := Encode(document)
	if err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fault.Wrap(fault.Internal, "", "claims cannot be taken apart", err)
	}
	return m, nil
}

func empty(value json.RawMessage) bool {
	switch string(value) {
	case "", `""`, "null", "[]":
		return true
	}
	return false
}

// extended is a document with members of its own behind those of its shape.
type extended struct {
	document any
	more     []member
}

type member struct {
	name  string
	value json.RawMessage
}

// MarshalJSON implements json.Marshaler.
func (e extended) MarshalJSON() ([]byte, error) {
	body, err := Encode(e.document)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(bytes.TrimSuffix(body, []byte{'}'}))
	for _, m := range e.more {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + m.name + `":`) // one of our own names: nothing to escape
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Told lists the claims about the person that a service will read: those of the
// granted scopes, and those asked by name that it may have.
func Told(c *client.Client, scope, asked []string) []string {
	var told []string
	switch {
	case slices.Contains(scope, client.ScopeAll) || slices.Contains(scope, client.ScopeIdentity):
		told = recordOf()
		if c.Profile == client.ProfileOIDC && slices.Contains(scope, client.ScopeProfile) {
			told = append(told, "name")
		}
	case c.Profile == client.ProfilePSC:
		told = []string{"preferred_username", "given_name", "authMode", "otherIds", "SubjectNameID", "PSISubjectNameID", "family_name"}
	case slices.Contains(scope, client.ScopeProfile):
		told = namesOf()
	}
	if c.Pairwise() {
		told = slices.DeleteFunc(told, func(name string) bool { return slices.Contains(client.Correlating(), name) })
	}
	for _, name := range asked {
		if May(c, name) && !slices.Contains(told, name) {
			told = append(told, name)
		}
	}
	if c.Pairwise() {
		told = slices.DeleteFunc(told, func(name string) bool { return slices.Contains(client.Correlating(), name) })
	}
	return told
}
