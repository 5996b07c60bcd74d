package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// vouches is an authority of services that says what it is told to.
type vouches struct{ err error }

func (v *vouches) Vouch(context.Context, *x509.Certificate) error { return v.err }

// leafOf makes a certificate of a key, signed by that key.
func leafOf(t *testing.T, key *ecdsa.PrivateKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(counted.Add(1)), Subject: pkix.Name{CommonName: "logiciel", Country: []string{"FR"}},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// withVouching is a bed that knows authorities of services.
func withVouching(t *testing.T) (*bed, *vouches) {
	b, v := newBed(t), &vouches{}
	b.Authenticator = NewAuthenticator(AuthenticatorDeps{Clients: b.registry, Keys: b.keys, Vouching: v, KV: b.kv, Clock: b.clock})
	return b, v
}

func by(id string, leaf *x509.Certificate) Presented { return Presented{PostID: id, Certificate: leaf} }

func TestCA6EveryKindOfName(t *testing.T) {
	b, v := withVouching(t)
	key := newKey(t)
	address, err := url.Parse("urn:service:logiciel")
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafOf(t, key, func(c *x509.Certificate) {
		c.DNSNames, c.URIs, c.EmailAddresses = []string{"a.example.org", "*.example.org"}, []*url.URL{address}, []string{"a@example.org"}
		c.IPAddresses = []net.IP{net.ParseIP("2001:db8::1"), net.IPv4(192, 0, 2, 1)}
	})
	for id, name := range map[string]Certificate{
		"dn": {SubjectDN: "CN=logiciel,C=FR"}, "dns": {DNS: "A.example.org"}, "uri": {URI: "urn:service:logiciel"},
		"ip4": {IP: "192.0.2.1"}, "ip6": {IP: "2001:db8:0::1"}, "email": {Email: "a@example.org"},
	} {
		b.register(id, func(c *Client) { c.AuthMethod, c.Certificate = AuthTLS, name })
		if c, err := b.show(by(id, leaf)); err != nil || c.ID != id || !c.BindsCertificate() {
			t.Errorf("%s: %v", id, err)
		}
		v.err = fault.New(fault.Denied, "", "nobody vouches")
		if _, err := b.show(by(id, leaf)); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: a name is enough: %v", id, err)
		}
		v.err = fault.New(fault.Unavailable, "", "revocation unknown")
		if _, err := b.show(by(id, leaf)); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", id, err)
		}
		v.err = nil
	}
	for id, name := range map[string]Certificate{
		"other-dn": {SubjectDN: "CN=logiciel,O=x,C=FR"}, "under-wildcard": {DNS: "b.example.org"}, "other-uri": {URI: "urn:service:autre"},
		"other-ip": {IP: "192.0.2.2"}, "other-email": {Email: "b@example.org"}, "cn-as-host": {DNS: "logiciel"},
	} {
		b.register(id, func(c *Client) { c.AuthMethod, c.Certificate = AuthTLS, name })
		if _, err := b.show(by(id, leaf)); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// A method is what was registered: a certificate beside another credential, no
// certificate, or one shown for a client of another method proves nothing.
func TestCA6MethodsDoNotMix(t *testing.T) {
	b, _ := withVouching(t)
	leaf := leafOf(t, newKey(t), nil)
	b.register("tls", func(c *Client) { c.AuthMethod, c.Certificate = AuthTLS, Certificate{SubjectDN: "CN=logiciel,C=FR"} })
	b.register("secret", func(c *Client) { c.AuthMethod, c.SecretHashes = AuthPost, []string{HashSecret("s")} })
	for attack, p := range map[string]Presented{
		"no certificate":                    by("tls", nil),
		"a secret beside it":                {PostID: "tls", PostSecret: "s", HasPostSecret: true, Certificate: leaf},
		"a header beside it":                {PostID: "tls", BasicID: "tls", BasicSecret: "s", HasBasic: true, Certificate: leaf},
		"an assertion beside it":            {PostID: "tls", Assertion: b.ec.Sign(t, "", b.claims("iss", "tls", "sub", "tls")), AssertionType: AssertionType, Audiences: []string{here}, Certificate: leaf},
		"for a client with a secret":        by("secret", leaf),
		"for a client that signs":           by("signs", leaf),
		"for a client that does not exist":  by("nobody", leaf),
		"a wrong secret and a certificate":  {PostID: "secret", PostSecret: "x", HasPostSecret: true, Certificate: leaf},
		"an assertion of another, with one": {PostID: "signs", Assertion: b.rs.Sign(t, "", b.claims("iss", "twin", "sub", "twin")), AssertionType: AssertionType, Audiences: []string{here}, Certificate: leaf},
	} {
		if c, err := b.show(p); err == nil {
			t.Errorf("%s: taken for %s", attack, c.ID)
		}
	}
	if _, err := b.show(Presented{PostID: "secret", PostSecret: "s", HasPostSecret: true, Certificate: leaf}); err != nil {
		t.Errorf("a certificate for binding disturbs another method: %v", err)
	}
	without := newBed(t)
	without.register("tls", func(c *Client) { c.AuthMethod, c.Certificate = AuthTLS, Certificate{SubjectDN: "CN=logiciel,C=FR"} })
	if _, err := without.show(by("tls", leaf)); !fault.Is(err, fault.Denied) {
		t.Errorf("a provider that knows no authority: %v", err)
	}
}

func TestCA6SelfSigned(t *testing.T) {
	b, v := withVouching(t)
	v.err = fault.New(fault.Denied, "", "nobody vouches for it, and nobody has to")
	key := newKey(t)
	leaf := leafOf(t, key, nil)
	set := func(leaves ...*x509.Certificate) *jose.JSONWebKeySet {
		return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Certificates: leaves}}}
	}
	b.register("own", func(c *Client) { c.AuthMethod, c.Keys.Set = AuthSelfSignedTLS, set(leaf) })
	if c, err := b.show(by("own", leaf)); err != nil || !c.BindsCertificate() {
		t.Fatal(err)
	}
	for attack, other := range map[string]*x509.Certificate{
		"nothing":                              nil,
		"another key under the same name":      leafOf(t, newKey(t), nil),
		"another certificate for the same key": leafOf(t, key, nil),
	} {
		if _, err := b.show(by("own", other)); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", attack, err)
		}
	}
	b.clock.Advance(365 * 24 * time.Hour)
	if _, err := b.show(by("own", leaf)); !fault.Is(err, fault.Denied) {
		t.Errorf("expired: %v", err)
	}
}

