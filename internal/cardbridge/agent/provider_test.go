package agent_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/cps"
)

// provider is a login page's host: it publishes keys and hears of pulled cards.
type provider struct {
	origin   string
	keys     atomic.Pointer[jose.JSONWebKeySet]
	fetched  atomic.Int32
	down     atomic.Int32 // so many removals are answered 503 first
	tried    atomic.Int32
	removals chan cps.Removal

	mu     sync.Mutex
	issued map[string]cps.Challenge // by token
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{removals: make(chan cps.Removal, 512), issued: map[string]cps.Challenge{}}
	set := publicKeys(t)
	p.keys.Store(&set)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		p.fetched.Add(1)
		_ = json.NewEncoder(w).Encode(p.keys.Load()) // the test sees it missing
	})
	mux.HandleFunc("POST "+cps.RemovalPath, p.removal)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.origin = s.URL
	return p
}

func (p *provider) removal(w http.ResponseWriter, r *http.Request) {
	p.tried.Add(1)
	if p.down.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var in cps.Removal
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Origin") != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.removals <- in
	w.WriteHeader(http.StatusNoContent)
}

func (p *provider) remember(c cps.Challenge, token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issued[token] = c
}

// secrets are what no log may carry.
func (p *provider) secrets() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, _ := made() // the test has it
	all := map[string]string{"PIN": rightPIN, "wrong PIN": wrongPIN, "holder": c.Holder, "card number": c.Number}
	if block, _ := pem.Decode([]byte(c.Authentication.Certificate)); block != nil {
		all["certificate"] = base64.StdEncoding.EncodeToString(block.Bytes)[:64]
	}
	all["PIN, as bytes of a command"] = hex.EncodeToString([]byte(rightPIN))
	for token, c := range p.issued {
		all["challenge "+c.ID] = strings.Split(token, ".")[1] // the removal secret is in it
		if c.Removal != "" {
			all["removal secret of "+c.ID] = c.Removal
		}
		all["nonce of "+c.ID] = c.Nonce
	}
	return all
}

// key signs all good challenges.
var key = sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })

const kid = "current"

func publicKeys(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	k, err := key()
	must(t, err)
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"}}}
}

// signer is the provider's, as cps.Signer.
type signer struct{ *testing.T }

func (s signer) Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	k, err := key()
	must(s.T, err)
	return forge(s.T, map[string]any{"alg": alg, "typ": typ, "kid": kid}, payload, byECDSA(s.T, k)), nil
}

// forge makes a compact JWS with any header and any signature.
func forge(t *testing.T, header map[string]any, payload []byte, sign func(input []byte) []byte) string {
	t.Helper()
	h, err := json.Marshal(header)
	must(t, err)
	text := base64.RawURLEncoding.EncodeToString
	input := text(h) + "." + text(payload)
	return input + "." + text(sign([]byte(input)))
}

func byECDSA(t *testing.T, k *ecdsa.PrivateKey) func([]byte) []byte {
	return func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		must(t, err)
		const half = 32
		return append(r.FillBytes(make([]byte, half)), s.FillBytes(make([]byte, half))...)
	}
}

// answered wants a signature of this card over this login, and nothing else.
func (b *bed) answered(token string, r reply) cps.Answer {
	b.Helper()
	if r.err != nil || r.status != http.StatusOK {
		b.Fatalf("got %d %s (%v), want an answer", r.status, r.body, r.err)
	}
	a, der, signature, err := cps.ReadAnswer(r.body)
	must(b.T, err)
	cert, err := x509.ParseCertificate(der)
	must(b.T, err)
	sum := sha256.Sum256(cps.Message(b.provider.origin, token, der))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature); err != nil {
		b.Error("the signature is not over this login: ", err)
	}
	if a.Origin != b.provider.origin || cert.Subject.CommonName != "899700218896" || a.Card.Interface != "contact" || a.Bridge != "1.0.0" {
		b.Errorf("%+v, of %s", a, cert.Subject)
	}
	return a
}
