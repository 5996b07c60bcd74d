package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

// paper is a folder of files for OpenSSL.
type paper struct {
	t   *testing.T
	dir string
}

func (p paper) write(name string, b []byte) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	must(p.t, os.WriteFile(path, b, 0o600))
	return path
}

// lists writes what the authorities publish on revocation as one file.
func (p paper) lists(a *Authority) string {
	p.t.Helper()
	all, err := a.Lists()
	must(p.t, err)
	var text bytes.Buffer
	for _, der := range all {
		must(p.t, pem.Encode(&text, &pem.Block{Type: "X509 CRL", Bytes: der}))
	}
	return p.write("lists.pem", text.Bytes())
}

// verify is the verdict of openssl verify at noon, with lists of the whole chain.
func (p paper) verify(root, untrusted, lists, leaf string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "openssl", "verify", "-attime", big.NewInt(noon.Unix()+60).String(),
		"-CAfile", root, "-untrusted", untrusted, "-crl_check_all", "-CRLfile", lists, leaf)
	out, _ := cmd.CombinedOutput() // the text tells more than the status
	return string(out)
}

func fortFiles(p paper, a *Authority) (root, issuer string) {
	p.t.Helper()
	issuers, err := a.TrustedIssuers(igc.Fort)
	must(p.t, err)
	return p.write("root.pem", encodePEM(issuers[0].Root)), p.write("issuer.pem", encodePEM(issuers[0].Issuer))
}

func encodePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func authenticationSerial(t *testing.T, c igc.CardFile) string {
	t.Helper()
	serial, err := Serial(c.Authentication.Certificate)
	must(t, err)
	return serial
}

// OpenSSL builds the chain, checks the lists and asks the responder with a nonce.
func TestOpenSSLVerifiesChainListsAndResponder(t *testing.T) {
	a, p := common(t), paper{t, t.TempDir()}
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	good, err := a.IssueCard(doctor())
	must(t, err)
	bad, err := a.IssueCard(doctor())
	must(t, err)
	must(t, a.Revoke(authenticationSerial(t, bad), Reasons()["key-compromise"]))
	stranger, err := seeded(t, Options{Seed: []byte("same names, other keys")}).IssueCard(doctor())
	must(t, err)
	root, issuer := fortFiles(p, a)
	lists := p.lists(a)
	for name, c := range map[string]struct {
		card                       igc.CardFile
		chain, responder, verified string
	}{
		"good":     {good, "good.pem: OK", ": good", "Response verify OK"},
		"revoked":  {bad, "certificate revoked", "Reason: keyCompromise", "Response verify OK"},
		"stranger": {stranger, "unable to get local issuer certificate", ": unknown", "Response verify OK"},
	} {
		leaf := p.write(name+".pem", []byte(c.card.Authentication.Certificate))
		if out := p.verify(root, issuer, lists, leaf); !strings.Contains(out, c.chain) {
			t.Errorf("%s: chain: %s", name, out)
		}
		out := openssl(t, "", "ocsp", "-issuer", issuer, "-cert", leaf, "-url", server.URL+"/ocsp", "-nonce", "-CAfile", root, "-verify_other", issuer,
			"-no_cert_verify", "-validity_period", "1000000000")
		if !strings.Contains(out, c.responder) || !strings.Contains(out, c.verified) || strings.Contains(out, "nonce") {
			t.Errorf("%s: responder: %s", name, out)
		}
	}
}

func TestRevokedOnceBySerialInAnySpelling(t *testing.T) {
	a := common(t)
	c, err := a.IssueCard(doctor())
	must(t, err)
	serial := authenticationSerial(t, c)
	if err := a.Revoke(strings.ToUpper(serial[:2]+":"+serial[2:]), 0); err != nil {
		t.Error(err)
	}
	if err := a.Revoke(serial, 0); !fault.Is(err, fault.Used) {
		t.Errorf("revoked twice: %v", err)
	}
	if err := a.Revoke("00", 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("a serial number of nobody: %v", err)
	}
}

// Attack: an intermediate's key makes an authority of its own.
func TestAuthorityBelowAnIntermediateIsRefused(t *testing.T) {
	a, p := common(t), paper{t, t.TempDir()}
	root, issuer := fortFiles(p, a)
	by := a.made["ACI-FO-PP"]
	rogue, err := certify(&x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: encode(authorityName("TEST ROGUE")), NotBefore: begins, NotAfter: ends,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Policies: []x509.OID{anyPolicy()},
	}, by, by.key.Public())
	must(t, err)
	leaf, err := certify(&x509.Certificate{
		SerialNumber: big.NewInt(2), RawSubject: encode(authorityName("TEST VICTIM")), NotBefore: begins, NotAfter: ends,
	}, &authority{cert: rogue, key: by.key}, by.key.Public())
	must(t, err)
	chain, err := os.ReadFile(issuer)
	must(t, err)
	untrusted := p.write("chain.pem", append(chain, encodePEM(rogue)...))
	if out := p.verify(root, untrusted, p.lists(a), p.write("leaf.pem", encodePEM(leaf))); !strings.Contains(out, "path length constraint exceeded") {
		t.Error(out)
	}
}

