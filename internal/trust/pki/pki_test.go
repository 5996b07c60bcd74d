package pki

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
)

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

// What OpenSSL reads in our certificates is what the tables say (cps-card.md section 5).
func TestProfilesAsOpenSSLReadsThem(t *testing.T) {
	a := seeded(t, Options{})
	cps, err := a.IssueCard(doctor())
	must(t, err)
	cpe, err := a.IssueCard(employee())
	must(t, err)
	organisation := func(profile, name string) string {
		p, err := a.IssueOrganisation(OrganisationOrder{Profile: profile, Structure: "318751275100020", Organisation: "LOGICIELS INVENTES", Department: "Paris (75)", Common: name})
		must(t, err)
		return p.Certificate
	}
	root := string(pemOf(a.made["ACR-FO"]))
	issuer := string(pemOf(a.made["ACI-FO-PP"]))
	for name, c := range map[string]struct {
		pem  string
		want []string
	}{
		"root": {root, []string{"CA:TRUE, pathlen:1", "CN = TEST AC RACINE IGC-SANTE FORT", "OU = IGC-SANTE TEST", "Not After : Jun 25 00:00:00 2033 GMT"}},
		"issuer": {issuer, []string{
			"CA:TRUE, pathlen:0", "X509v3 Any Policy", "CN = TEST AC IGC-SANTE FORT PERSONNES", "Issuer: C = FR, O = ASIP-SANTE, OU = 0002 187512751, OU = IGC-SANTE TEST, CN = TEST AC RACINE IGC-SANTE FORT",
		}},
		"CPS authentication": {cps.Authentication.Certificate, []string{
			"Subject: C = FR, title = Médecin, SN = EXEMPLE + GN = CAMILLE + CN = 899700218896",
			"X509v3 Key Usage: critical\n                Digital Signature\n", "TLS Web Client Authentication, Microsoft Smartcard Login",
			"othername: UPN::899700218896@carte-cps.fr", "1.2.250.1.71.1.2.5: \n                ..", "1.2.250.1.71.1.2.2: \n                ...\n",
			"1.2.250.1.71.1.2.3: \n                ..8025000001/2800000001", "1.2.250.1.71.1.2.7: \n", "Policy: " + igc.TestPolicy,
			"OCSP - URI:http://127.0.0.1:8490/ocsp", "URI:http://127.0.0.1:8490/CRL/ACI-FO-PP-TEST.crl", "Public-Key: (2048 bit)", "sha256WithRSAEncryption", "Not After : Nov 22 12:00:00 2029 GMT",
		}},
		"CPS signature": {cps.Signature.Certificate, []string{"X509v3 Key Usage: critical\n                Non Repudiation\n", "E-mail Protection", "Private Key Usage Period"}},
		"CPE": {cpe.Authentication.Certificate, []string{
			"Subject: C = FR, ST = Paris (75), O = RESIDENCE FICTIVE, OU = 10B0057881, title = Personnel santé ou social, GN = ALIX + SN = GESTION + CN = 30B0057881/CPET0002",
			"CN = TEST AC IGC-SANTE STANDARD PERSONNES",
		}},
		"AUTH_CLI": {organisation("auth-cli", "INSI-AUTO"), []string{"OU = 318751275100020, CN = INSI-AUTO", "TLS Web Client Authentication", "CN = TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"}},
		"SIGN":     {organisation("sign", "SIGN-TEST"), []string{"Digital Signature, Non Repudiation", "E-mail Protection"}},
		"server":   {organisation("server", "service.example"), []string{"Digital Signature, Key Encipherment", "TLS Web Server Authentication, TLS Web Client Authentication", "DNS:service.example"}},
	} {
		text := openssl(t, c.pem, "x509", "-noout", "-text", "-nameopt", "oneline,utf8,-esc_msb,-space_eq,space_eq")
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
	}
	if strings.Contains(openssl(t, cpe.Authentication.Certificate, "x509", "-noout", "-text"), "1.2.250.1.71.1.2.7") {
		t.Error("a staff card carries a profession")
	}
	// C is a PrintableString, all else UTF8String; the category is one byte in an OCTET STRING.
	dump := openssl(t, cps.Authentication.Certificate, "asn1parse", "-i")
	for _, want := range []string{"PRINTABLESTRING   :FR", "UTF8STRING        :Médecin", "UTF8STRING        :CAMILLE", "[HEX DUMP]:040180", "[HEX DUMP]:020100", "[HEX DUMP]:02010A", "[HEX DUMP]:1315383032353030303030312F32383030303030303031"} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %q in\n%s", want, dump)
		}
	}
}

func pemOf(a *authority) []byte {
	p, err := pair(a.cert, a.key)
	if err != nil {
		panic(err)
	}
	return []byte(p.Certificate)
}

// OpenSSL builds the chain, checks the list and asks the responder with a nonce.
func TestOpenSSLVerifiesChainListAndResponder(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	a := seeded(t, Options{BaseURL: "http://" + server.Listener.Addr().String()})
	server.Config.Handler = a.Handler()
	server.Start()
	defer server.Close()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, b, 0o600))
		return path
	}
	good, err := a.IssueCard(doctor())
	must(t, err)
	bad, err := a.IssueCard(doctor())
	must(t, err)
	serial, err := Serial(bad.Authentication.Certificate)
	must(t, err)
	must(t, a.Revoke(serial, Reasons()["key-compromise"]))
	if err := a.Revoke(serial, 0); err == nil {
		t.Error("revoked twice")
	}
	root, issuer := file("root.pem", pemOf(a.made["ACR-FO"])), file("issuer.pem", pemOf(a.made["ACI-FO-PP"]))
	der, err := a.CRL("ACI-FO-PP")
	must(t, err)
	list := filepath.Join(dir, "list.pem")
	openssl(t, "", "crl", "-inform", "DER", "-in", file("list.crl", der), "-out", list)
	ok, revoked := file("good.pem", []byte(good.Authentication.Certificate)), file("bad.pem", []byte(bad.Authentication.Certificate))
	verify := func(leaf string) string {
		cmd := exec.CommandContext(t.Context(), "openssl", "verify", "-attime", "1795348800", "-CAfile", root, "-untrusted", issuer, "-crl_check", "-CRLfile", list, leaf)
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if out := verify(ok); !strings.Contains(out, "good.pem: OK") {
		t.Error(out)
	}
	if out := verify(revoked); !strings.Contains(out, "certificate revoked") {
		t.Error(out)
	}
	ask := func(leaf string) string {
		cmd := exec.CommandContext(t.Context(), "openssl", "ocsp", "-issuer", issuer, "-cert", leaf, "-url", a.BaseURL+"/ocsp",
			"-nonce", "-no_cert_verify", "-CAfile", root, "-validity_period", "1000000000")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	for leaf, want := range map[string]string{ok: ": good", revoked: "Reason: keyCompromise"} {
		if out := ask(leaf); !strings.Contains(out, want) || !strings.Contains(out, "Response verify OK") || strings.Contains(out, "nonce") {
			t.Errorf("%s: %s", leaf, out)
		}
	}
	stranger, err := seeded(t, Options{Seed: []byte("another ledger")}).IssueCard(doctor())
	must(t, err)
	if out := ask(file("stranger.pem", []byte(stranger.Authentication.Certificate))); !strings.Contains(out, ": unknown") {
		t.Errorf("%s", out)
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
