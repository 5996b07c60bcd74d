package revocation

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/means/cps"
)

func TestListAnswersWhenNoResponderDoes(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(nil, 7, 8))
	w.want(w.check(w.responder, w.page), "") // the responder fails
	w = w.again(t)
	w.publish(w.crl(nil, 7, w.card.SerialNumber.Int64()))
	w.want(w.check("", w.page), cps.CodeRevoked)
}

// None of these lists may confirm a card.
func TestListAttacks(t *testing.T) {
	w := newWorld(t)
	list := func(alter func(*x509.RevocationList)) []byte { return w.crl(alter) }
	delta := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}
	foreign := func(by *pair) []byte {
		der, err := x509.CreateRevocationList(nil, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon, NextUpdate: noon.Add(time.Hour)}, by.cert, by.key)
		must(t, err)
		return der
	}
	for name, der := range map[string][]byte{
		"stale":                       list(func(l *x509.RevocationList) { l.ThisUpdate, l.NextUpdate = noon.Add(-25*time.Hour), noon }),
		"of tomorrow":                 list(func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(2 * time.Minute) }),
		"signed by a namesake":        foreign(w.foreign),
		"of another range":            foreign(w.renamed()),
		"signed with SHA-1":           sha1Signed(t, w),
		"delta":                       list(func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{delta} }),
		"of authorities only":         list(func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{partial()} }),
		"not a list":                  []byte("<html>captive portal</html>"),
		"nothing":                     nil,
		"too large":                   append(w.crl(nil), make([]byte, maxList)...),
		"an authority's certificate":  w.own.cert.Raw,
		"altered after it was signed": altered(w.crl(nil, 0x4242), 0x42),
		"cut short":                   w.crl(nil)[:60],
		"something after it":          append(w.crl(nil), 0),
		"two sets of entries":         resigned(t, w, w.crl(nil, 7), twice),
		"an entry without a number":   resigned(t, w, w.crl(nil, 7), nameless),
		"a number of 21 octets":       w.crl(func(l *x509.RevocationList) { l.RevokedCertificateEntries = endless() }),
	} {
		t.Run(name, func(t *testing.T) {
			w := w.again(t)
			w.publish(der)
			w.want(w.check("", w.page), cps.CodeUnconfirmed)
			if w.listed.Load() != 1 {
				t.Fatal("no list was asked for")
			}
		})
	}
}

// entry is one revoked certificate of the number 7 in a list of ours.
var entry = []byte{0x30, 0x12, 2, 1, 7}

// twice puts a second, empty set of entries behind the first.
func twice(tbs []byte) []byte {
	i := bytes.Index(tbs, entry) + 2 + int(entry[1])
	return slices.Insert(tbs, i, 0x30, 0)
}

// nameless makes the number of an entry a text.
func nameless(tbs []byte) []byte {
	tbs[bytes.Index(tbs, entry)+2] = 4
	return tbs
}

func endless() []x509.RevocationListEntry {
	n := new(big.Int).Lsh(big.NewInt(1), 162)
	return []x509.RevocationListEntry{{SerialNumber: n, RevocationTime: noon}}
}

// resigned alters what a list says and signs it anew.
func resigned(t *testing.T, w *world, der []byte, alter func(content []byte) []byte) []byte {
	t.Helper()
	var l struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	_, err := asn1.Unmarshal(der, &l)
	must(t, err)
	l.TBS = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: alter(slices.Clone(l.TBS.Bytes))}
	signed, err := asn1.Marshal(l.TBS)
	must(t, err)
	digest := sha256.Sum256(signed)
	signature, err := rsa.SignPKCS1v15(nil, w.own.key, crypto.SHA256, digest[:])
	must(t, err)
	l.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err = asn1.Marshal(l)
	must(t, err)
	return der
}

// sha1Signed is a list under the one weak algorithm that crypto/x509 still takes.
func sha1Signed(t *testing.T, w *world) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(nil, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: noon, NextUpdate: noon.Add(time.Hour), SignatureAlgorithm: x509.SHA1WithRSA,
	}, w.own.cert, w.own.key)
	must(t, err)
	return der
}

// partial is an issuing distribution point with onlyContainsCACerts (RFC 5280 5.2.5).
func partial() pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 3, 0x82, 1, 0xff}}
}

// altered frees the one card of a list by another number.
func altered(der []byte, b byte) []byte {
	for i := range der {
		if der[i] == 2 && der[i+1] == 2 && der[i+2] == b && der[i+3] == b {
			der[i+3]++
			return der
		}
	}
	return nil
}

func TestListByAKeyThatIsNotForLists(t *testing.T) {
	w := newWorld(t)
	list := w.crl(nil)
	w.own = certified(t, &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: w.own.cert.Subject, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, w.own.key, nil)
	w.publish(list)
	w.want(w.check("", w.page), cps.CodeUnconfirmed)
}

