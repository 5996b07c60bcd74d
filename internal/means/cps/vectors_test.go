package cps

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
)

var update = flag.Bool("update", false, "write testdata/vectors.json and the examples of docs/protocols/card-bridge.md anew")

const vectorFile = "testdata/vectors.json"

// good is the outcome of what is accepted; every other outcome is a public code.
const good = "good"

// vectors are shared with other bridges and other providers.
type vectors struct {
	Comment    string             `json:"comment"`
	Time       int64              `json:"time"` // of every judgement, Unix seconds
	Keys       jose.JSONWebKeySet `json:"keys"` // of the provider
	Root       string             `json:"root"` // base64 DER, as all certificates here
	Issuer     string             `json:"issuer"`
	Policy     string             `json:"policy"` // accepted by the provider
	Challenges []challengeVector  `json:"challenges"`
	Login      loginVector        `json:"login"`
	Answers    []answerVector     `json:"answers"`
}

// challengeVector is judged by a bridge, for a page of Origin.
type challengeVector struct {
	Name    string `json:"name"`
	Token   string `json:"token"`
	Origin  string `json:"origin"`
	Outcome string `json:"outcome"`
}

// loginVector is one login, step by step. All but the answer is hex.
type loginVector struct {
	Origin         string `json:"origin"`
	Challenge      string `json:"challenge"`
	Certificate    string `json:"certificate"`
	OriginSum      string `json:"origin_sha256"`
	ChallengeSum   string `json:"challenge_sha256"`
	CertificateSum string `json:"certificate_sha256"`
	Message        string `json:"message"`
	DigestInfo     string `json:"digest_info"` // what a CPS3 takes
	Block          string `json:"block"`       // what a CPS4 takes
	Signature      string `json:"signature"`
	Answer         Answer `json:"answer"`
}

// answerVector is judged by a provider of Origin that asked with Challenge.
type answerVector struct {
	Name      string `json:"name"`
	Origin    string `json:"origin"`
	Challenge string `json:"challenge"`
	Answer    string `json:"answer"` // as it travels
	Outcome   string `json:"outcome"`
}

var written sync.Once

func readVectors(t *testing.T) vectors {
	t.Helper()
	if *update {
		written.Do(func() { writeVectors(t) })
	}
	b, err := os.ReadFile(vectorFile)
	must(t, err)
	var v vectors
	must(t, json.Unmarshal(b, &v))
	return v
}

func TestVectorsOfChallenges(t *testing.T) {
	v := readVectors(t)
	outcomes := map[string]bool{}
	for _, c := range v.Challenges {
		outcomes[c.Outcome] = true
		opened, err := OpenChallenge(c.Token, v.Keys, time.Unix(v.Time, 0))
		if err == nil && opened.Issuer != c.Origin { // the bridge's own check
			err = invalidChallenge("of another page", nil)
		}
		if got := outcome(err); got != c.Outcome {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Outcome)
		}
	}
	for _, want := range []string{good, CodeChallengeInvalid, CodeChallengeExpired} {
		if !outcomes[want] {
			t.Errorf("no challenge with the outcome %s", want)
		}
	}
}

func TestVectorOfALogin(t *testing.T) {
	l := readVectors(t).Login
	der := certificateIn(t, l.Certificate).Raw
	key, isRSA := certificateIn(t, l.Certificate).PublicKey.(*rsa.PublicKey)
	if !isRSA {
		t.Fatal("the card has no RSA key")
	}
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	message := Message(l.Origin, l.Challenge, der)
	signature, err := hex.DecodeString(l.Signature)
	must(t, err)
	for _, step := range []struct{ name, got, want string }{
		{"SHA-256 of the origin", sum([]byte(l.Origin)), l.OriginSum},
		{"SHA-256 of the challenge", sum([]byte(l.Challenge)), l.ChallengeSum},
		{"SHA-256 of the certificate", sum(der), l.CertificateSum},
		{"message", hex.EncodeToString(message), l.Message},
		{"message from its parts", hex.EncodeToString([]byte(Protocol+"\x00")) + l.OriginSum + l.ChallengeSum + l.CertificateSum, l.Message},
		{"DigestInfo", hex.EncodeToString(DigestInfo(message)), l.DigestInfo},
		{"block", hex.EncodeToString(blockUnder(key, signature)), l.Block},
		{"end of the block", l.Block[len(l.Block)-len(l.DigestInfo):], l.DigestInfo},
		{"certificate of the answer", l.Answer.Certificate, l.Certificate},
		{"signature of the answer", l.Answer.Signature, base64.RawURLEncoding.EncodeToString(signature)},
	} {
		if step.got != step.want {
			t.Errorf("%s: %s, want %s", step.name, step.got, step.want)
		}
	}
}

func TestVectorsOfAnswers(t *testing.T) {
	v := readVectors(t)
	by := branch{Range: igc.Fort, root: authority{cert: certificateIn(t, v.Root)}, issuer: authority{cert: certificateIn(t, v.Issuer)}}
	judge := newVerifier(t, TrustOptions{Policies: []string{v.Policy}}, &standing{}, by)
	accepted := 0
	for _, a := range v.Answers {
		_, err := judge.Judge(t.Context(), a.Origin, Digest(a.Challenge), []byte(a.Answer))
		if got := outcome(err); got != a.Outcome {
			t.Errorf("%s: %s, want %s (%v)", a.Name, got, a.Outcome, err)
		}
		if a.Outcome == good {
			accepted++
		}
	}
	if accepted == 0 || accepted == len(v.Answers) {
		t.Errorf("%d of %d answers are good", accepted, len(v.Answers))
	}
}

func outcome(err error) string {
	if err == nil {
		return good
	}
	return fault.CodeOf(err)
}

func certificateIn(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

// blockUnder is the padded block that a signature was made from: RSA with the
// public exponent.
func blockUnder(key *rsa.PublicKey, signature []byte) []byte {
	s := new(big.Int).SetBytes(signature)
	return s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
}
