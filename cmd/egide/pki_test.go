package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/egide-id/egide/internal/provider"
	"github.com/egide-id/egide/internal/trust/igc"
)

// pkiRun gives one order to the test authority of a folder.
func pkiRun(t *testing.T, dir string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), slices.Concat([]string{"pki"}, args, []string{"--dir", dir}), &out, &out)
	return code, out.String()
}

// orderedCard is a card of one of the invented persons.
func orderedCard(out string, more ...string) []string {
	return append([]string{"issue", "card", "--holder", "899700991013", "--family", "EXEMPLE", "--given", "CAMILLE", "--out", out}, more...)
}

func opensslSays(t *testing.T, in string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// madeAuthority runs init and reads the configuration that it prints.
func madeAuthority(t *testing.T, dir string) []provider.CardAuthority {
	t.Helper()
	var printed struct {
		Card provider.CardConfig `yaml:"card"`
	}
	var before string
	for range 2 { // a second init makes nothing and says the same
		code, out := pkiRun(t, dir, "init", "--bits", "2048")
		if code != 0 || before != "" && before != out {
			t.Fatalf("init: %d\n%s", code, out)
		}
		before = out
	}
	if err := yaml.Unmarshal([]byte(before), &printed); err != nil {
		t.Fatal(err)
	}
	if len(printed.Card.Authorities) != 2 || !printed.Card.Staff || printed.Card.Policies[0] != igc.TestPolicy {
		t.Fatalf("configuration: %s", before)
	}
	return printed.Card.Authorities
}

// A newcomer makes the authority, issues a card, publishes, revokes, and each
// step is seen by OpenSSL.
func TestAuthorityFromTheCommandLine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "igc")
	fort := madeAuthority(t, dir)[0]
	file := filepath.Join(t.TempDir(), "card.json")
	if code, out := pkiRun(t, dir, orderedCard(file, "--profession", "10")...); code != 0 || !strings.Contains(out, "CPS 2800000001 of 899700991013") {
		t.Fatalf("issue: %d %s", code, out)
	}
	card, err := igc.LoadCard(file)
	if err != nil {
		t.Fatal(err)
	}
	leaf := filepath.Join(t.TempDir(), "leaf.pem")
	if err := os.WriteFile(leaf, []byte(card.Authentication.Certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := opensslSays(t, "", "verify", "-CAfile", fort.Root, "-untrusted", fort.Issuer, leaf); !strings.Contains(out, "leaf.pem: OK") {
		t.Error(out)
	}
	url, stop := published(t, dir)
	defer stop()
	ask := func() string {
		return opensslSays(t, "", "ocsp", "-issuer", fort.Issuer, "-cert", leaf, "-url", url, "-nonce", "-CAfile", fort.Root)
	}
	if out := ask(); !strings.Contains(out, ": good") || !strings.Contains(out, "Response verify OK") {
		t.Error(out)
	}
	if code, out := pkiRun(t, dir, "revoke", "--card", file, "--reason", "cessation"); code != 0 || strings.Count(out, "is revoked") != 2 {
		t.Errorf("revoke: %d %s", code, out)
	}
	// The publisher is another authority on the same folder: it sees the revocation at once.
	if out := ask(); !strings.Contains(out, "Reason: cessationOfOperation") {
		t.Error(out)
	}
	lists := t.TempDir()
	if code, out := pkiRun(t, dir, "crl", "--out", lists); code != 0 || strings.Count(out, "-TEST.crl\n") != 9 {
		t.Errorf("crl: %d %s", code, out)
	}
	if out := opensslSays(t, "", "crl", "-inform", "DER", "-noout", "-text", "-in", filepath.Join(lists, "ACI-FO-PP-TEST.crl")); strings.Count(out, "Cessation Of Operation") != 2 {
		t.Error(out)
	}
}

// published runs "pki ocsp" on any port and gives the responder's URL.
func published(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"pki", "ocsp", "--dir", dir, "--addr", "127.0.0.1:0"}, in, io.Discard)
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "OCSP %s", &url); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return url, func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("pki ocsp ended with %d", code)
		}
	}
}

func TestAuthorityRefuses(t *testing.T) {
	dir, files := filepath.Join(t.TempDir(), "igc"), t.TempDir()
	taken := filepath.Join(files, "taken.json")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := pkiRun(t, dir, "crl"); code != 1 || !strings.Contains(out, "run egide pki init") {
		t.Errorf("no authority yet: %d %s", code, out)
	}
	madeAuthority(t, dir)
	fresh := filepath.Join(files, "fresh.json")
	org := func(cn string) []string {
		return []string{"issue", "org", "--profile", "auth-cli", "--structure", "1990000119", "--cn", cn, "--out", files}
	}
	if code, out := pkiRun(t, dir, org("INSI-AUTO")...); code != 0 {
		t.Fatal(out)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"another network":           {[]string{"ocsp", "--addr", "0.0.0.0:0"}, "loopback only"},
		"a name for an address":     {[]string{"ocsp", "--addr", "example.org:8490"}, "loopback address"},
		"file that exists":          {orderedCard(taken, "--profession", "10"), "never overwritten"},
		"no profession":             {orderedCard(fresh), "code of TRE_G15"},
		"doctor with an employer":   {orderedCard(fresh, "--profession", "10", "--structure", "1990000119"), "names no employer"},
		"staff with a profession":   {orderedCard(fresh, "--type", "CPE", "--profession", "10"), "no profession"},
		"staff without an employer": {orderedCard(fresh, "--type", "CPE"), "names its employer"},
		"number of nine digits":     {orderedCard(fresh, "--profession", "10", "--number", "280000000"), "ten digits"},
		"no identifier":             {orderedCard(fresh, "--profession", "10", "--holder", "12"), "identifier"},
		"path for a name":           {org("../INSI-AUTO"), "letters, digits"},
		"key that exists":           {org("INSI-AUTO"), "never overwritten"},
		"unknown serial":            {[]string{"revoke", "0123"}, "no certificate of this authority"},
		"nothing to revoke":         {[]string{"revoke"}, "one of them"},
	} {
		if code, out := pkiRun(t, dir, c.args...); code != 1 || !strings.Contains(out, c.says) {
			t.Errorf("%s: %d %s", name, code, out)
		}
	}
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a refused order has left a card")
	}
}

// Several commands on one folder give no number twice.
func TestCommandsAtOnceGiveNumbersOfTheirOwn(t *testing.T) {
	dir, files := filepath.Join(t.TempDir(), "igc"), t.TempDir()
	madeAuthority(t, dir)
	var running sync.WaitGroup
	for i := range 4 {
		running.Go(func() {
			if code, out := pkiRun(t, dir, orderedCard(filepath.Join(files, fmt.Sprint(i)), "--profession", "60")...); code != 0 {
				t.Errorf("%d %s", code, out)
			}
		})
	}
	running.Wait()
	numbers := map[string]bool{}
	for i := range 4 {
		card, err := igc.LoadCard(filepath.Join(files, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		numbers[card.Number] = true
	}
	if len(numbers) != 4 {
		t.Errorf("numbers %v", numbers)
	}
}
