package client

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/netip"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/oidc/peer"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Vouching says which certificates of services a known authority stands for
// (peer.Judge).
type Vouching interface {
	Vouch(ctx context.Context, leaf *x509.Certificate) error
}

// checkTLS is tls_client_auth (RFC 8705 2.1, CA6): the certificate names the
// client, and an authority that this provider knows stands for it. The name is
// compared first: it costs nothing, and a revocation is asked for no stranger.
func (a *Authenticator) checkTLS(ctx context.Context, c *Client, p *Presented) error {
	leaf := p.Certificate
	if leaf == nil {
		return fault.New(fault.Denied, "", "no certificate")
	}
	if err := c.Certificate.named(leaf); err != nil {
		return err
	}
	if c.Structure != "" {
		if err := peer.SpeaksFor(leaf, c.Structure); err != nil {
			return err
		}
	}
	return a.vouching.Vouch(ctx, leaf)
}

// named tells whether the certificate carries the registered name.
func (c Certificate) named(leaf *x509.Certificate) error {
	has := false
	switch {
	case c.SubjectDN != "":
		want, err := peer.ParseName(c.SubjectDN)
		if err != nil {
			return err
		}
		got, err := peer.SubjectOf(leaf)
		if err != nil {
			return err
		}
		has = got.Equal(want)
	case c.DNS != "":
		has = peer.HasAlt(leaf, peer.DNS, []byte(c.DNS))
	case c.URI != "":
		has = peer.HasAlt(leaf, peer.URI, []byte(c.URI))
	case c.Email != "":
		has = peer.HasAlt(leaf, peer.Email, []byte(c.Email))
	case c.IP != "":
		address, err := netip.ParseAddr(c.IP)
		has = err == nil && peer.HasAlt(leaf, peer.IP, address.Unmap().AsSlice())
	}
	if !has {
		return fault.New(fault.Denied, "", "the certificate names somebody else")
	}
	return nil
}

// checkSelfSigned is self_signed_tls_client_auth (RFC 8705 2.2): the certificate
// is, octet for octet, one that the client's own key set carries. Nobody vouches
// for it, so that its time is all that is left to check.
func (a *Authenticator) checkSelfSigned(ctx context.Context, c *Client, p *Presented) error {
	leaf := p.Certificate
	if leaf == nil {
		return fault.New(fault.Denied, "", "no certificate")
	}
	if err := peer.Strong(leaf); err != nil {
		return err
	}
	if err := peer.Valid(leaf, a.clock.Now()); err != nil {
		return err
	}
	return a.keys.HasCertificate(ctx, c, leaf)
}

// holdsCertificate finds a certificate among the keys' own. Only the first of an
// x5c is the key's; those after it are its authorities.
func holdsCertificate(keys []jose.JSONWebKey, leaf *x509.Certificate) error {
	for _, k := range keys {
		if len(k.Certificates) > 0 && bytes.Equal(k.Certificates[0].Raw, leaf.Raw) {
			return nil
		}
	}
	return fault.New(fault.NotFound, "", "no key of the client carries this certificate")
}

func hasCertificate(set *jose.JSONWebKeySet) bool {
	for _, k := range set.Keys {
		if len(k.Certificates) > 0 {
			return true
		}
	}
	return false
}
