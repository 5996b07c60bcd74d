// Package environments starts the demonstration in the shapes that operators
// give it: two hosts, https, somebody's own client file.
package environments

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// The authorization endpoint lives on another host than the issuer, as in the
// real service (pro-sante-connect.md 0.2): login, second name of the endpoint,
// single sign-on and logout go through both.
func TestME2LO1AuthorizationOnAnotherHost(t *testing.T) {
	addr, err := harness.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	d := harness.Start(t, func(o *demo.Options) {
		o.Addr, o.AuthorizationURL = addr, "http://localhost:"+port+"/auth"
	})
	b := harness.NewBrowser(t, func(u *url.URL) bool { return u.Port() == "9402" })
	c := d.Client(t, "demo-oidc")
	ask := func(endpoint, state string) string {
		return endpoint + "?" + url.Values{
			"response_type": {"code"}, "client_id": {c.ID}, "redirect_uri": {c.RedirectURIs[0]}, "scope": {"openid"}, "state": {state},
			"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		}.Encode()
	}
	if arrived := b.SignIn(ask(d.Sheet.AuthorizationEndpoint, "one"), d.Login(t, "approve-300ms")); arrived == nil || arrived.Query().Get("code") == "" {
		t.Fatalf("arrived at %v", arrived)
	}
	b.Get(ask(d.Sheet.Issuer+"/protocol/openid-connect/auth", "two"))
	if b.Arrived == nil || b.Arrived.Query().Get("code") == "" || b.Arrived.Query().Get("iss") != d.Sheet.Issuer {
		t.Fatalf("second name of the endpoint: arrived at %v", b.Arrived)
	}
	logoutOnTwoHosts(t, d, b, ask)
}

// The session's cookie is on the front, the logout's address on the issuer: a
// hint ends its session from either side, without one the browser is asked at
// the front (architecture, point 12).
func logoutOnTwoHosts(t *testing.T, d *harness.Demo, b *harness.Browser, ask func(endpoint, state string) string) {
	t.Helper()
	silent := func() string {
		b.Get(ask(d.Sheet.AuthorizationEndpoint, "silent") + "&prompt=none")
		return b.Arrived.Query().Get("error")
	}
	end := d.Sheet.Issuer + "/protocol/openid-connect/logout"
	b.Get(end)
	if !b.Page.Has("logout-yes") || silent() != "" {
		t.Errorf("without a hint the issuer's host asks nothing: %s", b.Page.Body)
	}
	b.Get(end)
	b.Submit("logout-yes", nil)
	if !b.Page.Has("logged-out") || silent() != "login_required" {
		t.Errorf("yes on the front ended nothing: %s", b.Page.Body)
	}
}

func TestOwnCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	d := harness.Start(t, func(o *demo.Options) { o.TLSCert, o.TLSKey = cert, key })
	if u, err := url.Parse(d.Sheet.Issuer); err != nil || u.Scheme != "https" {
		t.Fatalf("issuer %s", d.Sheet.Issuer)
	}
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.Trust(cert)
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	ours := 0
	for _, cookie := range b.Page.Cookies {
		if strings.HasPrefix(cookie.Name, "dmp_") {
			continue // the service itself speaks http here
		}
		ours++
		if !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("over https a cookie is %s", cookie)
		}
	}
	if ours == 0 {
		t.Error("the provider set no cookie")
	}
	b.Finish(d.Login(t, "approve-300ms"))
	if !b.Page.Has("consult") {
		t.Fatalf("not inside the DMP: %s", b.Page.Body)
	}
	// LO7: the state of the session is for frames in other sites' pages; it alone
	// is sent across sites and read by script.
	front, err := url.Parse(d.Sheet.AuthorizationEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	if held := b.Cookies(front); !slices.ContainsFunc(held, func(c *http.Cookie) bool { return c.Name == "__Host-egide-state" }) {
		t.Errorf("cookies after the login: %v", held)
	}
}

// A broken client file stops the start with every fault; a good one is served.
func TestOwnClientFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	body := "id: mine\nname: Mon service\nowner: Essai\ncontact: essai@exemple.invalid\npurpose: essai\nprofile: oidc\nauth_method: none\n" +
		"redirect_uris: [\"http://127.0.0.1:9999/cb\"]\ngrant_types: [authorization_code]\nscopes: [openid]\n"
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	d := harness.Start(t, func(o *demo.Options) { o.ClientFiles = []string{file} })
	if _, err := d.Provider.Clients().Lookup("mine"); err != nil {
		t.Fatal(err)
	}
}

func certificate(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.System{}.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "egide demo"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
