//go:build pcsc

package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/means/cps"
)

// From the login page to the pulled card, with the program, a real card service
// and a window: everything but plastic.
func TestLoginThroughTheProgram(t *testing.T) {
	s, page := newSurgery(t), newLoginPage(t)
	pull := s.insert(s.issue(-1, 100), 0)
	bridge := start(t, "--allow-origin", page.URL+"="+page.URL+"/jwks", "--pinentry", pinentry(t, "1234"))

	if status, body := bridge.call(http.MethodGet, "/v1/status", "https://login.example.evil", nil); status != http.StatusForbidden {
		t.Errorf("a stranger is told %s", body)
	}
	if status, body := bridge.call(http.MethodGet, "/v1/status", page.URL, nil); status != http.StatusOK || !bytes.Contains(body, []byte(`"state":"present","card":"cps3"`)) {
		t.Errorf("%d %s", status, body)
	}
	c, token, status, body := bridge.login(page)
	_, der, signature, err := cps.ReadAnswer(bytes.TrimSpace(body))
	if status != http.StatusOK || err != nil {
		t.Fatalf("%d %s %v\n%s", status, body, err, bridge.stderr)
	}
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	sum := sha256.Sum256(cps.Message(page.URL, token, der))
	must(t, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature))

	pull()
	if got := <-page.removed; got.ID != c.ID || got.Secret != c.Removal {
		t.Errorf("%+v", got)
	}
	if code := bridge.stop(); code != 0 || strings.Contains(bridge.stderr.String(), "1234") || strings.Contains(bridge.stderr.String(), c.Removal) {
		t.Errorf("exit %d, %s", code, bridge.stderr)
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d PINs were sent", n)
	}
}

// A stopped bridge watches nothing any more: it reports the card at once.
func TestStoppedBridgeReportsItsCard(t *testing.T) {
	s, page := newSurgery(t), newLoginPage(t)
	defer s.insert(s.issue(-1, 100), 0)()
	bridge := start(t, "--allow-origin", page.URL+"="+page.URL+"/jwks", "--pinentry", pinentry(t, "1234"))
	c, _, status, body := bridge.login(page)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if code := bridge.stop(); code != 0 {
		t.Errorf("exit %d, %s", code, bridge.stderr)
	}
	select {
	case got := <-page.removed:
		if got.ID != c.ID {
			t.Errorf("%+v", got)
		}
	default:
		t.Error("the bridge stopped without a word")
	}
}

// The command that plays a card moves it in a real reader.
func TestSoftcardCommandInARealReader(t *testing.T) {
	s := newSurgery(t)
	file := filepath.Join(t.TempDir(), "card.json")
	must(t, s.issue(-1, 100).Save(file))
	typed, keyboard, err := os.Pipe()
	must(t, err)
	stdin := os.Stdin
	os.Stdin = typed
	defer func() { os.Stdin = stdin }()
	done := make(chan int, 1)
	go func() {
		done <- run(t.Context(), []string{"softcard", "--card", file, "--reader", s.Addresses[0]}, io.Discard, t.Output())
	}()
	for _, order := range []struct {
		say   string
		state cardbridge.State
	}{{"", cardbridge.Present}, {"remove", cardbridge.Empty}, {"insert", cardbridge.Present}, {"quit", cardbridge.Empty}} {
		_, err := fmt.Fprintln(keyboard, order.say)
		must(t, err)
		s.until(order.state)
	}
	if code := <-done; code != 0 {
		t.Errorf("exit %d", code)
	}
	must(t, keyboard.Close())
	must(t, typed.Close())
}