// ask gives an OCSP request about a certificate of the FORT authority, with a
// nonce if there is one.
func ask(t *testing.T, a *Authority, nonce []byte) (request []byte, issuer *x509.Certificate) {
	t.Helper()
	issuers, err := a.TrustedIssuers(igc.Fort)
	must(t, err)
	issuer = issuers[0].Issuer
	request, err = ocsp.CreateRequest(&x509.Certificate{SerialNumber: big.NewInt(7)}, issuer, nil)
	must(t, err)
	if nonce == nil {
		return request, issuer
	}
	var outer struct{ TBS asn1.RawValue }
	_, err = asn1.Unmarshal(request, &outer)
	must(t, err)
	type extension struct {
		ID    asn1.ObjectIdentifier
		Value []byte
	}
	extensions, err := asn1.MarshalWithParams([]extension{{oidNonce, nonce}}, "explicit,tag:2")
	must(t, err)
	tbs := encode(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: append(outer.TBS.Bytes, extensions...)})
	return encode(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: tbs}), issuer
}

// Attack: the responder as an oracle that signs long strings of one's choice.
func TestNonceOfImpossibleSizeIsRefused(t *testing.T) {
	a := common(t)
	for name, c := range map[string]struct {
		nonce []byte
		taken bool
	}{
		"one byte":      {encode(make([]byte, 1)), true},
		"RFC 9654's 32": {encode(make([]byte, 32)), true},
		"the most":      {encode(make([]byte, 128)), true},
		"empty":         {encode([]byte{}), false},
		"one too many":  {encode(make([]byte, 129)), false},
		"no string":     {encode(7), false},
		"and more":      {append(encode(make([]byte, 16)), 1), false},
	} {
		request, issuer := ask(t, a, c.nonce)
		der, err := a.Respond(request)
		if !c.taken {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		must(t, err)
		if _, err := ocsp.ParseResponse(der, issuer); err != nil || !bytes.Contains(der, c.nonce) {
			t.Errorf("%s: %v, nonce in the answer: %t", name, err, bytes.Contains(der, c.nonce))
		}
	}
}

// The delegate is certified by the authority it answers for, and nothing else.
func TestAnswerIsSignedByADelegate(t *testing.T) {
	a := common(t)
	request, issuer := ask(t, a, nil)
	der, err := a.Respond(request)
	must(t, err)
	answer, err := ocsp.ParseResponse(der, issuer)
	must(t, err)
	text := openssl(t, string(encodePEM(answer.Certificate)), "x509", "-noout", "-text")
	for _, want := range []string{"OCSP Signing", "OCSP No Check", "CA:FALSE", "CN = TEST OCSP ACI-FO-PP"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if answer.Status != ocsp.Unknown || !answer.ThisUpdate.Equal(noon) || !answer.NextUpdate.Equal(noon.Add(10*time.Minute)) {
		t.Errorf("status %d, %s to %s", answer.Status, answer.ThisUpdate, answer.NextUpdate)
	}
}

func get(t *testing.T, h http.Handler, method, path string, body []byte) (int, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body)))
	b, err := io.ReadAll(w.Body)
	must(t, err)
	return w.Code, b
}

// Attack: a stranger has keys of 4096 bits made, reads files, sends what is no request.
func TestStrangersGetOnlyWhatIsPublished(t *testing.T) {
	a := seeded(t, Options{Dir: t.TempDir()})
	request, _ := ask(t, a, encode([]byte("nonce")))
	other, _ := ask(t, seeded(t, Options{Seed: []byte("other keys")}), nil)
	inURL := url.PathEscape(base64.StdEncoding.EncodeToString(request))
	for name, c := range map[string]struct {
		method, path string
		body         []byte
		code         int
		answer       []byte // nil: not compared
	}{
		"list":              {"GET", "/CRL/ACI-FO-PP-TEST.crl", nil, 200, nil},
		"root's list":       {"GET", "/CRL/ACR-FO-TEST.crl", nil, 200, nil},
		"issuer":            {"GET", "/AC%20TEST/ACI-FO-PP-TEST.cer", nil, 200, a.made["ACI-FO-PP"].cert.Raw},
		"OCSP in the URL":   {"GET", "/ocsp/" + inURL, nil, 200, nil},
		"list never needed": {"GET", "/CRL/ACI-EL-ORG-TEST.crl", nil, 404, nil},
		"cert never needed": {"GET", "/AC%20TEST/ACI-EL-ORG-TEST.cer", nil, 404, nil},
		"unknown file":      {"GET", "/CRL/ACI-XX-TEST.crl", nil, 404, nil},
		"key":               {"GET", "/AC%20TEST/..%2FACI-FO-PP.key", nil, 404, nil},
		"no base64":         {"GET", "/ocsp/---", nil, 400, nil},
		"too large":         {"POST", "/ocsp", make([]byte, 5<<10), 400, nil},
		"no request":        {"POST", "/ocsp", []byte("hello"), 200, ocsp.MalformedRequestErrorResponse},
		"other authority":   {"POST", "/ocsp", other, 200, ocsp.UnauthorizedErrorResponse},
	} {
		code, body := get(t, a.Handler(), c.method, c.path, c.body)
		if code != c.code || c.answer != nil && !bytes.Equal(body, c.answer) {
			t.Errorf("%s: %d %x", name, code, body)
		}
	}
	if a.made["ACI-EL-ORG"] != nil || a.kept("ACI-EL-ORG") {
		t.Error("an authority was made because a stranger asked")
	}
}

func FuzzRespond(f *testing.F) {
	a, err := shared()
	if err != nil {
		f.Fatal(err)
	}
	issuers, err := a.TrustedIssuers(igc.Fort)
	if err != nil {
		f.Fatal(err)
	}
	seed, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: big.NewInt(7)}, issuers[0].Issuer, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, request []byte) {
		der, err := a.Respond(request)
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			return
		}
		if _, err := ocsp.ParseResponse(der, issuers[0].Issuer); err != nil {
			t.Errorf("an answer that nobody can read: %v", err)
		}
	})
}
