package revocation

import (
	"testing"

	"golang.org/x/crypto/ocsp"
)

// Whatever a responder sends about a revoked card, nobody without the
// authority's key makes it good.
func FuzzResponderAnswer(f *testing.F) {
	w := newWorld(f)
	nonce := []byte("0123456789abcdef")
	f.Add(w.reply(reply{status: ocsp.Revoked, nonce: append([]byte{4, 16}, nonce...)}))
	f.Add(w.reply(reply{status: ocsp.Revoked, by: w.own, bare: true}))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := weigh(body, w.card, w.own.cert, nonce, noon); err == nil && !a.revoked {
			t.Fatalf("%x frees a revoked card", body)
		}
	})
}

// Whatever a publisher sends, no list that is taken leaves the revoked card out.
func FuzzRevocationList(f *testing.F) {
	w := newWorld(f)
	f.Add(w.crl(nil, 7, w.card.SerialNumber.Int64(), 9))
	f.Fuzz(func(t *testing.T, der []byte) {
		if l, err := readList(der, w.own.cert, noon); err == nil && !l.names(w.card) {
			t.Fatalf("%x frees a revoked card", der)
		}
	})
}
