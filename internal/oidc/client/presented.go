package client

import (
	"math/bits"
	"net/url"
)

// Presented is what a caller sent to authenticate as a client. The Basic parts
// are those of the header as decoded from base64, still form-urlencoded.
type Presented struct {
	BasicID, BasicSecret string
	HasBasic             bool
	PostID, PostSecret   string
	HasPostSecret        bool
}

// credentials is a set of ways to show who one is.
type credentials uint8

const (
	inHeader credentials = 1 << iota // a secret in the Authorization header
	inBody                           // a secret in the form
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
	return c
}

// ClientID gives the identifier presented, before anything is proven. Named in
// several places, it must be the same in all (TK4).
func (p *Presented) ClientID() (string, bool) {
	id := p.PostID
	if p.HasBasic {
		basic, err := url.QueryUnescape(p.BasicID)
		if err != nil || basic == "" || id != "" && id != basic {
			return "", false
		}
		id = basic
	}
	return id, id != ""
}
