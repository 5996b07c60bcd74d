// Package tls lets others judge how a node speaks TLS: testssl.sh, and clients of
// every version that Go still knows, against the built program with a certificate
// of the test authority.
package tls

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ctls "crypto/tls"
	"crypto/x509"

	"github.com/egide-id/egide/conformance/harness"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "egide-tls-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "egide")
	build := exec.Command("go", "build", "-o", binary, "./cmd/egide")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// node is a production node with two doors: https, and http that leads to it.
type node struct {
	*harness.Process
	t             *testing.T
	https, http   string // host:port
	dir, pki      string
	cert, key, ca string
	traces        string
	client        *http.Client
}

// egide runs the operator's tool.
func egide(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("egide %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// start issues a certificate, writes the configuration and runs the program.
func start(t *testing.T) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{t: t, dir: dir, pki: filepath.Join(dir, "pki"), traces: filepath.Join(dir, "traces")}
	egide(t, "pki", "init", "--dir", n.pki, "--bits", "2048")
	n.cert, n.key = n.issue("first")
	n.ca = n.chain()
	register, err := harness.Register(t.Context(), dir, harness.People(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []*string{&n.https, &n.http} {
		if *addr, err = harness.FreePort(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(n.https)
	if err != nil {
		t.Fatal(err)
	}
	origin := "https://localhost:" + port
	file := filepath.Join(dir, "egide.yaml")
	lines := []string{
		"issuer: " + origin + "/auth/realms/esante-wallet", "data_dir: " + dir, "register_dir: " + register, "keys_dir: " + filepath.Join(dir, "keys"),
		"clients_dir: " + filepath.Join(dir, "clients"), "traces_dir: " + n.traces, "listeners:",
		"- address: " + n.https, "  cert: " + n.cert, "  key: " + n.key, "  hosts: [localhost]", "- address: " + n.http, "  redirect: true",
	}
	if err := os.Mkdir(filepath.Join(dir, "clients"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	egide(t, "serve", "--config", file, "--check")
	if n.Process, err = harness.Run(t.Context(), binary, "serve", "--config", file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Stop() })
	n.client = n.trusting(nil)
	t.Cleanup(n.client.CloseIdleConnections)
	err = harness.Until("provider", 20*time.Second, func() bool {
		res, err := n.client.Get(n.url("/readyz"))
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusNoContent
	})
	if err != nil {
		t.Fatalf("%v; it said: %s", err, n.Said())
	}
	egide(t, "health", "--config", file)
	return n
}

// url gives a page over https by the name of the certificate.
func (n *node) url(path string) string {
	_, port, _ := net.SplitHostPort(n.https)
	return "https://localhost:" + port + path
}

// issue makes a server certificate of the test authority, by the operator's tool.
func (n *node) issue(name string) (cert, key string) {
	n.t.Helper()
	out := filepath.Join(n.dir, name)
	egide(n.t, "pki", "issue", "org", "--dir", n.pki, "--profile", "server", "--structure", "1990000119", "--cn", "localhost", "--out", out)
	return filepath.Join(out, "localhost.pem"), filepath.Join(out, "localhost.key")
}

// chain writes the authorities that a client of these certificates trusts.
func (n *node) chain() string {
	n.t.Helper()
	var all []byte
	for _, name := range []string{"ACR-EL.pem", "ACI-EL-ORG.pem"} {
		b, err := os.ReadFile(filepath.Join(n.pki, name))
		if err != nil {
			n.t.Fatal(err)
		}
		all = append(all, b...)
	}
	path := filepath.Join(n.dir, "ca.pem")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}

// trusting is a client that believes the test authority and follows nothing.
func (n *node) trusting(change func(*ctls.Config)) *http.Client {
	n.t.Helper()
	pem, err := os.ReadFile(n.ca)
	if err != nil {
		n.t.Fatal(err)
	}
	c := &ctls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(pem)
	if change != nil {
		change(c)
	}
	return &http.Client{
		Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: c,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { // localhost may be ::1
				return new(net.Dialer).DialContext(ctx, network, n.https)
			},
		},
	}
}
