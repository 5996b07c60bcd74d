package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

const (
	maxID     = 128 // bytes
	pointSize = 65  // bytes of an uncompressed P-256 point
	authSize  = 16  // bytes (RFC 8291 3.2)
	base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// Subscription is where and for whom a push is, as a browser gave it
// (PushSubscription.toJSON). The endpoint is a secret: who knows it and our key
// may push.
type Subscription struct {
	ID       string // our reference, a device's identifier for example; at most 128 bytes
	Endpoint string // URL of the push service for this browser
	P256DH   string // base64url of the browser's P-256 point, 65 bytes
	Auth     string // base64url of the shared secret, 16 bytes
}

// Allow is what only a sandbox may do. The zero value allows nothing.
type Allow = outbound.Allow

// Check holds a subscription to what a browser can have made: a phone chooses
// where this server will make requests to. Where a name leads is judged only when
// it is dialled. Errors: fault.Invalid.
func (s Subscription) Check(allow Allow) error {
	if s.ID == "" || len(s.ID) > maxID {
		return invalid("reference is empty or too long")
	}
	if _, err := allow.URL(s.Endpoint); err != nil {
		return err
	}
	if _, err := point(s.P256DH); err != nil {
		return err
	}
	_, err := secret(s.Auth)
	return err
}

// origin is the "aud" of RFC 8292 section 2, as RFC 6454 section 6.2 writes it.
func origin(u *url.URL) string {
	host := u.Host
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

func point(s string) (*ecdh.PublicKey, error) {
	raw, err := decode(s, pointSize)
	if err != nil {
		return nil, invalid("key is not a P-256 point")
	}
	key, err := ecdh.P256().NewPublicKey(raw) // on the curve, and not its neutral point
	if err != nil {
		return nil, invalid("key is not a P-256 point")
	}
	return key, nil
}

func secret(s string) ([]byte, error) {
	raw, err := decode(s, authSize)
	if err != nil {
		return nil, invalid("shared secret is not 16 bytes")
	}
	return raw, nil
}

// decode reads base64url of exactly size bytes; some libraries pad it.
func decode(s string, size int) ([]byte, error) {
	if len(s) > 2*size {
		return nil, invalid("too long")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(raw) != size {
		return nil, invalid("not the expected size")
	}
	return raw, nil
}

func invalid(why string) error {
	return fault.New(fault.Invalid, "", "push: "+why)
}