// Every number of a long list is found again, and no other.
func TestLongList(t *testing.T) {
	w := newWorld(t)
	var serials []int64
	for i := range int64(3000) {
		serials = append(serials, (i*7919)%3001<<8|0x80)
	}
	l, err := readList(w.crl(nil, serials...), w.own.cert, noon)
	must(t, err)
	for _, s := range serials {
		listed, next := &x509.Certificate{SerialNumber: big.NewInt(s)}, &x509.Certificate{SerialNumber: big.NewInt(s + 1)}
		if !l.names(listed) || l.names(next) {
			t.Fatalf("%x", s)
		}
	}
	if !l.names(&x509.Certificate{SerialNumber: new(big.Int).Lsh(big.NewInt(1), 162)}) {
		t.Fatal("a number that no list can name is confirmed")
	}
}

func TestStaleListConfirmsNothing(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(nil))
	w.want(w.check("", w.page), "")
	w.clock.Advance(24 * time.Hour) // its end, and the publisher has no other
	w.want(w.check("", w.page), cps.CodeUnconfirmed)
}

func TestNewListIsTakenAtTheEndOfTheOld(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(func(l *x509.RevocationList) { l.NextUpdate = noon.Add(3 * time.Minute) }))
	w.want(w.check("", w.page), "")
	w.clock.Advance(3 * time.Minute)
	w.publish(w.crl(func(l *x509.RevocationList) { l.Number = big.NewInt(11) }, w.card.SerialNumber.Int64()))
	w.want(w.check("", w.page), cps.CodeRevoked)
}

// A network attacker who kept yesterday's list, not over yet, brings no card back.
func TestOldListDoesNotBringACardBack(t *testing.T) {
	w := newWorld(t)
	yesterday := w.crl(func(l *x509.RevocationList) { l.ThisUpdate = noon.Add(-2 * time.Hour) })
	lower := w.crl(func(l *x509.RevocationList) { l.Number, l.ThisUpdate = big.NewInt(9), noon.Add(time.Hour) })
	w.publish(w.crl(nil, w.card.SerialNumber.Int64()))
	w.want(w.check("", w.page), cps.CodeRevoked)
	for i, list := range [][]byte{yesterday, lower} {
		w.publish(list)
		w.clock.Advance(2 * time.Hour)
		w.want(w.check("", w.page), cps.CodeRevoked)
		w.until(func() bool { return int(w.listed.Load()) == i+2 && w.idle() })
	}
	w.clock.Advance(answerLife)
	w.want(w.check("", w.page), cps.CodeRevoked)
	w.until(w.idle)
}

// idle tells that no list is being fetched: what was due was put off.
func (w *world) idle() bool {
	for _, s := range w.shelves() {
		if !w.clock.Now().Before(s.due) {
			return false
		}
	}
	return true
}

func (w *world) shelves() []shelf {
	w.checker.lists.mu.Lock()
	defer w.checker.lists.mu.Unlock()
	var all []shelf
	for _, s := range w.checker.lists.held {
		all = append(all, s)
	}
	return all
}

func (w *world) until(done func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	for !done() {
		if ctx.Err() != nil {
			w.t.Fatal("it did not happen")
		}
		runtime.Gosched()
	}
}

// A list that takes its time is fetched beside the logins, not before them.
func TestNoLoginWaitsForARenewal(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(nil))
	w.want(w.check("", w.page), "")
	slow, newer := make(chan struct{}), w.crl(func(l *x509.RevocationList) { l.Number = big.NewInt(11) }, w.card.SerialNumber.Int64())
	w.list = func(rw http.ResponseWriter, _ *http.Request) { <-slow; _, _ = rw.Write(newer) }
	w.clock.Advance(answerLife)
	w.want(w.check("", w.page), "") // answered by what is held
	close(slow)
	w.until(w.idle)
	w.clock.Advance(answerLife)
	w.list = nil
	w.want(w.check("", w.page), cps.CodeRevoked)
	w.until(w.idle)
}

func TestUnchangedListIsNotSentAgain(t *testing.T) {
	w := newWorld(t)
	der, conditional := w.crl(nil), make(chan string, 1)
	w.list = func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			conditional <- r.Header.Get("If-None-Match") + " " + r.Header.Get("If-Modified-Since")
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		rw.Header().Set("ETag", `"10"`)
		rw.Header().Set("Last-Modified", "Sun, 22 Nov 2026 11:00:00 GMT")
		_, _ = rw.Write(der)
	}
	w.want(w.check("", w.page), "")
	w.clock.Advance(answerLife)
	w.want(w.check("", w.page), "")
	if got := <-conditional; got != `"10" Sun, 22 Nov 2026 11:00:00 GMT` {
		t.Fatal(got)
	}
	w.until(w.idle)
	w.clock.Advance(24 * time.Hour) // over: asked for unconditionally
	w.want(w.check("", w.page), cps.CodeUnconfirmed)
}

