package cps

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// identity is a certificate of a card and its key.
type identity struct {
	der []byte
	key *rsa.PrivateKey
}

func identityOf(t *testing.T, p igc.KeyPair) identity {
	t.Helper()
	decoded := func(text string) []byte {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			t.Fatal("no PEM")
		}
		return block.Bytes
	}
	key, err := x509.ParsePKCS8PrivateKey(decoded(p.Key))
	must(t, err)
	private, isRSA := key.(*rsa.PrivateKey)
	if !isRSA {
		t.Fatal("no RSA key")
	}
	return identity{decoded(p.Certificate), private}
}

// over is the identity's signature of one login.
func (i identity) over(t *testing.T, origin, challenge string) []byte {
	t.Helper()
	return signed(t, i.key, Message(origin, challenge, i.der))
}

// writeVectors makes the file anew. Cards and authority follow from a seed; the
// provider's key and its signatures do not.
func writeVectors(t *testing.T) {
	t.Helper()
	a, err := pki.New(pki.Options{Clock: clock.NewManual(noon), Bits: 2048, Seed: []byte("card vectors")})
	must(t, err)
	card := func(number string) igc.CardFile {
		file, err := a.IssueCard(pki.CardOrder{Type: "CPS", Number: number, Holder: holder, Family: "EXEMPLE", Given: "CAMILLE", Title: "Médecin", Profession: 10})
		must(t, err)
		return file
	}
	trusted, err := a.TrustedIssuers(igc.Fort)
	must(t, err)
	p := newProvider(t)
	v := vectors{
		Comment: "Shared vectors of cps-auth:1 (docs/protocols/card-bridge.md). Authorities and persons are invented. ES256 signatures are random: verify them, do not reproduce them.",
		Time:    noon.Unix(), Keys: p.pinned(), Policy: igc.TestPolicy,
		Root: base64.StdEncoding.EncodeToString(trusted[0].Root.Raw), Issuer: base64.StdEncoding.EncodeToString(trusted[0].Issuer.Raw),
	}
	token := v.addChallenges(t, p)
	file, other := card("2800636234"), card("2800636235")
	mine := identityOf(t, file.Authentication)
	v.Login = stepByStep(t, mine, token)
	v.addAnswers(t, mine, identityOf(t, other.Authentication), identityOf(t, file.Signature))
	b, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	must(t, os.WriteFile(vectorFile, append(b, '\n'), 0o600))
}

// fixed is a challenge whose random parts are not.
func fixed(t *testing.T, at time.Time) Challenge {
	t.Helper()
	c, err := NewChallenge(bytes.NewReader(bytes.Repeat([]byte{7}, 80)), at, origin, "bG9naW4", "DMP de démonstration")
	must(t, err)
	return c
}

// addChallenges gives the good one.
func (v *vectors) addChallenges(t *testing.T, p provider) string {
	t.Helper()
	add := func(name, page, outcome, token string) {
		v.Challenges = append(v.Challenges, challengeVector{Name: name, Token: token, Origin: page, Outcome: outcome})
	}
	typed := func(headers map[jose.HeaderKey]any) string {
		token, err := p.signWith(jose.ES256, mustMarshal(t, fixed(t, noon)), headers)
		must(t, err)
		return token
	}
	honest, err := fixed(t, noon).Sign(p)
	must(t, err)
	old, err := fixed(t, noon.Add(-ChallengeLife-Skew-time.Second)).Sign(p)
	must(t, err)
	stranger, err := fixed(t, noon).Sign(newProvider(t))
	must(t, err)
	part := strings.Split(honest, ".")
	text := base64.RawURLEncoding.EncodeToString
	add("a challenge", origin, good, honest)
	add("a challenge relayed to another page", "https://login.example.evil", CodeChallengeInvalid, honest)
	add("a second too old", origin, CodeChallengeExpired, old)
	add("alg none", origin, CodeChallengeInvalid, text([]byte(`{"alg":"none","kid":"k1","typ":"`+TypChallenge+`"}`))+"."+part[1]+".")
	add("typ of another token", origin, CodeChallengeInvalid, typed(map[jose.HeaderKey]any{jose.HeaderType: "at+jwt", "kid": "k1"}))
	add("a key that is not pinned under that kid", origin, CodeChallengeInvalid, typed(map[jose.HeaderKey]any{jose.HeaderType: TypChallenge, "kid": "k2"}))
	add("a stranger's key under a pinned kid", origin, CodeChallengeInvalid, stranger)
	add("a header member too many", origin, CodeChallengeInvalid, typed(map[jose.HeaderKey]any{jose.HeaderType: TypChallenge, "kid": "k1", "jku": "https://login.example.evil"}))
	add("claims changed after the signature", origin, CodeChallengeInvalid, part[0]+"."+text(mustMarshal(t, fixed(t, noon.Add(time.Second))))+"."+part[2])
	return honest
}

func stepByStep(t *testing.T, i identity, challenge string) loginVector {
	t.Helper()
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	message, signature := Message(origin, challenge, i.der), i.over(t, origin, challenge)
	return loginVector{
		Origin: origin, Challenge: challenge, Certificate: base64.StdEncoding.EncodeToString(i.der),
		OriginSum: sum([]byte(origin)), ChallengeSum: sum([]byte(challenge)), CertificateSum: sum(i.der),
		Message: hex.EncodeToString(message), DigestInfo: hex.EncodeToString(DigestInfo(message)),
		Block: hex.EncodeToString(blockUnder(&i.key.PublicKey, signature)), Signature: hex.EncodeToString(signature),
		Answer: NewAnswer(origin, i.der, signature, AnswerCard{Type: "cps3", Interface: "contact"}, "0.1.0"),
	}
}

func (v *vectors) addAnswers(t *testing.T, mine, other, signatureKey identity) {
	t.Helper()
	challenge := v.Login.Challenge
	add := func(name, outcome string, body []byte) {
		v.Answers = append(v.Answers, answerVector{Name: name, Origin: origin, Challenge: challenge, Answer: string(body), Outcome: outcome})
	}
	altered := func(alter func(*Answer)) []byte {
		a := v.Login.Answer
		alter(&a)
		b, err := json.Marshal(a)
		must(t, err)
		return b
	}
	over := mine.over(t, origin, challenge)
	add("a login", good, altered(func(*Answer) {}))
	add("another origin claimed, the right one signed", good, altered(func(a *Answer) { a.Origin = "https://login.example.evil" }))
	add("another origin signed", CodeSignature, answer(t, mine.der, mine.over(t, "https://login.example.evil", challenge)))
	add("another challenge signed", CodeSignature, answer(t, mine.der, mine.over(t, origin, v.Challenges[2].Token)))
	add("another card's certificate", CodeSignature, answer(t, other.der, over))
	add("the challenge itself signed", CodeSignature, answer(t, mine.der, signed(t, mine.key, []byte(challenge))))
	add("the key for signing documents", CodeWrongKey, answer(t, signatureKey.der, signatureKey.over(t, origin, challenge)))
	add("algorithm none", CodeAnswerInvalid, altered(func(a *Answer) { a.Algorithm = "none" }))
	add("another version of the protocol", CodeAnswerInvalid, altered(func(a *Answer) { a.Protocol = "cps-auth:2" }))
	add("signature with padding", CodeAnswerInvalid, altered(func(a *Answer) { a.Signature += "==" }))
	add("something after the object", CodeAnswerInvalid, append(altered(func(*Answer) {}), '0'))
}
