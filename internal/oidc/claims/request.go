package claims

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Bounds of the claims parameter. A stranger writes it before anybody has
// proven anything: what is deeper or longer than any service needs is refused
// before it costs anything.
const (
	maxRequest       = 8 << 10
	maxRequestTokens = 800
	maxRequestDepth  = 8
)

// Request is the claims parameter of an authorization request (Core 5.5),
// reduced to what this provider acts on.
type Request struct {
	IDToken  []string // claims asked by name, in the order asked
	UserInfo []string
	Levels   []string // value or values of the ID token's acr, in order of preference
	MustACR  bool     // acr was asked as essential: another level is no answer (Core 5.5.1.1)
	Sub      string   // only this person may be answered about (Core 5.5.1)
}

// ParseRequest reads the parameter. Members and claims nobody knows are
// ignored, as Core 5.5 wants; what is no JSON, names a member twice or says
// something else than the standard's forms is fault.Invalid: a request that two
// readers may understand differently is no request.
func ParseRequest(text string) (Request, error) {
	if len(text) > maxRequest || !utf8.ValidString(text) {
		return Request{}, unreadable("is too long or not UTF-8", nil)
	}
	r := &requestReader{dec: json.NewDecoder(strings.NewReader(text)), left: maxRequestTokens}
	if err := r.document(); err != nil {
		return Request{}, err
	}
	return r.out, nil
}

func unreadable(what string, cause error) error {
	return fault.Wrap(fault.Invalid, "", "the claims parameter "+what, cause)
}

// requestReader walks the document once, token by token, and builds nothing
// from the parts that it skips.
type requestReader struct {
	dec   *json.Decoder
	left  int // tokens that may still come
	depth int
	out   Request
}

// next gives one token and keeps the count.
func (r *requestReader) next() (json.Token, error) {
	if r.left--; r.left < 0 {
		return nil, unreadable("asks for too much", nil)
	}
	t, err := r.dec.Token()
	if err != nil {
		return nil, unreadable("is not JSON", err)
	}
	switch t {
	case json.Delim('{'), json.Delim('['):
		r.depth++
	case json.Delim('}'), json.Delim(']'):
		r.depth--
	}
	if r.depth > maxRequestDepth {
		return nil, unreadable("is nested too deeply", nil)
	}
	return t, nil
}

func (r *requestReader) document() error {
	if err := r.begin(); err != nil {
		return err
	}
	err := r.members(func(name string) error {
		switch name {
		case "id_token":
			return r.claims(&r.out.IDToken, true)
		case "userinfo":
			return r.claims(&r.out.UserInfo, false)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return unreadable("goes on after its end", err)
	}
	return nil
}

// begin takes the start of an object and nothing else.
func (r *requestReader) begin() error {
	t, err := r.next()
	if err == nil && t != json.Delim('{') {
		err = unreadable("holds something else where an object belongs", nil)
	}
	return err
}

// members visits the members of the object just begun. A name that comes twice
// has two meanings (RFC 8259 4), one for us and one for somebody's filter.
func (r *requestReader) members(visit func(name string) error) error {
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.next()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return unreadable("names a member twice", nil)
		}
		seen[name] = true
		if err := visit(name); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

// claims reads one of the two members.
func (r *requestReader) claims(into *[]string, idToken bool) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	switch t {
	case nil: // the same as absent
		return nil
	case json.Delim('{'):
	default:
		return unreadable("holds something else where an object belongs", nil)
	}
	return r.members(func(name string) error {
		w, err := r.claim()
		if err != nil {
			return err
		}
		if known(name) {
			*into = append(*into, name)
		}
		switch {
		case name == claimSub:
			return r.subject(w)
		case name == claimACR && idToken:
			if w.other {
				return unreadable("asks for a level that is no text", nil)
			}
			r.out.Levels, r.out.MustACR = w.texts, w.essential && len(w.texts) > 0
		}
		return nil
	})
}

// subject keeps whom the request is about.
func (r *requestReader) subject(w wanted) error {
	switch {
	case w.other || len(w.texts) > 1:
		return unreadable("asks for a sub that is not one text", nil)
	case len(w.texts) == 0:
		return nil
	case r.out.Sub != "" && r.out.Sub != w.texts[0]:
		return unreadable("asks for two persons", nil)
	}
	r.out.Sub = w.texts[0]
	return nil
}

// skip passes over a value nobody reads.
func (r *requestReader) skip() error {
	depth := r.depth
	if _, err := r.next(); err != nil {
		return err
	}
	return r.leave(depth)
}
