package ecps

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"
)

const lifeVectorFile = "testdata/vectors-life.json"

// lifeVectors are shared like vectors: acts, offline codes, labelled workstations.
type lifeVectors struct {
	Comment string          `json:"comment"`
	PIN     pinVector       `json:"pin"` // whose key signs
	Acts    []actVector     `json:"acts"`
	Place   digestVector    `json:"place"`
	Offline []offlineVector `json:"offline"`
}

type actVector struct {
	Act       Act    `json:"act"`
	Payload   string `json:"payload"` // canonical JSON, signed
	Digest    string `json:"digest"`  // hex
	Signature string `json:"signature"`
}

type offlineVector struct {
	PIN    string `json:"pin"`
	Secret string `json:"secret"` // hex
	Rounds int    `json:"rounds"`
	Seed   string `json:"seed"`   // hex
	Masked string `json:"masked"` // hex
	At     int64  `json:"at"`     // Unix seconds
	Code   string `json:"code"`
}

func TestLifeVectors(t *testing.T) {
	made := makeLifeVectors(t)
	b, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.WriteFile(lifeVectorFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(lifeVectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("the vectors that others rely on have changed:\n%s", b)
	}
}

func makeLifeVectors(t *testing.T) lifeVectors {
	t.Helper()
	v := lifeVectors{Comment: "Vectors of the life of an e-CPS (docs/protocols/ecps.md, sections 8 and 9). Everything here can be reproduced."}
	v.PIN = pinVector{PIN: "2580", Rounds: 1000, Secret: hex.EncodeToString(bytes.Repeat([]byte{1}, SecretSize))}
	key := v.PIN.key(t)
	v.PIN.Seed, v.PIN.Public = hex.EncodeToString(key.Seed()), EncodePINKey(public(key))
	for _, kind := range []ActKind{ActPIN, ActOffline, ActTransfer, ActRemove} {
		a := Act{
			V: Version, Issuer: sample().Issuer, Device: "b2Fk", Holder: "899700990015", Kind: kind, Subject: secretOf(7), Time: 1795338000,
			Ratchets: []string{secretOf(2), secretOf(4)}, Next: secretOf(3),
		}
		if kind == ActRemove {
			a.Subject = b64(bytes.Repeat([]byte{7}, 16))
		}
		signed := a.SignPIN(key)
		payload, err := Encode(signed)
		if err != nil {
			t.Fatal(err)
		}
		v.Acts = append(v.Acts, actVector{Act: a, Payload: string(payload), Digest: hex.EncodeToString(a.Digest()), Signature: signed.Pin})
	}
	labelled := sample()
	labelled.Place = "Poste d'accueil"
	v.Place = digestVector{Answer: labelled, Digest: hex.EncodeToString(labelled.Digest()), Signature: labelled.SignPIN(key).Pin}
	v.Offline = []offlineVector{offlineOf(t, "2580", 1795338000), offlineOf(t, "4711", 1795338000), offlineOf(t, "2580", 1795338029)}
	return v
}

func offlineOf(t *testing.T, pin string, at int64) offlineVector {
	t.Helper()
	secret, seed := bytes.Repeat([]byte{1}, SecretSize), bytes.Repeat([]byte{5}, 32)
	masked, err := MaskSeed(seed, pin, secret, 1000)
	if err != nil {
		t.Fatal(err)
	}
	code, err := OfflineCode(seed, time.Unix(at, 0))
	if err != nil {
		t.Fatal(err)
	}
	return offlineVector{
		PIN: pin, Secret: hex.EncodeToString(secret), Rounds: 1000, Seed: hex.EncodeToString(seed), Masked: hex.EncodeToString(masked), At: at, Code: code,
	}
}

// RFC 6238, appendix B, SHA-256: the code of 1111111109 seconds.
func TestOfflineCodeOfTheStandard(t *testing.T) {
	code, err := OfflineCode([]byte("12345678901234567890123456789012"), time.Unix(1111111109, 0))
	if err != nil || code != "68084774" {
		t.Fatalf("%s %v", code, err)
	}
}

// No act passes for an answer, nor the reverse: neither type nor digest fits.
func TestActPassesForNoAnswer(t *testing.T) {
	device := key(t)
	act := Act{
		V: Version, Issuer: sample().Issuer, Device: "b2Fk", Holder: "899700990015", Kind: ActTransfer, Subject: secretOf(7), Time: 1795338000,
		Ratchets: []string{secretOf(2)}, Next: secretOf(3), Pin: b64(bytes.Repeat([]byte{9}, 64)),
	}
	token, err := SignAct(device, act)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAnswer(token); err == nil {
		t.Error("an act was read as an answer")
	}
	answer := sample()
	answer.Pin = b64(bytes.Repeat([]byte{9}, 64))
	if token, err = SignAnswer(device, answer); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseAct(token); err == nil {
		t.Error("an answer was read as an act")
	}
}