// The certificate may be published; a new one is seen at once, a site that is
// down is no proof.
func TestCA6CA7SelfSignedAtTheServicesSite(t *testing.T) {
	b, _ := withVouching(t)
	key, next := newKey(t), newKey(t)
	first, second := leafOf(t, key, nil), leafOf(t, next, nil)
	const site = "https://a.invalid/jwks"
	publish := func(key *ecdsa.PrivateKey, leaf *x509.Certificate) {
		b.sites.SetJSON(t, site, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Certificates: []*x509.Certificate{leaf}}}})
	}
	b.register("own", func(c *Client) { c.AuthMethod, c.Keys.URI = AuthSelfSignedTLS, site })
	if _, err := b.show(by("own", first)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the site is down: %v", err)
	}
	b.clock.Advance(time.Minute)
	publish(key, first)
	if _, err := b.show(by("own", first)); err != nil {
		t.Fatal(err)
	}
	publish(next, second)
	b.clock.Advance(keysPause)
	if _, err := b.show(by("own", second)); err != nil {
		t.Errorf("the new certificate: %v", err)
	}
	if _, err := b.show(by("own", first)); !fault.Is(err, fault.Denied) {
		t.Errorf("the one that was taken back: %v", err)
	}
}

func TestCertificateAtRegistration(t *testing.T) {
	key := newKey(t)
	withLeaf := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Certificates: []*x509.Certificate{leafOf(t, key, nil)}}}}
	bare := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}}
	tls := func(c Certificate) func(*Client) {
		return func(to *Client) { to.AuthMethod, to.Certificate = AuthTLS, c }
	}
	for _, c := range []struct {
		name   string
		change func(*Client)
		path   string // of the fault; empty: good
	}{
		{"a subject", tls(Certificate{SubjectDN: `CN=a\,b,C=FR`}), ""},
		{"a host", tls(Certificate{DNS: "a.example.org"}), ""},
		{"a URI", tls(Certificate{URI: "https://a.example.org/x"}), ""},
		{"a self-signed certificate", func(c *Client) { c.AuthMethod, c.Keys.Set = AuthSelfSignedTLS, withLeaf }, ""},
		{"one that is published", func(c *Client) { c.AuthMethod, c.Keys.URI = AuthSelfSignedTLS, "https://a.invalid/jwks" }, ""},
		{"bound tokens with a secret", func(c *Client) {
			c.AuthMethod, c.SecretHashes, c.Certificate.Bound = AuthBasic, []string{HashSecret("s")}, true
		}, ""},
		{"bound tokens of a public client", func(c *Client) { c.AuthMethod, c.Certificate.Bound = AuthNone, true }, ""},
		{"no name", tls(Certificate{}), "tls_client_auth_subject_dn"},
		{"two names", tls(Certificate{SubjectDN: "CN=a", DNS: "a.example.org"}), "tls_client_auth_subject_dn"},
		{"no subject", tls(Certificate{SubjectDN: "logiciel"}), "tls_client_auth_subject_dn"},
		{"a wildcard", tls(Certificate{DNS: "*.example.org"}), "tls_client_auth_san_dns"},
		{"a relative URI", tls(Certificate{URI: "/a"}), "tls_client_auth_san_uri"},
		{"a network", tls(Certificate{IP: "192.0.2.0/24"}), "tls_client_auth_san_ip"},
		{"a zone", tls(Certificate{IP: "fe80::1%eth0"}), "tls_client_auth_san_ip"},
		{"no mailbox", tls(Certificate{Email: "@example.org"}), "tls_client_auth_san_email"},
		{"a secret too", func(c *Client) {
			tls(Certificate{SubjectDN: "CN=a"})(c)
			c.SecretHashes = []string{HashSecret("s")}
		}, "secret_sha256"},
		{"a name without the method", func(c *Client) {
			c.AuthMethod, c.SecretHashes, c.Certificate.DNS = AuthBasic, []string{HashSecret("s")}, "a.example.org"
		}, "tls_client_auth_san_dns"},
		{"no keys", func(c *Client) { c.AuthMethod = AuthSelfSignedTLS }, "jwks"},
		{"keys without a certificate", func(c *Client) { c.AuthMethod, c.Keys.Set = AuthSelfSignedTLS, bare }, "jwks"},
		{"self-signed for a structure", func(c *Client) {
			c.AuthMethod, c.Keys.Set, c.GrantTypes, c.Structure = AuthSelfSignedTLS, withLeaf, []string{GrantClientCredentials}, "1990000119"
		}, "grant_types"},
		{"a psc client by certificate", func(c *Client) {
			tls(Certificate{SubjectDN: "CN=a"})(c)
			c.Profile = ProfilePSC
		}, ""},
	} {
		own := &Client{ID: "x", Name: "Service", Profile: ProfileOIDC, RedirectURIs: []string{"https://a.invalid/cb"}}
		c.change(own)
		own.fillDefaults()
		faults := own.Check()
		if c.path == "" && len(faults) > 0 || c.path != "" && (len(faults) == 0 || faults[0].Path != c.path) {
			t.Errorf("%s: %v, want one at %q", c.name, faults, c.path)
		}
	}
}
