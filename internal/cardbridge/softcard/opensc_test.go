package softcard_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/pcscdtest"
	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
)

// OpenSC was written against real cards: what it reads and does with ours,
// through a real pcscd, is a second opinion.
func TestOpenSC(t *testing.T) {
	d := pcscdtest.Start(t)
	insert(t, d, 0, "cps3")
	insert(t, d, 1, "cps4")
	t.Run("knows the card", func(t *testing.T) { openSCNames(t, d) })
	t.Run("lists what real cards list", openSCLists)
	t.Run("reads both certificates", openSCReads)
	t.Run("logs in with it", openSCSigns)
	t.Run("deciphers with it", openSCDeciphers)
	t.Run("is refused with a wrong PIN", openSCWrongPIN)
}

// insert puts a card into a reader for the test, and waits until PC/SC sees it.
func insert(t *testing.T, d *pcscdtest.Daemon, n int, model string) {
	t.Helper()
	ctx, pull := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- softcard.Vpcd(ctx, d.Addresses[n], newCard(t, model, softcard.Options{}), nil) }()
	t.Cleanup(func() {
		pull()
		must(t, <-done)
	})
	var c clock.System
	for deadline := c.Now().Add(10 * time.Second); ; {
		said, err := run(t, "opensc-tool", "--reader", d.Readers[n], "--atr")
		if err == nil {
			return
		}
		if c.Now().After(deadline) {
			t.Fatalf("PC/SC does not see the card: %s", said)
		}
		next, _ := c.After(50 * time.Millisecond)
		<-next
	}
}

func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	return string(out), err
}

// works is run for what has to succeed.
func works(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := run(t, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// openSCNames: its driver for CPx cards takes CPS3; CPS4 is unknown to it (0.23).
func openSCNames(t *testing.T, d *pcscdtest.Daemon) {
	if said := works(t, "opensc-tool", "--reader", d.Readers[0], "--name"); !strings.Contains(said, "IAS-ECC") {
		t.Error(said)
	}
	if said, err := run(t, "opensc-tool", "--reader", d.Readers[1], "--name"); err != nil || !strings.Contains(said, "Unsupported card") {
		t.Error("OpenSC has learnt CPS4: let it judge ours", said, err)
	}
}

// openSCLists: the fields that issue 2267 of OpenSC shows of a real card.
func openSCLists(t *testing.T) {
	said := works(t, "pkcs15-tool", "--reader", "0", "--dump")
	for _, part := range []string{
		"PKCS#15 Card [CPS3v3]",
		"PIN [Code porteur de la carte CPX]\n\tObject Flags   : [0x00]\n\tAuth ID        : 02\n\tID             : 01",
		"Private RSA Key [CPS_PRIV_SIG]\n\tObject Flags   : [0x01], private\n\tUsage          : [0x200], nonRepudiation\n\tAccess Flags   : [0x0D], sensitive, alwaysSensitive, neverExtract",
		"Access Rules   : pso_cds:01;\n\tModLength      : 2048\n\tKey ref        : 129 (0x81)\n\tNative         : yes\n\tAuth ID        : 01\n\tID             : e828bd080f8025000001ff001001",
		"Private RSA Key [CPS_PRIV_AUT]\n\tObject Flags   : [0x01], private\n\tUsage          : [0x06], decrypt, sign",
		"Access Rules   : pso_decrypt:01; int_auth:01;\n\tModLength      : 2048\n\tKey ref        : 130 (0x82)\n\tNative         : yes\n\tAuth ID        : 01\n\tID             : e828bd080f8025000001ff001002",
		"X.509 Certificate [Certificat d'Authentification CPS]", "Data object 'CPS_NAME_PS'", "Data object 'CPS_ACTIVITY_01_PS'",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("not listed:\n%s\nin\n%s", part, said)
		}
	}
}

const (
	idSignature      = "e828bd080f8025000001ff001001"
	idAuthentication = "e828bd080f8025000001ff001002"
)

func openSCReads(t *testing.T) {
	for id, want := range map[string][]byte{
		idAuthentication: certificateOf(t, authentication).Raw, idSignature: certificateOf(t, signature).Raw,
	} {
		said := works(t, "pkcs15-tool", "--reader", "0", "--read-certificate", id)
		block, _ := pem.Decode([]byte(said[max(0, strings.Index(said, "-----BEGIN")):]))
		if block == nil || !slices.Equal(block.Bytes, want) {
			t.Errorf("certificate %s: %s", id, said)
		}
	}
}

// pkcs11 runs pkcs11-tool on a file behind the PIN and gives what it writes.
func pkcs11(t *testing.T, pin string, input []byte, action ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	must(t, os.WriteFile(in, input, 0o600))
	args := append([]string{"--module", "opensc-pkcs11.so", "--login", "--pin", pin, "--input-file", in, "--output-file", out}, action...)
	if said, err := run(t, "pkcs11-tool", args...); err != nil {
		return []byte(said), err
	}
	return os.ReadFile(out)
}

// openSCSigns: by INTERNAL AUTHENTICATE with key 82. With the signature key this
// OpenSC cannot: its build lacks the partial hash that PSO HASH wants.
func openSCSigns(t *testing.T) {
	signed, err := pkcs11(t, "1234", cps.DigestInfo([]byte("message")), "--sign", "--mechanism", "RSA-PKCS", "--id", idAuthentication)
	if err != nil {
		t.Fatalf("%s", signed)
	}
	key := certificateOf(t, authentication).PublicKey.(*rsa.PublicKey)
	sum := sha256.Sum256([]byte("message"))
	must(t, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signed))
}

func openSCDeciphers(t *testing.T) {
	key := certificateOf(t, authentication).PublicKey.(*rsa.PublicKey)
	block, err := rsa.EncryptPKCS1v15(random{}, key, []byte("session key")) //nolint:staticcheck // the card's own operation
	must(t, err)
	plain, err := pkcs11(t, "1234", block, "--decrypt", "--mechanism", "RSA-PKCS", "--id", idAuthentication)
	if err != nil || string(plain) != "session key" {
		t.Errorf("%q, %v", plain, err)
	}
}

func openSCWrongPIN(t *testing.T) {
	said, err := pkcs11(t, "0000", []byte("x"), "--sign", "--mechanism", "RSA-PKCS", "--id", idAuthentication)
	if err == nil || !strings.Contains(string(said), "CKR_PIN_INCORRECT") {
		t.Errorf("%s, %v", said, err)
	}
}
