package device

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Enrol makes a phone: two fresh keys, bound to the holder by the invitation
// (the URL as the provider gave it, code in the fragment). The PIN is checked
// here for triviality (PG-15) and then lives only in what is derived from it
// and the secret, each time anew.
// Errors: fault.Invalid (PF-EC-039 for the PIN), *Refusal, network errors.
func Enrol(ctx context.Context, client *http.Client, invitation, pin string, o Options) (*Phone, error) {
	offer, err := NewOffer()
	if err != nil {
		return nil, err
	}
	return offer.Enrol(ctx, client, invitation, pin, o)
}

// Offer is a phone that has its device key and nobody's e-CPS yet: an old phone
// invites it by the hash of that key.
type Offer struct{ key *ecdsa.PrivateKey }

// NewOffer makes the device key.
func NewOffer() (*Offer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "no device key", err)
	}
	return &Offer{key: key}, nil
}

// Name is the hash of the device key, as the new phone's QR shows it.
func (f *Offer) Name() (string, error) {
	key, err := ecps.EncodeDeviceKey(&f.key.PublicKey)
	return ecps.Hash(key), err
}

// Enrol is Enrol with the key that was offered.
func (f *Offer) Enrol(ctx context.Context, client *http.Client, invitation, pin string, o Options) (*Phone, error) {
	if err := ecps.CheckPIN(pin); err != nil {
		return nil, err
	}
	base, code, err := readInvitation(invitation)
	if err != nil {
		return nil, err
	}
	p := &Phone{http: client, o: o.filled(), base: base, key: f.key}
	var params ecps.Parameters
	if err := p.exchange(ctx, http.MethodGet, ecps.PathParameters, "", nil, &params); err != nil {
		return nil, err
	}
	p.setClock(params.Time)
	token, err := p.forge(params, code, pin)
	if err != nil {
		return nil, err
	}
	body, err := ecps.Encode(ecps.EnrolmentSubmission{Enrolment: token})
	if err != nil {
		return nil, err
	}
	var done ecps.Enrolled
	if err := p.exchange(ctx, http.MethodPost, ecps.PathDevices, "", body, &done); err != nil {
		return nil, err
	}
	p.state.Device, p.state.Holder, p.state.ExpiresAt = done.Device, done.Holder, done.ExpiresAt
	return p, p.keep([]string{done.Ratchet})
}

// forge makes the keys and signs the enrolment with both.
func (p *Phone) forge(params ecps.Parameters, code, pin string) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "device key cannot be kept", err)
	}
	secret := make([]byte, ecps.SecretSize)
	if _, err := io.ReadFull(p.o.Rand, secret); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	p.state = state{
		V: ecps.Version, Base: p.base.String(), Issuer: params.Issuer, Rounds: max(params.Rounds, p.o.Rounds),
		Key: base64.RawURLEncoding.EncodeToString(der), Secret: base64.RawURLEncoding.EncodeToString(secret),
	}
	pinKey, err := ecps.PINKey(pin, secret, p.state.Rounds)
	if err != nil {
		return "", err
	}
	return ecps.SignEnrolment(p.key, pinKey, ecps.Enrolment{
		V: ecps.Version, Issuer: params.Issuer, Invitation: code, Rounds: p.state.Rounds, Label: p.o.Label, Time: p.now().Unix(),
	})
}

func readInvitation(s string) (base *url.URL, code string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Fragment == "" {
		return nil, "", fault.New(fault.Invalid, ecps.CodeInvitation, "an invitation is a URL with its code after the #")
	}
	code = u.Fragment
	u.Fragment, u.RawFragment = "", ""
	if bare, ok := strings.CutPrefix(code, ecps.FragmentInvitation+"="); ok { // the address of the app, whose API is beside it
		code, u.Path = bare, apiPath
	}
	base, err = address(u.String())
	return base, code, err
}

// apiPath is where the device API lives beside the app.
const apiPath = "/ecps/v1"

// address accepts https, and http on the loopback for the sandbox.
func address(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return nil, fault.New(fault.Invalid, "", "the provider's address is not a URL")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return nil, fault.New(fault.Invalid, "", "the provider's address must be https")
	}
	return u, nil
}
