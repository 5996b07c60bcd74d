package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/config"
)

const servicesURL = "https://services.example.org/auth/realms/esante-wallet"

// houseAuthority writes a root of the house's own and gives what it certifies.
func houseAuthority(t *testing.T) (file string, issue func(name string) *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certify := func(template, parent *x509.Certificate) *x509.Certificate {
		template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		template.BasicConstraintsValid = true
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "House"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root = certify(root, root)
	file = filepath.Join(t.TempDir(), "house.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, func(name string) *x509.Certificate {
		return certify(&x509.Certificate{
			Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}, root)
	}
}

// D7, RFC 9440: behind a proxy that ends TLS its header is the certificate. The
// same header from anybody else, and at any other door, is a lie.
func TestD7CertificateHeaderOfATrustedProxyOnly(t *testing.T) {
	file, issue := houseAuthority(t)
	p, _ := node(t, Production, func(c *Config) {
		c.TrustedProxies = []string{"192.0.2.10"}
		c.MTLS = MTLSConfig{URL: servicesURL, Proxy: true, UnknownRevocation: acceptUnknown, Authorities: []MTLSAuthority{{Issuer: file}}}
		if faults := c.Validate(); len(faults) > 0 {
			t.Fatal(faults)
		}
	})
	if err := p.Clients().Add(&client.Client{
		ID: "logiciel", Name: "Logiciel", Profile: client.ProfileOIDC, AuthMethod: client.AuthTLS, RedirectURIs: []string{"https://a.example.org/cb"},
		Owner: "x", Contact: "x", Purpose: "x", Certificate: client.Certificate{SubjectDN: "CN=logiciel"},
	}); err != nil {
		t.Fatal(err)
	}
	field := func(c *x509.Certificate) string { return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":" }
	own, other := field(issue("logiciel")), field(issue("autre"))
	ask := func(door http.Handler, base, from string, fields ...string) int {
		form := url.Values{"client_id": {"logiciel"}, "token": {"unknown"}}.Encode()
		r := httptest.NewRequest(http.MethodPost, base+"/protocol/openid-connect/token/introspect", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = from
		for _, f := range fields {
			r.Header.Add("Client-Cert", f)
		}
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, r)
		return rec.Code
	}
	const proxy, realm = "192.0.2.10:4711", "https://auth.example.org/auth/realms/esante-wallet"
	if status := ask(p.ForCertificates(), servicesURL, proxy, own); status != http.StatusOK {
		t.Fatalf("the proxy's: %d", status)
	}
	for attack, status := range map[string]int{
		"from elsewhere":           ask(p.ForCertificates(), servicesURL, "192.0.2.11:4711", own),
		"at the ordinary door":     ask(p, realm, proxy, own),
		"another's":                ask(p.ForCertificates(), servicesURL, proxy, other),
		"two":                      ask(p.ForCertificates(), servicesURL, proxy, other, own),
		"none":                     ask(p.ForCertificates(), servicesURL, proxy),
		"nonsense":                 ask(p.ForCertificates(), servicesURL, proxy, ":nonsense:"),
		"a list, the right behind": ask(p.ForCertificates(), servicesURL, proxy, other+", "+own),
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("%s: %d", attack, status)
		}
	}
}

// ME7: what there is not is not announced.
func TestME5ME7NoDoorForCertificates(t *testing.T) {
	p, _ := node(t, Production)
	body := get(p, "/auth/realms/esante-wallet/.well-known/openid-configuration").Body.String()
	if !strings.Contains(body, `"tls_client_certificate_bound_access_tokens":false`) || strings.Contains(body, "mtls_endpoint_aliases") || strings.Contains(body, "tls_client_auth") {
		t.Errorf("%s", body)
	}
	if doors, err := p.mtlsListener(t.Context()); err != nil || len(doors) > 0 {
		t.Errorf("%v %v", doors, err)
	}
}

func TestFaultsOfTheDoorForCertificates(t *testing.T) {
	whole := func(c *Config) {
		c.MTLS = MTLSConfig{Listen: ":8443", URL: servicesURL, Cert: "c.pem", Key: "k.pem", UnknownRevocation: refuseUnknown,
			Authorities: []MTLSAuthority{{Issuer: "i.pem", Root: "r.pem", CRL: "http://crl.example.org/l"}}}
	}
	c := good()
	whole(&c)
	if faults := c.Validate(); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	for path, spoil := range map[string]func(*Config){
		"mtls.url":                   func(c *Config) { c.MTLS.URL = "https://auth.example.org/services" }, // the browsers' host
		"mtls.listen":                func(c *Config) { c.MTLS.Listen = "8443" },
		"mtls.cert":                  func(c *Config) { c.MTLS.Key = "" },
		"mtls.proxy":                 func(c *Config) { c.MTLS.Proxy, c.MTLS.Cert, c.MTLS.Key = true, "", "" },
		"mtls.unknown_revocation":    func(c *Config) { c.MTLS.UnknownRevocation = "ignore" },
		"mtls.authorities[0].issuer": func(c *Config) { c.MTLS.Authorities[0].Issuer = "" },
		"mtls.authorities[0].ocsp":   func(c *Config) { c.MTLS.Authorities[0].CRL = "" },
		"mtls.authorities[0].crl":    func(c *Config) { c.MTLS.Authorities[0].CRL = "ldap://crl.example.org" },
	} {
		c := good()
		whole(&c)
		spoil(&c)
		if !slices.ContainsFunc(c.Validate(), func(f config.Fault) bool { return f.Path == path }) {
			t.Errorf("%s: not found in %v", path, c.Validate())
		}
	}
	for _, address := range []string{"http://services.example.org/r", "https://services.example.org/r/", "https://services.example.org/r?x", "services"} {
		c := good()
		whole(&c)
		c.MTLS.URL = address
		if len(c.Validate()) == 0 {
			t.Errorf("%s is a good address", address)
		}
	}
	half := good()
	half.MTLS.Cert, half.MTLS.Key = "c.pem", "k.pem"
	if len(half.Validate()) == 0 {
		t.Error("a certificate without an address is good")
	}
}
