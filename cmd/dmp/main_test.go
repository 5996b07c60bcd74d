package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testOptions(t *testing.T, secret string) options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return options{
		Issuer: "http://127.0.0.1:1/none", ClientID: "dmp-demo", SecretFile: file,
		PublicURL: "http://localhost:8090/", Addr: "127.0.0.1:0", LogFormat: "json",
	}
}

// TestStartsBeforeItsProvider: the service answers with its own page while
// nobody listens at the issuer, and stops when told to.
func TestStartsBeforeItsProvider(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	addr := make(chan net.Addr, 1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, testOptions(t, "s3cret\n"), io.Discard, func(a net.Addr) { addr <- a }) }()
	base := "http://" + (<-addr).String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/": http.StatusOK, "/login": http.StatusServiceUnavailable} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
		if want != http.StatusOK && !bytes.Contains(body, []byte(`data-code="PF-SV-041"`)) {
			t.Errorf("%s: no code on the page", path)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRefusesBadConfiguration(t *testing.T) {
	o := testOptions(t, "\n")
	o.Issuer = "auth.example"
	err := run(t.Context(), o, io.Discard, nil)
	if err == nil || !strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "issuer") {
		t.Errorf("want both faults at once, got %v", err)
	}
}
