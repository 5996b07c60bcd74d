package ecps

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Whatever arrives is read or refused as malformed; what verifies is one of the
// answers that were signed, to the letter.
func FuzzParseAnswer(f *testing.F) {
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		f.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		f.Fatal(err)
	}
	made := map[string]bool{}
	for _, a := range v.Answers {
		f.Add(a.Token)
		made[a.Token[:strings.LastIndexByte(a.Token, '.')]] = true
	}
	key, err := DecodeDeviceKey(v.Answers[0].DeviceKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s, err := ParseAnswer(token)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("neither read nor malformed: %v", err)
			}
			return
		}
		if err := s.Answer.wellFormed(); err != nil {
			t.Fatal(err)
		}
		if s.Verify(key) == nil && !made[token[:strings.LastIndexByte(token, '.')]] {
			t.Fatal("a signature that nobody made")
		}
	})
}

func FuzzParseCall(f *testing.F) {
	id, _ := NewID(rand.Reader)
	token, _ := SignCall(key(f), "dev", Call{V: Version, Issuer: "i", Method: "GET", Path: "/device", Body: BodyHash(nil), Time: 1, ID: id})
	f.Add(token)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := ParseCall(token); err != nil && !fault.Is(err, fault.Invalid) {
			t.Fatalf("neither read nor malformed: %v", err)
		}
	})
}

func FuzzParseEnrolment(f *testing.F) {
	pin, _ := PINKey("2580", make([]byte, SecretSize), 2)
	token, _ := SignEnrolment(key(f), pin, Enrolment{V: Version, Issuer: "i", Invitation: secretOf(1), Rounds: 2, Label: "l", Time: 1})
	f.Add(token)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := ParseEnrolment(token); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Denied) {
			t.Fatalf("neither read nor refused: %v", err)
		}
	})
}
