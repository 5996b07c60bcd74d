package ecps

import (
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/sha256"

	"github.com/egide-id/egide/internal/platform/fault"
)

// ProductionRounds is the least number of PBKDF2 rounds outside the sandbox
// (OWASP's figure for PBKDF2-HMAC-SHA-256 is higher for passwords alone; here
// 256 secret bits are mixed in, and the rounds only slow down somebody who has
// both the phone and the provider's database).
const ProductionRounds = 210_000

// SecretSize is the size of the random secret mixed with the PIN.
const SecretSize = 32

const (
	minPIN    = 4
	maxPIN    = 8
	maxRounds = 10_000_000
	saltLabel = "egide.ecps.pin.v1"
)

// PINKey derives the PIN key: PBKDF2-HMAC-SHA-256 (RFC 8018 5.2) of the PIN,
// salted with a label and the phone's secret, gives the Ed25519 seed (RFC 8032
// 5.1.5). Every PIN gives a valid key: nothing here tells a right PIN from a
// wrong one, only the provider can.
func PINKey(pin string, secret []byte, rounds int) (ed25519.PrivateKey, error) {
	if len(secret) != SecretSize {
		return nil, malformed("the PIN secret has a wrong length")
	}
	if rounds < 1 || rounds > maxRounds {
		return nil, malformed("the number of rounds is out of range")
	}
	salt := append([]byte(saltLabel), secret...)
	seed, err := pbkdf2.Key(sha256.New, pin, salt, rounds, ed25519.SeedSize)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "PIN key cannot be derived", err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// CheckPIN refuses, on the phone, what anybody would try first (PG-15). The
// provider can't check: it never sees the PIN.
func CheckPIN(pin string) error {
	if len(pin) < minPIN || len(pin) > maxPIN {
		return fault.New(fault.Invalid, CodeTrivialPIN, "a PIN has 4 to 8 digits")
	}
	for i := range len(pin) {
		if pin[i] < '0' || pin[i] > '9' {
			return fault.New(fault.Invalid, CodeTrivialPIN, "a PIN has digits only")
		}
	}
	if steps(pin) || repeats(pin) || year(pin) {
		return fault.New(fault.Invalid, CodeTrivialPIN, "this PIN is too easy to guess")
	}
	return nil
}

// steps: 0000, 1234, 9876, 2468: each digit follows by the same step.
func steps(pin string) bool {
	step := (int(pin[1]) - int(pin[0]) + 10) % 10
	for i := 2; i < len(pin); i++ {
		if (int(pin[i])-int(pin[i-1])+10)%10 != step {
			return false
		}
	}
	return true
}

// repeats: 1212, 123123: the second half is the first again.
func repeats(pin string) bool {
	half := len(pin) / 2
	return len(pin)%2 == 0 && pin[:half] == pin[half:]
}

// year: 1900 to 2039, which a birth year would be.
func year(pin string) bool {
	return len(pin) == 4 && (pin[:2] == "19" || pin[:2] == "20" && pin[2] <= '3')
}
