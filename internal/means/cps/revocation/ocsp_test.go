package revocation

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/means/cps"
)

func TestResponderAnswers(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		make func(nonce []byte) reply
		code string
	}{
		"good, by a delegate, with nonce":   {func(n []byte) reply { return reply{nonce: n} }, ""},
		"good, by the authority itself":     {func(n []byte) reply { return reply{nonce: n, by: w.own, bare: true} }, ""},
		"good, without nonce":               {func([]byte) reply { return reply{} }, ""},
		"good, without nonce nor end, new":  {func([]byte) reply { return reply{noEnd: true} }, ""},
		"good, a clock half a minute ahead": {func([]byte) reply { return reply{since: noon.Add(30 * time.Second)} }, ""},
		"revoked":                           {func(n []byte) reply { return reply{nonce: n, status: ocsp.Revoked} }, cps.CodeRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.again(t)
			w.answer = func(n []byte) []byte { return w.reply(c.make(n)) }
			w.want(w.check(w.responder, ""), c.code)
		})
	}
}

// again gives the same authority with a checker that remembers nothing.
func (w *world) again(t *testing.T) *world {
	t.Helper()
	checker, err := New(w.checker.Options)
	must(t, err)
	w.answer, w.list, w.checker, w.t = nil, nil, checker, t
	w.asked.Store(0)
	w.listed.Store(0)
	return w
}

// Each answer is signed by somebody or says something; none may confirm a card.
func TestResponderAttacks(t *testing.T) {
	w := newWorld(t)
	with := func(alter func(*x509.Certificate)) *pair { return w.delegate(w.own, alter) }
	critical := []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: asn1.NullBytes}}
	mine := func(r reply) func([]byte) []byte {
		return func(n []byte) []byte { r.nonce = n; return w.reply(r) }
	}
	bare := func(r reply) func([]byte) []byte { return func([]byte) []byte { return w.reply(r) } }
	old := w.reply(reply{nonce: []byte{4, 2, 1, 1}})
	for name, answer := range map[string]func([]byte) []byte{
		"delegate without the usage":        mine(reply{by: with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })}),
		"delegate for any usage":            mine(reply{by: with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })}),
		"the card answers for itself":       mine(reply{by: &pair{w.card, w.helper.key}}),
		"delegate of a namesake":            mine(reply{by: w.delegate(w.foreign, nil)}),
		"delegate under another name":       mine(reply{by: w.delegate(w.renamed(), nil)}),
		"delegate signed with SHA-1":        mine(reply{by: with(func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })}),
		"expired delegate":                  mine(reply{by: with(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.AddDate(-2, 0, 0), noon.Add(-time.Second) })}),
		"delegate of tomorrow":              mine(reply{by: with(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(time.Second), noon.AddDate(1, 0, 0) })}),
		"delegate that is an authority":     mine(reply{by: with(func(c *x509.Certificate) { c.IsCA = true })}),
		"signed by a namesake":              mine(reply{by: w.foreign, bare: true}),
		"namesake with its certificate":     mine(reply{by: w.foreign}),
		"signed with SHA-1":                 bare(reply{algorithm: x509.SHA1WithRSA}),
		"another serial number":             mine(reply{serial: 0x4243}),
		"same number, another authority":    mine(reply{about: w.foreign}),
		"same number and key, another name": mine(reply{about: w.renamed()}),
		"another authority's put before":    mine(reply{status: ocsp.Revoked, before: [][]byte{w.single(reply{about: w.foreign})}}),
		"nonce of another question":         func([]byte) []byte { return old },
		"nonce that is none":                bare(reply{nonce: []byte{4, 0}}),
		"nonce that cannot be read":         bare(reply{nonce: []byte{1}}),
		"nonce cut short":                   func(n []byte) []byte { return w.reply(reply{nonce: append([]byte{4, 15}, n[2:17]...)}) },
		"replay after its end":              bare(reply{since: noon.Add(-2 * time.Hour)}),
		"replay without nonce nor end":      bare(reply{since: noon.Add(-12 * time.Minute), noEnd: true}),
		"of tomorrow":                       mine(reply{since: noon.Add(2 * time.Minute)}),
		"critical rule not understood":      mine(reply{extensions: critical}),
		"unknown to the authority":          mine(reply{status: ocsp.Unknown}),
		"try later":                         func([]byte) []byte { return []byte{0x30, 3, 0x0a, 1, 3} },
		"success with nothing in it":        func([]byte) []byte { return []byte{0x30, 3, 0x0a, 1, 0} },
		"not an answer":                     func([]byte) []byte { return []byte("<html>captive portal</html>") },
		"nothing":                           func([]byte) []byte { return nil },
		"something after it":                func(n []byte) []byte { return append(w.reply(reply{nonce: n}), 0) },
		"too large":                         func(n []byte) []byte { return append(w.reply(reply{nonce: n}), make([]byte, maxOCSP)...) },
		"altered after it was signed":       w.altered,
		"signature of another good reply":   func(n []byte) []byte { return w.spliced(n) },
	} {
		t.Run(name, func(t *testing.T) {
			w := w.again(t)
			w.answer = answer
			w.want(w.check(w.responder, ""), cps.CodeUnconfirmed)
			if w.asked.Load() != 1 {
				t.Fatal("nobody was asked")
			}
		})
	}
}

// spliced puts the signature of an answer about another card under one about ours.
func (w *world) spliced(nonce []byte) []byte {
	o, i, _ := opened(w.t, w.reply(reply{nonce: nonce}))
	_, other, _ := opened(w.t, w.reply(reply{nonce: nonce, serial: 0x4243}))
	i.Signature = other.Signature
	var err error
	o.Body.Basic, err = asn1.Marshal(i)
	must(w.t, err)
	der, err := asn1.Marshal(o)
	must(w.t, err)
	return der
}

// altered turns a signed "unknown" into "good".
func (w *world) altered(nonce []byte) []byte {
	signed := w.reply(reply{nonce: nonce, status: ocsp.Unknown})
	unknown, good := []byte{0x82, 0}, []byte{0x80, 0}
	if bytes.Count(signed, unknown) != 1 {
		w.t.Error("the word to alter was not found")
	}
	return bytes.Replace(signed, unknown, good, 1)
}
