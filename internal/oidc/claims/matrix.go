package claims

import (
	"slices"

	"github.com/egide-id/egide/internal/oidc/client"
)

// Row is one line of the scope-by-claim matrix (PG-40): what one scope tells one
// service about a person.
type Row struct {
	Client string   `json:"client"`
	Scope  string   `json:"scope"`  // "claims": asked for by name (Core 5.5)
	Claims []string `json:"claims"` // in wire order
	Beyond []string `json:"beyond"` // of these, what the service never declared that it needs; all of them when it declared nothing
}

// ByName is the scope of the line that tells what may be asked for by name.
const ByName = "claims"

// Matrix gives the lines of a service: one for each scope it registered, and one
// for what it may ask by name. It is computed by the functions that answer the
// service, so that it cannot say anything else than they do.
func Matrix(c *client.Client) []Row {
	rows := make([]Row, 0, len(c.Scopes)+1)
	for _, scope := range c.Scopes {
		told := Told(c, []string{client.ScopeOpenID, scope}, nil)
		if scope == client.ScopeOpenID {
			told = append([]string{claimSub}, told...)
		}
		rows = append(rows, row(c, scope, told))
	}
	asked := slices.Concat(namesOf(), recordOf())
	slices.Sort(asked)
	asked = slices.DeleteFunc(slices.Compact(asked), func(name string) bool { return !May(c, name) })
	return append(rows, row(c, ByName, asked))
}

func row(c *client.Client, scope string, told []string) Row {
	r := Row{Client: c.ID, Scope: scope, Claims: told, Beyond: []string{}}
	if told == nil {
		r.Claims = []string{}
	}
	for _, name := range told {
		if name != claimSub && !slices.Contains(c.Answers.Claims, name) {
			r.Beyond = append(r.Beyond, name)
		}
	}
	return r
}
