package tls

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// finding is one line of testssl.sh's report.
type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Finding  string `json:"finding"`
}

// scan runs testssl.sh on a node. The checks are those whose answer depends on us:
// versions, every suite of every version, headers, and the attacks that a server
// can invite.
func scan(t *testing.T, n *node) map[string]finding {
	t.Helper()
	path, err := exec.LookPath("testssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("testssl.sh is not installed, and this run may skip nothing")
		}
		t.Skip("SKIPPED: testssl.sh is not installed; TLS is judged by our own tests alone")
	}
	_, port, err := net.SplitHostPort(n.https)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), path, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", n.ca, "--jsonfile", report,
		"--protocols", "--cipher-per-proto", "--headers", "--renegotiation", "--compression", "--heartbleed", "--ccs", "--robot", "https://localhost:"+port)
	out, err := cmd.CombinedOutput()
	body, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Fatalf("testssl: %v, %v\n%s", err, readErr, out)
	}
	var list []finding
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("report: %v\n%s", err, out)
	}
	found := map[string]finding{}
	for _, f := range list {
		found[f.ID] = f
	}
	return found
}

// TL1, as an independent program sees it.
func TestTL1JudgedByTestSSL(t *testing.T) {
	t.Parallel()
	found := scan(t, start(t))
	for id, want := range map[string]string{
		"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
		"TLS1_2": "offered", "TLS1_3": "offered", "ALPN_HTTP2": "h2",
		"heartbleed": "not vulnerable", "CCS": "not vulnerable", "ROBOT": "not vulnerable", "CRIME_TLS": "not vulnerable",
		"secure_renego": "supported", "secure_client_renego": "not vulnerable",
		"HSTS_time": "730 days", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'",
		"Referrer-Policy": "same-origin", "banner_server": "No Server banner",
	} {
		if got := found[id].Finding; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	var suites []string
	for id, f := range found {
		if strings.HasPrefix(id, "cipher-tls") {
			fields := strings.Fields(f.Finding)
			suites = append(suites, fields[len(fields)-1])
		}
		if slices.Contains([]string{"LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"}, f.Severity) {
			t.Errorf("%s %s: %s", f.Severity, id, f.Finding)
		}
	}
	slices.Sort(suites)
	// The certificate of this node is RSA: the ECDSA half of the list stays silent.
	if want := []string{
		"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	}; !slices.Equal(suites, want) {
		t.Errorf("suites %v", suites)
	}
}
