package oidc

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
)

// BenchmarkTokenByCertificate is a structure's token by its certificate, over
// sockets, beside its floor in the same run: the same token by a secret at the
// ordinary TLS door. On a connection that is kept, the handshake apart; with a
// resumed handshake for every call; with a whole one. Caller and provider are one
// process: the CPU is of both. The aim is a ratio of 1.6 at most, kept and resumed.
func BenchmarkTokenByCertificate(b *testing.B) {
	plain := harness.Start(b)
	d := harness.Start(b, overTLS(plain))
	own, secret := d.Structure(b), d.Client(b, "demo-structure")
	byCertificate := url.Values{"grant_type": {"client_credentials"}, "client_id": {tlsClient}}
	bySecret := url.Values{"grant_type": {"client_credentials"}}
	for _, way := range []struct {
		name            string
		anew, resumable bool
	}{{"kept", false, false}, {"resumed", true, true}, {"handshake", true, false}} {
		b.Run(way.name, func(b *testing.B) {
			shows, hides := dialer(b, d, way.anew, way.resumable, own), dialer(b, d, way.anew, way.resumable)
			beside(b,
				func() { post(b, shows, d.Sheet.MTLSURL, byCertificate, "", "") },
				func() { post(b, hides, d.Sheet.Issuer, bySecret, secret.ID, secret.Secret) })
		})
	}
}

// dialer keeps its connection, or makes one for every call and resumes the last.
func dialer(b *testing.B, d *harness.Demo, anew, resumable bool, own ...tls.Certificate) *http.Client {
	b.Helper()
	pem, err := os.ReadFile(d.Sheet.CAFile)
	if err != nil {
		b.Fatal(err)
	}
	settings := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: own}
	settings.RootCAs.AppendCertsFromPEM(pem)
	if resumable {
		settings.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	transport := &http.Transport{TLSClientConfig: settings, DisableKeepAlives: anew}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func post(b *testing.B, c *http.Client, base string, form url.Values, id, secret string) {
	req, err := http.NewRequest(http.MethodPost, base+"/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(id, secret)
	}
	res, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%d %s %v", res.StatusCode, body, err)
	}
	_ = res.Body.Close()
}

// beside measures an operation and its floor in turns, so that both meet the
// same machine.
func beside(b *testing.B, op, floor func()) {
	b.Helper()
	for range 20 {
		op()
		floor()
	}
	var spent [2]time.Duration
	b.ResetTimer()
	for range b.N {
		for i, f := range []func(){op, floor} {
			before := cpu(b)
			f()
			spent[i] += cpu(b) - before
		}
	}
	b.ReportMetric(float64(spent[0].Microseconds())/float64(b.N), "cpu-us/op")
	b.ReportMetric(float64(spent[1].Microseconds())/float64(b.N), "floor-us/op")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "ratio")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
