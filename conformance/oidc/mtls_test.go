package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/jwt/jwttest"
	"github.com/egide-id/egide/internal/provider/demo"
	"github.com/egide-id/egide/internal/trust/pki"
)

func TestCertificates(t *testing.T) {
	d := harness.Start(t)
	t.Run("CA6TK11ServiceByCertificate", func(t *testing.T) { byCertificate(t, d) })
	t.Run("CA6Attacks", func(t *testing.T) { certificateAttacks(t, d) })
	t.Run("CA6SelfSigned", func(t *testing.T) { selfSigned(t, d) })
	t.Run("DP5PersonsToken", func(t *testing.T) { boundPerson(t, d) })
	t.Run("DP5CA2CA5AssertionAndBinding", func(t *testing.T) { boundAssertion(t, d) })
	t.Run("ME5DP7Metadata", func(t *testing.T) { aliases(t, d) })
	t.Run("DP7NothingForBrowsers", func(t *testing.T) { nothingForBrowsers(t, d) })
	t.Run("DP7AskedOnItsOwnDoorOnly", func(t *testing.T) { askedWhere(t, d) })
}

const tlsClient = "demo-structure-tls"

func thumbprint(c tls.Certificate) string {
	sum := crypto.SHA256.New()
	sum.Write(c.Certificate[0])
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

func byCertificate(t *testing.T, d *harness.Demo) {
	own := d.Structure(t)
	caller := d.Caller(t, own)
	for range 2 { // a new connection, then the same
		r := caller.ServiceToken(tlsClient)
		if r.Status != http.StatusOK || r.Text("token_type") != "Bearer" || r.JSON["refresh_token"] != nil || r.JSON["id_token"] != nil {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		about := caller.Post("/token/introspect", url.Values{"token": {r.Text("access_token")}, "client_id": {tlsClient}})
		cnf, _ := about.JSON["cnf"].(map[string]any)
		if about.Text("sub") != "client:"+tlsClient || about.Text("struct_IdNat") != harness.Residence || about.Text("aud") != "dmp-demo" ||
			about.JSON["SubjectNameID"] != nil || cnf["x5t#S256"] != thumbprint(own) {
			t.Fatalf("%s", about.Body)
		}
		if info := caller.Do(http.MethodGet, d.Sheet.MTLSURL+"/protocol/openid-connect/userinfo", "", http.Header{"Authorization": {"Bearer " + r.Text("access_token")}}); info.Status != http.StatusForbidden {
			t.Errorf("a token without a person at UserInfo: %d %s", info.Status, info.Body)
		}
		if r := caller.Post("/revoke", url.Values{"token": {r.Text("access_token")}, "client_id": {tlsClient}}); r.Status != http.StatusOK {
			t.Errorf("revocation: %d %s", r.Status, r.Body)
		}
		if about = caller.Post("/token/introspect", url.Values{"token": {r.Text("access_token")}, "client_id": {tlsClient}}); about.JSON["active"] != false {
			t.Errorf("%s", about.Body)
		}
	}
}

// certificateAttacks: each caller holds a key and shows something that is not
// the certificate of the structure, or not only.
func certificateAttacks(t *testing.T, d *harness.Demo) {
	own := d.Structure(t)
	foreign, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048, Seed: []byte("another authority of the same name")})
	if err != nil {
		t.Fatal(err)
	}
	order := func(change func(*pki.OrganisationOrder)) tls.Certificate {
		o := harness.StructureOrder()
		change(&o)
		return harness.Issue(t, d.Authority(), o)
	}
	thief := order(func(o *pki.OrganisationOrder) { o.Structure, o.Common = "1990000127", "AUTRE" })
	revoked := order(func(*pki.OrganisationOrder) {})
	revoke(t, d.Authority(), revoked)
	card, err := d.Authority().IssueCard(pki.CardOrder{
		Type: "CPE", Holder: "3990000119/RH0007", Family: "GESTION", Given: "Alix", Structure: harness.Residence, Organisation: "RESIDENCE FICTIVE", Department: "Rhône (69)",
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	with := func(first tls.Certificate, more ...[]byte) tls.Certificate {
		first.Certificate = append(slices.Clone(first.Certificate), more...)
		return first
	}
	for attack, shown := range map[string]tls.Certificate{
		"the same subject from another authority":  harness.Issue(t, foreign, harness.StructureOrder()),
		"another authority's, its chain beside it": with(harness.Issue(t, foreign, harness.StructureOrder()), authoritiesOf(t, foreign)...),
		"a thief's, the structure's own behind it": with(thief, own.Certificate[0]),
		"a thief's own": thief,
		"self-signed with the structure's subject": selfMade(t, own.Leaf),
		"revoked":                                     revoked,
		"expired":                                     order(func(o *pki.OrganisationOrder) { o.NotBefore, o.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0) }),
		"not yet valid":                               order(func(o *pki.OrganisationOrder) { o.NotBefore = now.AddDate(0, 1, 0) }),
		"the structure's server":                      order(func(o *pki.OrganisationOrder) { o.Profile = "server" }),
		"the structure's seal":                        order(func(o *pki.OrganisationOrder) { o.Profile = "sign" }),
		"made for another application":                order(func(o *pki.OrganisationOrder) { o.Common = "DMP-MANU" }),
		"one OU more":                                 order(func(o *pki.OrganisationOrder) { o.Organisation = `RESIDENCE FICTIVE,OU=` + harness.Residence }),
		"without extended key usage":                  order(func(o *pki.OrganisationOrder) { o.Alter = func(c *x509.Certificate) { c.ExtKeyUsage = nil } }),
		"the card of a person of the structure":       harness.Pair(t, card.Authentication),
		"the card of a person, the structure's after": with(harness.Pair(t, card.Authentication), own.Certificate[0]),
	} {
		t.Run(attack, func(t *testing.T) {
			r := d.Caller(t, shown).ServiceToken(tlsClient)
			if r.Status != http.StatusUnauthorized || r.Text("error") != "invalid_client" || strings.Contains(strings.ToLower(r.Body), "certificate") {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
	}
	t.Run("what comes behind its own does no harm", func(t *testing.T) {
		if r := d.Caller(t, with(own, thief.Certificate[0], selfMade(t, own.Leaf).Certificate[0])).ServiceToken(tlsClient); r.Status != http.StatusOK {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	})
	t.Run("no certificate", func(t *testing.T) {
		if r := d.Caller(t).ServiceToken(tlsClient); r.Status != http.StatusUnauthorized || r.Text("error") != "invalid_client" {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	})
	t.Run("D7HeaderInjected", func(t *testing.T) {
		field := ":" + base64.StdEncoding.EncodeToString(own.Certificate[0]) + ":"
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for _, name := range []string{"Client-Cert", "X-Client-Cert", "X-Ssl-Cert", "X-Forwarded-Client-Cert", "Ssl-Client-Cert"} {
			header.Set(name, field)
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {tlsClient}}.Encode()
		for door, base := range map[string]string{"ordinary": d.Sheet.Issuer, "for certificates": d.Sheet.MTLSURL} {
			for who, c := range map[string]*harness.Caller{"nobody": d.Caller(t), "a thief": d.Caller(t, thief)} {
				if r := c.Do(http.MethodPost, base+"/protocol/openid-connect/token", form, header); r.Status != http.StatusUnauthorized {
					t.Errorf("%s at the %s door: %d %s", who, door, r.Status, r.Body)
				}
			}
		}
	})
}

func authoritiesOf(t *testing.T, a *pki.Authority) [][]byte {
	t.Helper()
	issuers, err := a.TrustedOrganisations("elementaire")
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{issuers[0].Issuer.Raw, issuers[0].Root.Raw}
}

func revoke(t *testing.T, a *pki.Authority, c tls.Certificate) {
	t.Helper()
	if err := a.Revoke(c.Leaf.SerialNumber.Text(16), 1); err != nil {
		t.Fatal(err)
	}
}

// selfMade is a certificate of one's own making, with the subject of another.
func selfMade(t *testing.T, like *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "logiciel"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if like != nil {
		template.RawSubject, template.ExtraExtensions = like.RawSubject, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// add registers one more service.
func add(t *testing.T, d *harness.Demo, c client.Client) {
	t.Helper()
	c.Name, c.Owner, c.Contact, c.Purpose = "Service d'essai", "Essais", "essais@exemple.invalid", "essais"
	if c.Profile == "" {
		c.Profile = client.ProfileOIDC
	}
	if err := d.Provider.Clients().Add(&c); err != nil {
		t.Fatal(err)
	}
}

func selfSigned(t *testing.T, d *harness.Demo) {
	own, other := selfMade(t, nil), selfMade(t, nil)
	signer := own.PrivateKey.(crypto.Signer)
	add(t, d, client.Client{
		ID: "own-tls", AuthMethod: client.AuthSelfSignedTLS, RedirectURIs: []string{"https://own.invalid/cb"},
		Keys: client.Keys{Set: &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: signer.Public(), KeyID: "k", Certificates: []*x509.Certificate{own.Leaf}}}}},
	})
	ask := url.Values{"token": {"unknown"}, "client_id": {"own-tls"}}
	if r := d.Caller(t, own).Post("/token/introspect", ask); r.Status != http.StatusOK || r.JSON["active"] != false {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	behind := other
	behind.Certificate = append(slices.Clone(other.Certificate), own.Certificate[0])
	for attack, caller := range map[string]*harness.Caller{
		"nothing": d.Caller(t), "another": d.Caller(t, other), "the right one behind another": d.Caller(t, behind), "a structure's": d.Caller(t, d.Structure(t)),
	} {
		if r := caller.Post("/token/introspect", ask); r.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", attack, r.Status, r.Body)
		}
	}
}

// boundPerson: a service with a secret wants its persons' tokens bound; a copy of
// such a token opens nothing from anywhere else.
func boundPerson(t *testing.T, d *harness.Demo) {
	own := selfMade(t, nil)
	add(t, d, client.Client{
		ID: "bound", AuthMethod: client.AuthPost, SecretHashes: []string{client.HashSecret("s3cret")}, RedirectURIs: []string{"http://127.0.0.1:9402/callback"},
		AccessTokenFormat: client.FormatJWT, Certificate: client.Certificate{Bound: true},
	})
	p := newParty(t, d, "demo-oidc")
	p.ID, p.RedirectURIs = "bound", []string{"http://127.0.0.1:9402/callback"}
	arrived := p.browser.SignIn(p.ask(), d.Login(t, "approve-300ms"))
	if arrived == nil {
		t.Fatal("no login")
	}
	form := p.redeemForm(arrived.Query().Get("code"))
	form.Set("client_id", "bound")
	form.Set("client_secret", "s3cret")
	if r := p.do(http.MethodPost, p.endpoint("/token"), form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}); r.status != http.StatusBadRequest || r.text("error") != "invalid_request" {
		t.Fatalf("at the ordinary door: %d %s", r.status, r.body)
	}
	first := d.Caller(t, own).Post("/token", form)
	if first.Status != http.StatusOK {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	token := first.Text("access_token")
	if cnf, _ := payload(t, token)["cnf"].(map[string]any); cnf["x5t#S256"] != thumbprint(own) {
		t.Errorf("cnf %v", cnf)
	}
	address, bearer := d.Sheet.MTLSURL+"/protocol/openid-connect/userinfo", http.Header{"Authorization": {"Bearer " + token}}
	if r := d.Caller(t, own).Do(http.MethodGet, address, "", bearer); r.Status != http.StatusOK || r.Text("sub") == "" {
		t.Errorf("its holder: %d %s", r.Status, r.Body)
	}
	for attack, r := range map[string]harness.Reply{
		"without a certificate":        d.Caller(t).Do(http.MethodGet, address, "", bearer),
		"with another":                 d.Caller(t, selfMade(t, own.Leaf)).Do(http.MethodGet, address, "", bearer),
		"at the ordinary door":         d.Caller(t, own).Do(http.MethodGet, d.Sheet.Issuer+"/protocol/openid-connect/userinfo", "", bearer),
		"its certificate in a header":  d.Caller(t).Do(http.MethodGet, address, "", http.Header{"Authorization": bearer["Authorization"], "Client-Cert": {":" + base64.StdEncoding.EncodeToString(own.Certificate[0]) + ":"}}),
		"with the structure's":         d.Caller(t, d.Structure(t)).Do(http.MethodGet, address, "", bearer),
		"its own behind somebody else": d.Caller(t, behind(selfMade(t, nil), own)).Do(http.MethodGet, address, "", bearer),
	} {
		if r.Status != http.StatusUnauthorized || !strings.Contains(r.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: %d %s %s", attack, r.Status, r.Header.Get("WWW-Authenticate"), r.Body)
		}
	}
}

func behind(first, second tls.Certificate) tls.Certificate {
	first.Certificate = append(slices.Clone(first.Certificate), second.Certificate...)
	return first
}

// boundAssertion: a service that signs its assertions has its tokens bound too;
// the assertion may be addressed to the endpoint it was sent to.
func boundAssertion(t *testing.T, d *harness.Demo) {
	key, own := jwttest.New(t, jose.ES256, "k"), selfMade(t, nil)
	add(t, d, client.Client{
		ID: "bound-jwt", AuthMethod: client.AuthPrivateKeyJWT, Keys: client.Keys{Set: jwttest.Set(key)}, GrantTypes: []string{client.GrantClientCredentials},
		Structure: harness.Residence, Certificate: client.Certificate{Bound: true}, AccessTokenFormat: client.FormatJWT,
	})
	ask := func(audience string) url.Values {
		now := time.Now()
		return url.Values{
			"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion": {key.Sign(t, "", map[string]any{
				"iss": "bound-jwt", "sub": "bound-jwt", "aud": audience, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "jti": now.String(),
			})},
		}
	}
	for _, audience := range []string{d.Sheet.Issuer, d.Sheet.MTLSURL + "/protocol/openid-connect/token"} {
		r := d.Caller(t, own).Post("/token", ask(audience))
		if r.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", audience, r.Status, r.Body)
		}
		if cnf, _ := payload(t, r.Text("access_token"))["cnf"].(map[string]any); cnf["x5t#S256"] != thumbprint(own) {
			t.Errorf("cnf %v", cnf)
		}
	}
	if r := d.Caller(t).Post("/token", ask(d.Sheet.Issuer)); r.Status != http.StatusBadRequest || r.Text("error") != "invalid_request" {
		t.Errorf("without a certificate: %d %s", r.Status, r.Body)
	}
	if r := d.Caller(t, own).Post("/token", ask(d.Sheet.MTLSURL)); r.Status != http.StatusUnauthorized {
		t.Errorf("addressed to what is no issuer: %d %s", r.Status, r.Body)
	}
}

func aliases(t *testing.T, d *harness.Demo) {
	res, err := http.Get(d.Sheet.Issuer + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Issuer  string            `json:"issuer"`
		Bound   bool              `json:"tls_client_certificate_bound_access_tokens"`
		Aliases map[string]string `json:"mtls_endpoint_aliases"`
		Methods []string          `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if !doc.Bound || !slices.Contains(doc.Methods, "tls_client_auth") || !slices.Contains(doc.Methods, "self_signed_tls_client_auth") {
		t.Errorf("%s", raw)
	}
	caller := d.Caller(t, d.Structure(t))
	for _, name := range []string{"token_endpoint", "revocation_endpoint", "introspection_endpoint", "userinfo_endpoint"} {
		address := doc.Aliases[name]
		if !strings.HasPrefix(address, d.Sheet.MTLSURL+"/") {
			t.Errorf("%s is %q", name, address)
			continue
		}
		if r := caller.Do(http.MethodPost, address, "", http.Header{}); r.Status == http.StatusNotFound || r.JSON["error"] == nil {
			t.Errorf("%s does not answer: %d %s", name, r.Status, r.Body)
		}
	}
	if len(doc.Aliases) != 4 {
		t.Errorf("more is announced than answers: %v", doc.Aliases)
	}
}

func nothingForBrowsers(t *testing.T, d *harness.Demo) {
	at, err := url.Parse(d.Sheet.MTLSURL)
	if err != nil {
		t.Fatal(err)
	}
	root := at.Scheme + "://" + at.Host
	for _, address := range []string{
		root + "/", root + "/auth", root + "/login/x", root + "/mon-e-cps", root + "/assets/style.css", root + "/healthz", root + "/metrics",
		d.Sheet.MTLSURL + "/protocol/openid-connect/auth", d.Sheet.MTLSURL + "/protocol/openid-connect/logout", d.Sheet.MTLSURL + "/protocol/openid-connect/certs",
		d.Sheet.MTLSURL + "/.well-known/openid-configuration",
	} {
		if r := d.Caller(t).Do(http.MethodGet, address, "", http.Header{}); r.Status != http.StatusNotFound || len(r.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: %d", address, r.Status)
		}
	}
}

// asked tells whether a server asks for a certificate in the handshake.
func asked(t *testing.T, address string) bool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	was := false
	c, err := tls.Dial("tcp", u.Host, &tls.Config{
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			was = true
			return &tls.Certificate{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return was
}

// The dialog of a browser never opens: only the doors for programs ask.
func askedWhere(t *testing.T, plain *harness.Demo) {
	if !asked(t, plain.Sheet.MTLSURL) || !asked(t, plain.Sheet.DMPAPIURL) {
		t.Error("the doors for certificates do not ask for any")
	}
	d := harness.Start(t, overTLS(plain))
	if asked(t, d.Sheet.Issuer) || asked(t, d.Sheet.AuthorizationEndpoint) {
		t.Error("the door of browsers asks for a certificate")
	}
	if !asked(t, d.Sheet.MTLSURL) {
		t.Error("the door for certificates does not ask")
	}
}

// overTLS serves the ordinary door with the pair of another demonstration.
func overTLS(from *harness.Demo) func(*demo.Options) {
	return func(o *demo.Options) {
		o.TLSCert, o.TLSKey = from.Sheet.CAFile, strings.TrimSuffix(from.Sheet.CAFile, ".pem")+".key"
	}
}
