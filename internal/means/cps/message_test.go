package cps

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

// No part of one login's message may slide into another part (cps-card.md section 8).
func TestMessagesNeverMeet(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range []string{"https://a.example", "https://a.examplet", "https://a.example\x00"} {
		for _, c := range []string{"token", "oken", "\x00token", ""} {
			for _, d := range []string{"DER", "ER", "\x00DER", ""} {
				m := Message(o, c, []byte(d))
				if len(m) != len(Protocol)+1+96 || !bytes.HasPrefix(m, []byte(Protocol+"\x00")) || seen[string(m)] {
					t.Fatalf("%q %q %q: %x", o, c, d, m)
				}
				seen[string(m)] = true
			}
		}
	}
}

// What a card pads is the DigestInfo of RFC 8017, of 51 bytes [C].
func TestDigestInfo(t *testing.T) {
	var d struct {
		Algorithm struct {
			OID  asn1.ObjectIdentifier
			Null asn1.RawValue
		}
		Digest []byte
	}
	rest, err := asn1.Unmarshal(DigestInfo([]byte("abc")), &d)
	must(t, err)
	if len(rest) != 0 || len(DigestInfo(nil)) != 51 || d.Algorithm.OID.String() != "2.16.840.1.101.3.4.2.1" || len(d.Digest) != 32 || d.Digest[0] != 0xba {
		t.Fatalf("%+v", d)
	}
}

// Nothing hides beside what is read.
func TestMalformedAnswers(t *testing.T) {
	b := newBench(t)
	good := string(login(t, b.der))
	replaced := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	a, _, signature, err := ReadAnswer([]byte(good))
	must(t, err)
	for name, body := range map[string]string{
		"empty":                       "",
		"null":                        "null",
		"a list":                      "[" + good + "]",
		"text":                        `"cps-auth:1"`,
		"something after it":          good + "{}",
		"cut short":                   good[:len(good)-1],
		"too long":                    good + strings.Repeat(" ", MaxBody),
		"unknown member":              replaced(`{"protocol"`, `{"hash":"00","protocol"`),
		"unknown member of the card":  replaced(`"interface"`, `"serial":"1","interface"`),
		"another protocol":            replaced(Protocol, "cps-auth:2"),
		"another algorithm":           replaced("RS256", "PS256"),
		"algorithm none":              replaced("RS256", "none"),
		"no certificate":              replaced(a.Certificate, ""),
		"certificate with a line":     replaced(a.Certificate, a.Certificate[:64]+`\n`+a.Certificate[64:]),
		"certificate as PEM":          replaced(a.Certificate, "-----BEGIN CERTIFICATE-----"),
		"certificate of two lengths":  replaced(a.Certificate, a.Certificate+"AAAA="),
		"signature missing":           replaced(a.Signature, ""),
		"signature padded":            replaced(a.Signature, a.Signature+"=="),
		"signature in another base64": replaced(a.Signature, base64.StdEncoding.EncodeToString(append([]byte{0xff, 0xff, 0xff}, signature...))),
		"signature with stray bits":   replaced(a.Signature, a.Signature[:len(a.Signature)-1]+string(a.Signature[len(a.Signature)-1]+1)),
		"signature that is a number":  replaced(`"`+a.Signature+`"`, "1"),
		"deeply nested":               replaced(`{"type"`, `{"type":`+strings.Repeat("[", 10000)+`,"type"`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := b.Judge(t.Context(), origin, asked, []byte(body))
			if !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != CodeAnswerInvalid || got != (Verdict{Check: 2}) {
				t.Fatalf("got %v, %+v", err, got)
			}
		})
	}
}

// The closed list is closed: each word has one status and one public code, and
// what is not in it is the card's error.
func TestBridgeErrorsAreAClosedList(t *testing.T) {
	want := map[BridgeError]int{
		OriginNotAllowed: 403, BadHost: 421, RequestInvalid: 400, ChallengeInvalid: 400, ChallengeExpired: 400, BridgeBusy: 409, NoReader: 409, NoCard: 409,
		CardNotSupported: 409, ContactlessRefused: 409, CertificateExpired: 409, UserCancelled: 409, PINIncorrect: 409, PINBlocked: 423,
		CardRemoved: 409, Timeout: 408, CardError: 502, WindowUnavailable: 503,
	}
	list := BridgeErrors()
	if len(list) != len(want) {
		t.Fatalf("%d words, want %d", len(list), len(want))
	}
	for _, e := range list {
		if e.Status() != want[e] || !strings.HasPrefix(e.Code(), "PF-CA-0") {
			t.Errorf("%s: %d %s", e, e.Status(), e.Code())
		}
	}
	if e := BridgeError("something_else"); e.Status() != http.StatusBadGateway || e.Code() != CodeCardError {
		t.Error(e.Status(), e.Code())
	}
}
