package webpush

import (
	"testing"
	"time"
)

func TestRetryAfterIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-1":                            0,
		"99999999999999999999":          0,
		"0":                             firstPause,
		"30":                            30 * time.Second,
		"2147483647":                    mostAsked,
		"Thu, 26 Nov 2026 09:02:00 GMT": 2 * time.Minute,
		"Thu, 26 Nov 2026 08:00:00 GMT": firstPause,
		"Sat, 26 Nov 2095 08:00:00 GMT": mostAsked,
	} {
		got, asked := retryAfter(header, now)
		if got != want || asked != (want > 0) {
			t.Errorf("%q: %v, %v", header, got, asked)
		}
	}
}
