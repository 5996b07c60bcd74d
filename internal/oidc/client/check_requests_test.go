package client

import (
	"strings"
	"testing"
)

func TestAZ12AZ14RequestDefaultsAreChecked(t *testing.T) {
	base := strings.Replace(goodFile, "means: [ecps]\n", "", 1)
	for name, c := range map[string]struct{ more, fault string }{
		"good":                     {"default_acr_values: [eidas2, eidas1]\ndefault_max_age: 1h\nrequire_auth_time: true\nconsent: true\n", ""},
		"a login each time":        {"default_max_age: 0s\n", ""},
		"a level below":            {"default_acr_values: [offline-otp]\n", ""},
		"an unknown level":         {"default_acr_values: [eidas2, urn:gold]\n", "default_acr_values[1]"},
		"a level twice":            {"default_acr_values: [eidas2, eidas2]\n", "default_acr_values[1]"},
		"a level nobody can reach": {"default_acr_values: [eidas3]\nmeans: [ecps]\n", "default_acr_values"},
		"a negative age":           {"default_max_age: -1s\n", "default_max_age"},
		"parts of a second":        {"default_max_age: 1500ms\n", "default_max_age"},
		"an age beyond a year":     {"default_max_age: 10000h\n", "default_max_age"},
		"a text for a flag":        {"require_auth_time: yes please\n", "require_auth_time"},
	} {
		faults := Lint("x.yaml", []byte(base+c.more))
		if c.fault == "" && len(faults) > 0 || c.fault != "" && (len(faults) == 0 || faults[0].Path != c.fault) {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

func TestConsentNeedsAPurposeAndAPage(t *testing.T) {
	consent := goodFile + "consent: true\n"
	for name, c := range map[string]struct{ from, to, fault string }{
		"psc":        {"profile: oidc", "profile: psc", "consent"},
		"no page":    {"grant_types: [authorization_code, refresh_token, client_credentials]", "grant_types: [client_credentials]", "consent"},
		"no purpose": {"purpose: consulter un dossier fictif", "purpose: \" \"", "purpose"},
	} {
		faults := Lint("x.yaml", []byte(strings.Replace(consent, c.from, c.to, 1)))
		found := false
		for _, f := range faults {
			found = found || f.Path == c.fault
		}
		if !found {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
