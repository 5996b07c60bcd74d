package tls

import (
	ctls "crypto/tls"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
)

const realm = "/auth/realms/esante-wallet"

// Every answer over https carries HSTS (TL1, RFC 6797) and the headers of PG1, a
// page nobody serves included; over HTTP/2 and 1.1 alike.
func TestTL1PG1HeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	n := start(t)
	one := n.trusting(func(c *ctls.Config) { c.NextProtos = []string{"http/1.1"} })
	one.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	defer one.CloseIdleConnections()
	for proto, c := range map[string]*http.Client{"HTTP/2.0": n.client, "HTTP/1.1": one} {
		for _, path := range []string{"/", "/nowhere", "/readyz", "/mon-e-cps", realm + "/.well-known/openid-configuration", realm + "/protocol/openid-connect/userinfo", "/auth?client_id=nobody"} {
			res, err := c.Get(n.url(path))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			h := res.Header
			if res.Proto != proto || !strings.HasPrefix(h.Get("Strict-Transport-Security"), "max-age=") || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Server") != "" {
				t.Errorf("%s %s: %s %v", proto, path, res.Proto, h)
			}
			for _, k := range res.Cookies() { // SE1
				if !strings.HasPrefix(k.Name, "__Host-") || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode {
					t.Errorf("%s: cookie %s", path, k)
				}
			}
		}
	}
}

// TL2 on the real door: a page is led to https, a token request is refused.
func TestTL2PlainHTTPLeadsPagesAndTakesNoSecret(t *testing.T) {
	t.Parallel()
	n := start(t)
	do := func(method, path, accept string, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.http+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "localhost"
		req.Header.Set("Accept", accept)
		if body != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.SetBasicAuth("service", "secret")
		}
		res, err := n.client.Transport.(*http.Transport).Clone().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res
	}
	n.client.Transport.(*http.Transport).DialContext = nil // the plain door is another port
	if res := do(http.MethodGet, "/mon-e-cps", "text/html", nil); res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != n.url("/mon-e-cps") {
		t.Errorf("page: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	token := realm + "/protocol/openid-connect/token"
	if res := do(http.MethodPost, token, "application/json", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode())); res.StatusCode != http.StatusForbidden {
		t.Errorf("token over plain http: %d", res.StatusCode)
	}
	if res := do(http.MethodGet, "/auth?client_id=x&state=y", "text/html", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("query over plain http: %d", res.StatusCode)
	}
}

// HA8 on a running node: a bad pair is refused, told and traced, a good one is
// served, and no connection notices.
func TestHA8TL1CertificateOfARunningNode(t *testing.T) {
	t.Parallel()
	n := start(t)
	first := n.serial()
	cert, key := n.issue("second")
	n.replace(n.cert, cert) // its key is missing: no pair
	n.hangUp("certificate refused")
	if n.serial() != first {
		t.Fatal("half a pair is served")
	}
	n.replace(n.key, key)
	n.hangUp("new certificate in use")
	if n.serial() == first {
		t.Fatal("the new certificate is not served")
	}
	if res, err := n.client.Get(n.url("/readyz")); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusNoContent {
		t.Errorf("after the change: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(n.traces, "lines", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	lines, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lines), `"event":"config.changed"`) || !strings.Contains(string(lines), `"accepted":false`) {
		t.Errorf("the refusal is not traced: %s", lines)
	}
}

// serial shakes hands afresh and tells whose certificate is served.
func (n *node) serial() string {
	n.t.Helper()
	c := n.client.Transport.(*http.Transport).TLSClientConfig.Clone()
	c.ServerName = "localhost"
	conn, err := (&ctls.Dialer{Config: c}).DialContext(n.t.Context(), "tcp", n.https)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.(*ctls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func (n *node) replace(file, with string) {
	n.t.Helper()
	b, err := os.ReadFile(with)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// hangUp asks for a reload and waits until the log says what came of it.
func (n *node) hangUp(says string) {
	n.t.Helper()
	if err := n.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
	if err := harness.Until(says, 10*time.Second, func() bool { return strings.Contains(n.Said(), says) }); err != nil {
		n.t.Fatalf("%v; it said: %s", err, n.Said())
	}
}
