package ecps

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The offline code (RFC 6238): HMAC-SHA-256, eight digits, a step of 30 s, one
// step of grace on either side (PG5).
const (
	offlinePeriod = 30
	offlineGrace  = 1
)

// otpLabel separates the pad from the PIN key: one says nothing of the other.
const otpLabel = "egide.ecps.otp.v1"

// MaskSeed is how a phone keeps the seed of its offline code: XOR with a pad
// derived from the PIN and the phone's secret. It is its own inverse, and every
// PIN gives a seed: nothing tells the right one.
func MaskSeed(seed []byte, pin string, secret []byte, rounds int) ([]byte, error) {
	if len(secret) != SecretSize || rounds < 1 || rounds > maxRounds {
		return nil, malformed("the PIN secret or the rounds are out of range")
	}
	pad, err := pbkdf2.Key(sha256.New, pin, append([]byte(otpLabel), secret...), rounds, len(seed))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "pad cannot be derived", err)
	}
	for i := range pad {
		pad[i] ^= seed[i]
	}
	return pad, nil
}

// OfflineCode is the code of a moment.
func OfflineCode(seed []byte, at time.Time) (string, error) {
	return offlineCode(seed, at.Unix()/offlinePeriod)
}

// OfflineStep finds the step around a moment whose code this is. Every step is
// tried, so that time tells nothing of which was near. found is false for none.
func OfflineStep(seed []byte, code string, at time.Time) (step int64, found bool, err error) {
	present := at.Unix() / offlinePeriod
	for s := present - offlineGrace; s <= present+offlineGrace; s++ {
		good, err := offlineCode(seed, s)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(good), []byte(code)) == 1 {
			step, found = s, true
		}
	}
	return step, found, nil
}

// offlineCode is the code of one step (RFC 4226 5.3 over SHA-256).
func offlineCode(seed []byte, step int64) (string, error) {
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed), uint64(step), //nolint:gosec // a step of the present time
		hotp.ValidateOpts{Digits: otp.DigitsEight, Algorithm: otp.AlgorithmSHA256})
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "no offline code", err)
	}
	return code, nil
}
