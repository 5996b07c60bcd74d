package pki

import (
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// What OpenSSL reads in our certificates is what the tables say (cps-card.md section 5).
func TestProfilesAsOpenSSLReadsThem(t *testing.T) {
	a := common(t)
	order := doctor()
	order.Number = "2800000777"
	cps, err := a.IssueCard(order)
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
			"1.2.250.1.71.1.2.3: \n                ..8025000001/2800000777", "1.2.250.1.71.1.2.7: \n", "Policy: " + igc.TestPolicy,
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
	for _, want := range []string{"PRINTABLESTRING   :FR", "UTF8STRING        :Médecin", "UTF8STRING        :CAMILLE", "[HEX DUMP]:040180", "[HEX DUMP]:020100", "[HEX DUMP]:02010A", "[HEX DUMP]:1315383032353030303030312F32383030303030373737"} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %q in\n%s", want, dump)
		}
	}
}

// The last name of a person is one set of three attributes, on cards of all kinds.
func TestNameOfAPersonIsOneSet(t *testing.T) {
	for _, o := range []CardOrder{doctor(), employee()} {
		c, err := common(t).IssueCard(o)
		must(t, err)
		for _, certificate := range []string{c.Authentication.Certificate, c.Signature.Certificate} {
			subject := openssl(t, certificate, "x509", "-noout", "-subject", "-nameopt", "RFC2253")
			last, _, _ := strings.Cut(strings.TrimPrefix(subject, "subject="), ",")
			for _, want := range []string{"CN=" + o.Holder, "GN=" + o.Given, "SN=" + o.Family} {
				if !strings.Contains("+"+last+"+", "+"+want+"+") {
					t.Errorf("%s: no %s in the set %s", o.Type, want, last)
				}
			}
		}
	}
}

func TestOrdersThatNoCardCanFulfil(t *testing.T) {
	for why, spoil := range map[string]func(o *CardOrder){
		"is a CPS":         func(o *CardOrder) { o.Type = "CNI" },
		"model":            func(o *CardOrder) { o.Model = "cps5" },
		"has a holder":     func(o *CardOrder) { o.Holder = "" },
		"ten digits":       func(o *CardOrder) { o.Number = "280000000" },
		"after it begins":  func(o *CardOrder) { o.NotBefore, o.NotAfter = noon, noon },
		"has ten digits":   func(o *CardOrder) { o.Number = "2800000001/../" },
		"CPF, CPE, CPA or": func(o *CardOrder) { o.Type = "" },
	} {
		o := doctor()
		spoil(&o)
		if _, err := common(t).IssueCard(o); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	for _, o := range []OrganisationOrder{
		{Profile: "auth", Structure: "1990000119", Common: "INSI-AUTO"}, {Profile: "sign", Common: "INSI-AUTO"}, {Profile: "sign", Structure: "1990000119"},
	} {
		if _, err := common(t).IssueOrganisation(o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
