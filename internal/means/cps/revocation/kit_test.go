package revocation

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// keys of the authority, its namesake and the delegate: made once, they take
// more time than all tests.
var keys = sync.OnceValue(func() (k [3]*rsa.PrivateKey) {
	for i := range k {
		var err error
		if k[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return k
})

// certified signs a template; without a parent it signs itself.
func certified(t testing.TB, template *x509.Certificate, key *rsa.PrivateKey, parent *pair) *pair {
	t.Helper()
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0)
	}
	if parent == nil {
		parent = &pair{template, key}
	}
	der, err := x509.CreateCertificate(nil, template, parent.cert, key.Public(), parent.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &pair{cert, key}
}

func authority(t testing.TB, key *rsa.PrivateKey) *pair {
	t.Helper()
	return certified(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "TEST AC PERSONNES"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, key, nil)
}

// renamed is an authority of another range that shares our key.
func (w *world) renamed() *pair {
	return certified(w.t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "TEST AC AUTRE"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, w.own.key, nil)
}

// world is an authority, a delegate of it, one card, and where it publishes.
type world struct {
	t               testing.TB
	clock           *clock.Manual
	own, helper     *pair
	foreign         *pair // another key under the authority's own name
	card            *x509.Certificate
	server          *httptest.Server
	checker         *Checker
	asked, listed   atomic.Int32
	answer          func(nonce []byte) []byte // to an OCSP request
	list            http.HandlerFunc
	responder, page string // URLs
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewManual(noon), own: authority(t, keys()[0]), foreign: authority(t, keys()[1])}
	w.helper = w.delegate(w.own, nil)
	w.card = certified(t, &x509.Certificate{SerialNumber: big.NewInt(0x4242), Subject: pkix.Name{CommonName: "899700218896"}}, w.helper.key, w.own).cert
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ocsp", func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil || w.answer == nil {
			http.Error(rw, "no", http.StatusInternalServerError)
			return
		}
		_, _ = rw.Write(w.answer(nonceIn(t, body)))
	})
	mux.HandleFunc("GET /list", func(rw http.ResponseWriter, r *http.Request) {
		w.listed.Add(1)
		if w.list == nil {
			http.Error(rw, "no", http.StatusInternalServerError)
			return
		}
		w.list(rw, r)
	})
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	w.responder, w.page = w.server.URL+"/ocsp", w.server.URL+"/list"
	var err error
	w.checker, err = New(Options{HTTP: w.server.Client(), Clock: w.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	return w
}

// delegate makes a responder of an authority; alter spoils it.
func (w *world) delegate(by *pair, alter func(*x509.Certificate)) *pair {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "TEST OCSP"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, BasicConstraintsValid: true,
	}
	if alter != nil {
		alter(template)
	}
	return certified(w.t, template, keys()[2], by)
}

func (w *world) check(responder, page string) error {
	w.t.Helper()
	return w.checker.Check(w.t.Context(), w.card, cps.TrustedIssuer{Issuer: w.own.cert, OCSP: responder, CRL: page})
}

func (w *world) want(err error, code string) {
	w.t.Helper()
	if got := fault.CodeOf(err); got != code || (err == nil) != (code == "") {
		w.t.Fatalf("got %v, want %q", err, code)
	}
}

// crl makes a list of the authority.
func (w *world) crl(alter func(*x509.RevocationList), serials ...int64) []byte {
	w.t.Helper()
	now := w.clock.Now()
	list := &x509.RevocationList{
		Number: big.NewInt(10), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(24 * time.Hour), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: now.Add(-2 * time.Hour)})
	}
	if alter != nil {
		alter(list)
	}
	der, err := x509.CreateRevocationList(nil, list, w.own.cert, w.own.key)
	must(w.t, err)
	return der
}

func (w *world) publish(der []byte) {
	w.list = func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(der) }
}
