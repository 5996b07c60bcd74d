package authn

import (
	"slices"
	"testing"
)

// Architecture, point 9: card and e-CPS are equal but for the older eidas3; the
// offline code is below every eidas level; an organisation reaches none.
func TestWhatEachMeansReaches(t *testing.T) {
	for _, c := range []struct {
		means   Means
		reaches []string
		amr     []string
	}{
		{Card, []string{Eidas1, Eidas2, Eidas3}, []string{"hwk", "sc", "pin", "mfa"}},
		{ECPS, []string{Eidas1, Eidas2}, []string{"swk", "pin", "mfa"}},
		{ECPSOffline, []string{OfflineOTP}, []string{"otp", "pin"}},
		{OrgCertificate, nil, nil},
		{"unheard of", nil, nil},
	} {
		a := Authentication{Means: c.means}
		for _, level := range []string{Eidas1, Eidas2, Eidas3, OfflineOTP, "", "0"} {
			if got := a.Reaches(level); got != slices.Contains(c.reaches, level) {
				t.Errorf("%s reaches %q: %v", c.means, level, got)
			}
		}
		if got := c.means.AMR(); !slices.Equal(got, c.amr) {
			t.Errorf("%s: amr %v", c.means, got)
		}
	}
}
