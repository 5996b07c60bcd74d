package login_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/cps/revocation"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// keysOf signs challenges as the provider's keys do.
type keysOf struct{ key *ecdsa.PrivateKey }

func (k keysOf) Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: k.key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", "k1"))
	if err != nil {
		return "", err
	}
	object, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return object.CompactSerialize()
}

// authorityMade is one test authority for the whole binary: its keys take time.
var authorityMade = sync.OnceValues(func() (*pki.Authority, error) {
	return pki.New(pki.Options{Clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), Bits: 2048, Seed: []byte("login test")})
})

var cardsMade = sync.OnceValues(func() (map[string]igc.CardFile, error) {
	a, err := authorityMade()
	if err != nil {
		return nil, err
	}
	made := map[string]igc.CardFile{}
	for name, o := range map[string]pki.CardOrder{
		"camille": {Type: "CPS", Holder: camille, Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10},
		"noemie":  {Type: "CPS", Holder: noemie, Family: "SPECIMEN", Given: "NOEMIE", Title: "Infirmier", Profession: 60},
		"nobody":  {Type: "CPS", Holder: nobody, Family: "PERSONNE", Given: "X"},
		"revoked": {Type: "CPS", Holder: camille, Family: "EXEMPLE", Given: "CAMILLE"},
		"expired": {Type: "CPS", Holder: camille, Family: "EXEMPLE", Given: "CAMILLE", NotBefore: time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if made[name], err = a.IssueCard(o); err != nil {
			return nil, err
		}
	}
	serial, err := pki.Serial(made["revoked"].Authentication.Certificate)
	if err != nil {
		return nil, err
	}
	return made, a.Revoke(serial, 1)
})

func (w *world) newCards(durable *db.DB) *cards.Cards {
	t := w.t
	a, err := authorityMade()
	must(t, err)
	_, err = cardsMade()
	must(t, err)
	issuers, err := a.TrustedIssuers(igc.Fort)
	must(t, err)
	publisher := httptest.NewServer(a.Handler())
	t.Cleanup(publisher.Close)
	trust, err := cps.NewTrust([]cps.TrustedIssuer{{
		Range: igc.Fort, Root: issuers[0].Root, Issuer: issuers[0].Issuer, OCSP: publisher.URL + "/ocsp",
	}}, cps.TrustOptions{Policies: []string{igc.TestPolicy}}, w.clock.Now())
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	checker, err := revocation.New(revocation.Options{HTTP: publisher.Client(), Clock: w.clock, Rand: rand.Reader, Log: log})
	must(t, err)
	judge, err := cps.NewVerifier(cps.VerifierOptions{Trust: trust, Revocation: checker, Clock: w.clock})
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c, err := cards.New(cards.Deps{
		KV: w.kv, DB: durable, Keys: keysOf{key}, Judge: judge, Clock: w.clock, Rand: rand.Reader, Audit: w.audit, Log: log,
		Origin: w.server.URL, SessionLife: 4 * time.Hour,
	})
	must(t, err)
	return c
}

// asked is a challenge as the page's script gets it.
type asked struct{ Challenge, JTI string }

func (b *browser) challenge(path string) asked {
	b.w.t.Helper()
	p := b.send(path, "card-challenge")
	var a asked
	if err := json.Unmarshal([]byte(p.body), &a); err != nil || p.status != http.StatusOK || a.Challenge == "" {
		b.w.t.Fatalf("challenge: %d %s %v", p.status, p.body, err)
	}
	return a
}

// signed is what a bridge with that card answers, for a page of that origin.
func signed(t *testing.T, name, origin, challenge string) string {
	t.Helper()
	made, err := cardsMade()
	must(t, err)
	return signedBy(t, made[name].Authentication, origin, challenge)
}

func signedBy(t *testing.T, pair igc.KeyPair, origin, challenge string) string {
	t.Helper()
	secret, _ := pem.Decode([]byte(pair.Key))
	public, _ := pem.Decode([]byte(pair.Certificate))
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	must(t, err)
	sum := sha256.Sum256(cps.Message(origin, challenge, public.Bytes))
	signature, err := rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	must(t, err)
	b, err := json.Marshal(cps.NewAnswer(origin, public.Bytes, signature, cps.AnswerCard{Type: "cps3", Interface: "contact"}, "test"))
	must(t, err)
	return string(b)
}

// present answers a challenge of the login with a card.
func (b *browser) present(path, card string, fields ...string) page {
	b.w.t.Helper()
	a := b.challenge(path)
	return b.send(path, "card", append([]string{"jti", a.JTI, "answer", signed(b.w.t, card, b.w.server.URL, a.Challenge)}, fields...)...)
}

func (b *browser) removal(challenge string) cps.Removal {
	b.w.t.Helper()
	var c cps.Challenge
	payload, err := jose.ParseSignedCompact(challenge, []jose.SignatureAlgorithm{jose.ES256})
	must(b.w.t, err)
	must(b.w.t, json.Unmarshal(payload.UnsafePayloadWithoutVerification(), &c))
	return cps.Removal{ID: c.ID, Secret: c.Removal}
}

// pull reports a pulled card as a bridge does, from no page at all.
func (w *world) pull(r cps.Removal) int {
	w.t.Helper()
	body, err := json.Marshal(r)
	must(w.t, err)
	resp, err := w.server.Client().Post(w.server.URL+cps.RemovalPath, "application/json", strings.NewReader(string(body)))
	must(w.t, err)
	must(w.t, resp.Body.Close())
	return resp.StatusCode
}