func TestNotModifiedOfNothingConfirmsNothing(t *testing.T) {
	w := newWorld(t)
	w.list = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNotModified) }
	w.want(w.check("", w.page), cps.CodeUnconfirmed)
}

func TestDeadPublisherIsLeftInPeace(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.want(w.check("", w.page), cps.CodeUnconfirmed)
	}
	if n := w.listed.Load(); n != 1 {
		t.Fatalf("asked %d times within %s", n, quiet)
	}
	w.clock.Advance(quiet)
	w.publish(w.crl(nil))
	w.want(w.check("", w.page), "")
}

func TestDeadResponderIsLeftInPeace(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(nil))
	w.want(w.check(w.responder, w.page), "")
	w.checker.answers.InvalidateAll()
	w.want(w.check(w.responder, w.page), "")
	if n := w.asked.Load(); n != 1 {
		t.Fatalf("asked %d times within %s", n, quiet)
	}
	w.clock.Advance(quiet)
	w.checker.answers.InvalidateAll()
	w.answer = func(n []byte) []byte { return w.reply(reply{nonce: n, status: ocsp.Revoked}) }
	w.want(w.check(w.responder, w.page), cps.CodeRevoked)
}

// An authority that does not know what bears its signature has lost its key:
// a list, which only names what was issued, must not say otherwise.
func TestUnknownIsNotOverruledByAList(t *testing.T) {
	w := newWorld(t)
	w.publish(w.crl(nil))
	w.answer = func(n []byte) []byte { return w.reply(reply{nonce: n, status: ocsp.Unknown}) }
	for range 2 { // nor is a responder that speaks left alone
		w.want(w.check(w.responder, w.page), cps.CodeUnconfirmed)
	}
	if w.asked.Load() != 2 || w.listed.Load() != 0 {
		t.Fatal(w.asked.Load(), w.listed.Load())
	}
}

func TestAnswerServesTenMinutes(t *testing.T) {
	w := newWorld(t)
	w.answer = func(n []byte) []byte { return w.reply(reply{nonce: n}) }
	w.want(w.check(w.responder, ""), "")
	w.answer = func(n []byte) []byte { return w.reply(reply{nonce: n, status: ocsp.Revoked}) }
	w.clock.Advance(answerLife - time.Second)
	w.want(w.check(w.responder, ""), "")
	w.clock.Advance(time.Second)
	w.want(w.check(w.responder, ""), cps.CodeRevoked)
}

func TestAnswerServesNoLongerThanItSays(t *testing.T) {
	w := newWorld(t)
	w.answer = func(n []byte) []byte { return w.reply(reply{nonce: n, end: noon.Add(time.Minute)}) }
	w.want(w.check(w.responder, ""), "")
	w.answer = nil
	w.clock.Advance(time.Minute)
	w.want(w.check(w.responder, ""), cps.CodeUnconfirmed)
}

func TestManyLoginsMakeOneRequest(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.answer = func(n []byte) []byte { <-release; return w.reply(reply{nonce: n}) }
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := w.check(w.responder, ""); err != nil {
				t.Error(err)
			}
		})
	}
	w.until(func() bool { return w.asked.Load() == 1 })
	close(release)
	all.Wait()
	if n := w.asked.Load(); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

// Who asked first and went away does not take the answer from the others.
func TestCallerWhoLeavesTakesNothingAway(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.answer = func(n []byte) []byte { <-release; return w.reply(reply{nonce: n}) }
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- w.checker.Check(ctx, w.card, cps.TrustedIssuer{Issuer: w.own.cert, OCSP: w.responder}) }()
	w.until(func() bool { return w.asked.Load() == 1 })
	leave()
	w.want(<-left, cps.CodeUnconfirmed)
	close(release)
	w.want(w.check(w.responder, ""), "")
	if n := w.asked.Load(); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	w := newWorld(t)
	good := w.crl(nil)
	w.list = func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			_, _ = rw.Write(good)
			return
		}
		http.Redirect(rw, r, "/list?elsewhere", http.StatusFound)
	}
	w.want(w.check("", w.page), cps.CodeUnconfirmed)
	if n := w.listed.Load(); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

func TestAuthorityThatPublishesNothingConfirmsNothing(t *testing.T) {
	w := newWorld(t)
	w.want(w.check("", ""), cps.CodeUnconfirmed)
}

func TestNoRandomnessNoQuestion(t *testing.T) {
	w := newWorld(t)
	w.checker.Rand = io.LimitReader(nil, 0)
	w.want(w.check(w.responder, ""), cps.CodeUnconfirmed)
	if w.asked.Load() != 0 {
		t.Fatal("asked without a nonce")
	}
}
