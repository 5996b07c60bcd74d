package pki

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func seeded(t *testing.T, o Options) *Authority {
	t.Helper()
	o.Clock, o.Bits = clock.NewManual(noon), 2048
	if o.Seed == nil {
		o.Seed = []byte("pki test")
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shared is one authority for all tests that leave its ledger as they like.
var shared = sync.OnceValues(func() (*Authority, error) {
	return New(Options{Clock: clock.NewManual(noon), Bits: 2048, Seed: []byte("shared")})
})

func common(t *testing.T) *Authority {
	t.Helper()
	a, err := shared()
	must(t, err)
	return a
}

func doctor() CardOrder {
	return CardOrder{Type: "CPS", Holder: "899700218896", Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10}
}

func employee() CardOrder {
	return CardOrder{
		Type: "CPE", Holder: "30B0057881/CPET0002", Family: "GESTION", Given: "ALIX",
		Structure: "10B0057881", Organisation: "RESIDENCE FICTIVE", Department: "Paris (75)",
	}
}

func openssl(t *testing.T, in string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func pemOf(a *authority) []byte {
	p, err := pair(a.cert, a.key)
	if err != nil {
		panic(err)
	}
	return []byte(p.Certificate)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSameSeedSameCertificates(t *testing.T) {
	make := func(seed string) string {
		c, err := seeded(t, Options{Seed: []byte(seed)}).IssueCard(doctor())
		must(t, err)
		return c.Authentication.Key + c.Authentication.Certificate + c.Signature.Certificate
	}
	first := make("a")
	if first != make("a") || first == make("b") {
		t.Error("certificates do not follow from the seed")
	}
}

// The folder survives the process; hundred callers of two authorities on it lose nothing.
func TestHundredCallersOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	one, two := seeded(t, Options{Dir: dir}), seeded(t, Options{Dir: dir})
	_, err := one.TrustedIssuers(igc.Fort)
	must(t, err)
	var running sync.WaitGroup
	for i := range 100 {
		running.Go(func() {
			a := one
			if i%2 == 1 {
				a = two
			}
			err := a.locked(func() error {
				serial, err := a.serial()
				a.ledger.Issued = append(a.ledger.Issued, issued{Serial: serial.Text(16)})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	three := seeded(t, Options{Dir: dir})
	_, err = three.readLedger()
	must(t, err)
	seen := map[string]bool{}
	for _, line := range three.ledger.Issued {
		seen[line.Serial] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d serial numbers of 100", len(seen))
	}
	a, err := one.TrustedIssuers(igc.Fort)
	must(t, err)
	b, err := three.TrustedIssuers(igc.Fort)
	must(t, err)
	if !bytes.Equal(a[0].Issuer.Raw, b[0].Issuer.Raw) {
		t.Error("another authority on the same folder")
	}
	info, err := os.Stat(filepath.Join(dir, "ACI-FO-PP.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v %v", info, err)
	}
}

// What the folder says stays true for the next process; who only reads writes nothing.
func TestFolderIsTakenUpAgain(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Options{Clock: clock.NewManual(noon), Dir: dir, Existing: true}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an empty folder is no authority: %v", err)
	}
	first := seeded(t, Options{Dir: dir, BaseURL: "http://127.0.0.1:9999"})
	card, err := first.IssueCard(doctor())
	must(t, err)
	serial := authenticationSerial(t, card)
	must(t, first.Revoke(serial, 1))
	request, _ := ask(t, first, nil)
	_, err = first.Respond(request) // its delegate takes a serial number
	must(t, err)
	before, err := os.ReadFile(first.file(ledgerFile))
	must(t, err)

	second := seeded(t, Options{Dir: dir, Existing: true})
	if second.BaseURL != "http://127.0.0.1:9999" {
		t.Errorf("base URL %s", second.BaseURL)
	}
	if err := second.Revoke(serial, 1); !fault.Is(err, fault.Used) {
		t.Errorf("a revocation was forgotten: %v", err)
	}
	_, err = second.TrustedIssuers(igc.Fort)
	must(t, err)
	_, err = first.Respond(request)
	must(t, err)
	after, err := os.ReadFile(first.file(ledgerFile))
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Errorf("reading has changed the ledger:\n%s\n%s", before, after)
	}
}

func TestDamagedFolderIsRefused(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"ledger":      func(dir string) error { return os.WriteFile(filepath.Join(dir, ledgerFile), []byte("{"), 0o600) },
		"certificate": func(dir string) error { return os.WriteFile(filepath.Join(dir, "ACI-FO-PP.pem"), []byte("x"), 0o600) },
		"key":         func(dir string) error { return os.WriteFile(filepath.Join(dir, "ACI-FO-PP.key"), []byte("x"), 0o600) },
		"other key": func(dir string) error {
			return os.Rename(filepath.Join(dir, "ACR-FO.key"), filepath.Join(dir, "ACI-FO-PP.key"))
		},
	} {
		dir := t.TempDir()
		_, err := seeded(t, Options{Dir: dir}).TrustedIssuers(igc.Fort)
		must(t, err)
		must(t, damage(dir))
		a, err := New(Options{Clock: clock.NewManual(noon), Dir: dir})
		if err == nil {
			_, err = a.IssueCard(doctor())
		}
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two authorities of the same names share nothing but the names.
func TestWithoutASeedKeysAreDrawn(t *testing.T) {
	var moduli []string
	for range 2 {
		a, err := New(Options{Clock: clock.NewManual(noon), Bits: 2048})
		must(t, err)
		issuers, err := a.TrustedIssuers(igc.Fort)
		must(t, err)
		moduli = append(moduli, string(issuers[0].Issuer.RawSubjectPublicKeyInfo), string(issuers[0].Root.RawSubjectPublicKeyInfo))
	}
	slices.Sort(moduli)
	if len(slices.Compact(moduli)) != 4 {
		t.Error("two authorities have a key in common")
	}
	if _, err := New(Options{Clock: clock.NewManual(noon), Bits: 1024}); !fault.Is(err, fault.Invalid) {
		t.Errorf("short keys: %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no clock")
	}
}
