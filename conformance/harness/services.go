package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// Residence is the demonstration's structure, struct_IdNat.
const Residence = "1990000119"

// StructureOrder is the certificate of the demonstration's structure, to be
// changed: what its registration names.
func StructureOrder() pki.OrganisationOrder {
	return pki.OrganisationOrder{
		Profile: "auth-cli", Structure: Residence, Organisation: "RESIDENCE FICTIVE", Department: "Rhône (69)", Common: "DMP-AUTO",
	}
}

// Issue orders a certificate of an authority, with a key of the caller's own.
func Issue(t testing.TB, a *pki.Authority, o pki.OrganisationOrder) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o.Key = key
	pair, err := a.IssueOrganisation(o)
	if err != nil {
		t.Fatal(err)
	}
	return Pair(t, pair)
}

// Pair is a key with its certificate, as a TLS client shows it.
func Pair(t testing.TB, p igc.KeyPair) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// Structure is the certificate that the sheet names.
func (d *Demo) Structure(t testing.TB) tls.Certificate {
	t.Helper()
	c := d.Client(t, "demo-structure-tls")
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// Caller is a program that calls the doors for certificates with its own, or
// with none.
type Caller struct {
	t    testing.TB
	demo *Demo
	http *http.Client
}

// Caller makes one.
func (d *Demo) Caller(t testing.TB, own ...tls.Certificate) *Caller {
	t.Helper()
	pem, err := os.ReadFile(d.Sheet.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	if len(own) > 0 {
		// Whatever authorities the server names: an attacker shows what he has.
		transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own[0], nil }
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Caller{t: t, demo: d, http: &http.Client{Transport: transport}}
}

// Reply is what a door said.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

// Text is a member of the answer.
func (r Reply) Text(name string) string { s, _ := r.JSON[name].(string); return s }

// Post calls an endpoint of the provider's door.
func (c *Caller) Post(path string, form url.Values) Reply {
	c.t.Helper()
	return c.Do(http.MethodPost, c.demo.Sheet.MTLSURL+"/protocol/openid-connect"+path, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// Do calls any address.
func (c *Caller) Do(method, address, body string, header http.Header) Reply {
	c.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = header.Clone()
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s: %v", address, err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	r := Reply{Status: res.StatusCode, Header: res.Header, Body: string(raw)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &r.JSON); err != nil {
			c.t.Fatalf("%s: %v: %s", address, err, raw)
		}
	}
	return r
}

// ServiceToken asks for a structure's own token.
func (c *Caller) ServiceToken(client string) Reply {
	c.t.Helper()
	return c.Post("/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {client}})
}

// Add adds a document to a record of the DMP.
func (c *Caller) Add(token, record, document string) Reply {
	c.t.Helper()
	return c.Do(http.MethodPost, c.demo.Sheet.DMPAPIURL+"/api/alimentation/"+record, document, bearerOf(token))
}

// Read consults a record of the DMP.
func (c *Caller) Read(token, record string) Reply {
	c.t.Helper()
	return c.Do(http.MethodGet, c.demo.Sheet.DMPAPIURL+"/api/consultation/"+record, "", bearerOf(token))
}

func bearerOf(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
