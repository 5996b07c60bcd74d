package client

import (
	"cmp"
	"crypto/x509"
	"math/bits"
	"net/url"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/jwt"
)

// Presented is what a caller sent to authenticate as a client. The Basic parts
// are those of the header as decoded from base64, still form-urlencoded.
type Presented struct {
	BasicID, BasicSecret string
	HasBasic             bool
	PostID, PostSecret   string
	HasPostSecret        bool

	Assertion, AssertionType string   // client_assertion and its type (RFC 7521 4.2)
	Audiences                []string // what an assertion may be addressed to: the issuer, then the endpoint called

	Certificate *x509.Certificate // proven by the connection; no credential unless the client's method is one by certificate

	token *jwt.Token // the assertion taken apart, nothing of it proven
}

// credentials is a set of ways to show who one is.
type credentials uint8

const (
	inHeader credentials = 1 << iota // a secret in the Authorization header
	inBody                           // a secret in the form
	signed                           // an assertion
)

func (c credentials) several() bool { return bits.OnesCount8(uint8(c)) > 1 }

// shown tells what the caller sent.
func (p *Presented) shown() credentials {
	var c credentials
	if p.HasBasic {
		c |= inHeader
	}
	if p.HasPostSecret {
		c |= inBody
	}
	if p.Assertion != "" || p.AssertionType != "" {
		c |= signed
	}
	return c
}

// ClientID gives the identifier presented, before anything is proven. Named in
// several places, it must be the same in all (TK4). Errors: fault.Invalid when it
// is missing or differs, fault.Denied when an assertion cannot be read.
func (p *Presented) ClientID() (string, error) {
	named := []string{p.PostID}
	if p.HasBasic {
		basic, err := url.QueryUnescape(p.BasicID)
		if err != nil || basic == "" {
			return "", unnamed()
		}
		named = append(named, basic)
	}
	if p.Assertion != "" {
		token, err := jwt.Parse(p.Assertion)
		if err != nil {
			return "", refused(err)
		}
		sub := token.Peek("sub") // a request object has none (CA4)
		if sub == "" {
			return "", refused(nil)
		}
		p.token, named = token, append(named, sub)
	}
	id := ""
	for _, name := range named {
		if name != "" && id != "" && name != id {
			return "", unnamed()
		}
		id = cmp.Or(id, name)
	}
	if id == "" {
		return "", unnamed()
	}
	return id, nil
}

func unnamed() error {
	return fault.New(fault.Invalid, "", "the client is missing or named in two different ways")
}
