package ecps

import (
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
