package client

import (
	"slices"
	"testing"
)

// CA9: a public client has nothing but PKCE, whatever its registration wishes;
// others may be listed with the day of their exception (PG-31).
func TestWhoMustSendPKCE(t *testing.T) {
	for _, c := range []struct {
		profile   Profile
		method    string
		exception string
		required  bool
	}{
		{ProfileOIDC, AuthNone, "", true},
		{ProfileOIDC, AuthNone, "2026-11-22", true},
		{ProfileOIDC, AuthBasic, "", true},
		{ProfileOIDC, AuthBasic, "2026-11-22", false},
		{ProfilePSC, AuthBasic, "", true},
		{ProfilePSC, AuthBasic, "2026-11-22", false},
	} {
		got := (&Client{Profile: c.profile, AuthMethod: c.method, PKCEException: c.exception}).RequiresPKCE()
		if got != c.required {
			t.Errorf("%+v: %v", c, got)
		}
	}
	public := &Client{Profile: ProfileOIDC, AuthMethod: AuthNone, PKCEException: "2026-11-22"}
	if faults := public.Check(); !slices.ContainsFunc(faults, func(f Fault) bool { return f.Path == "pkce_exception" }) {
		t.Errorf("a public client was registered with an exception: %v", faults)
	}
}
