package ecps

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

var update = flag.Bool("update", false, "write testdata/vectors.json and the examples of docs/protocols/ecps.md anew")

const vectorFile = "testdata/vectors.json"

// vectors are shared with every other implementation of the phone. Each token
// names its expected outcome.
type vectors struct {
	Comment string         `json:"comment"`
	PIN     []pinVector    `json:"pin"`
	Digest  []digestVector `json:"digest"`
	Answers []answerVector `json:"answers"`
}

type pinVector struct {
	PIN    string `json:"pin"`
	Secret string `json:"secret"` // hex
	Rounds int    `json:"rounds"`
	Seed   string `json:"seed"` // hex; of the Ed25519 key
	Public string `json:"public"`
}

type digestVector struct {
	Answer    Answer `json:"answer"`
	Digest    string `json:"digest"` // hex
	PIN       int    `json:"pin"`    // index of the PIN vector whose key signs
	Signature string `json:"signature"`
}

type answerVector struct {
	Name      string `json:"name"`
	Token     string `json:"token"`
	DeviceKey string `json:"device_key"`
	PINKey    string `json:"pin_key"`
	Outcome   string `json:"outcome"` // good, wrong_pin, forged, malformed
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, p := range v.PIN {
		k := p.key(t)
		if hex.EncodeToString(k.Seed()) != p.Seed || EncodePINKey(public(k)) != p.Public {
			t.Errorf("PIN %s, %d rounds: another key", p.PIN, p.Rounds)
		}
	}
	for i, d := range v.Digest {
		got := d.Answer.SignPIN(v.PIN[d.PIN].key(t))
		if hex.EncodeToString(got.Digest()) != d.Digest || got.Pin != d.Signature {
			t.Errorf("digest %d: another digest or signature", i)
		}
	}
	outcomes := map[string]bool{}
	for _, a := range v.Answers {
		outcomes[a.Outcome] = true
		if got := a.judge(t); got != a.Outcome {
			t.Errorf("%s: %s, want %s", a.Name, got, a.Outcome)
		}
	}
	if len(v.PIN) == 0 || len(v.Digest) == 0 || len(outcomes) != 4 {
		t.Error("vectors do not cover every outcome")
	}
}

func (p pinVector) key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	secret, err := hex.DecodeString(p.Secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := PINKey(p.PIN, secret, p.Rounds)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// judge says what a provider makes of the token.
func (a answerVector) judge(t *testing.T) string {
	t.Helper()
	device, err := DecodeDeviceKey(a.DeviceKey)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := DecodePINKey(a.PINKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseAnswer(a.Token)
	switch {
	case fault.Is(err, fault.Invalid):
		return "malformed"
	case err != nil || s.Verify(device) != nil:
		return "forged"
	case s.Answer.Decision == Approve && !s.Answer.PINOK(pin):
		return "wrong_pin"
	}
	return "good"
}

func writeVectors(t *testing.T) {
	t.Helper()
	v := vectors{Comment: "Shared vectors of the e-CPS protocol, version 1 (docs/protocols/ecps.md). Persons and keys are invented. ES256 signatures are random: verify them, do not reproduce them."}
	for _, p := range []pinVector{{PIN: "2580", Rounds: 2}, {PIN: "2580", Rounds: ProductionRounds}, {PIN: "193847", Rounds: 1000}} {
		p.Secret = hex.EncodeToString(bytes.Repeat([]byte{byte(len(v.PIN) + 1)}, SecretSize))
		k := p.key(t)
		p.Seed, p.Public = hex.EncodeToString(k.Seed()), EncodePINKey(public(k))
		v.PIN = append(v.PIN, p)
	}
	accents := sample()
	accents.Name, accents.Ratchets = `Télé-expertise « Œil » <test> & "co"`, []string{secretOf(2), secretOf(4)}
	for _, a := range []Answer{sample(), accents} {
		signed := a.SignPIN(v.PIN[0].key(t))
		v.Digest = append(v.Digest, digestVector{Answer: a, Digest: hex.EncodeToString(a.Digest()), Signature: signed.Pin})
	}
	device, pin := key(t), v.PIN[0].key(t)
	wrong, _ := PINKey("0000", bytes.Repeat([]byte{1}, SecretSize), 2)
	deviceKey, _ := EncodeDeviceKey(&device.PublicKey)
	add := func(name, outcome string, token string) {
		v.Answers = append(v.Answers, answerVector{name, token, deviceKey, EncodePINKey(public(pin)), outcome})
	}
	token := func(a Answer) string {
		s, err := SignAnswer(device, a)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	refusal := sample()
	refusal.Decision, refusal.Number = Refuse, ""
	tampered := sample().SignPIN(pin)
	tampered.Number = "17"
	forged, _ := SignAnswer(key(t), sample().SignPIN(pin))
	good := token(sample().SignPIN(pin))
	add("approval", "good", good)
	add("approval of a name with accents, quotes and angle brackets", "good", token(accents.SignPIN(pin)))
	add("refusal", "good", token(refusal))
	add("wrong PIN", "wrong_pin", token(sample().SignPIN(wrong)))
	add("number changed after the PIN signature", "wrong_pin", token(tampered))
	add("another device key", "forged", forged)
	add("one bit of the payload turned", "malformed", flip(good))
	add("members in another order", "malformed", forge(t, device, `{"alg":"ES256","kid":"b2Fk","typ":"ecps-answer+jwt"}`, `{"iss":"x","v":1}`))
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flip damages the opening brace of the payload.
func flip(token string) string {
	i := bytes.IndexByte([]byte(token), '.') + 1
	return token[:i] + next(token[i]) + token[i+1:]
}
