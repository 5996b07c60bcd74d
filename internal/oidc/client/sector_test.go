package client

import (
	"strings"
	"testing"
)

const outsider = `id: bank
name: Banque
owner: Une banque
contact: a@bank.example
profile: oidc
purpose: Prêts
secret_sha256: [9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]
subject_type: pairwise
`

func TestRE2PairwiseRegistration(t *testing.T) {
	for name, c := range map[string]struct{ more, fault string }{
		"one host":              {"redirect_uris: ['https://bank.example/a', 'https://bank.example/b']\n", ""},
		"one host, two ports":   {"redirect_uris: ['https://bank.example/a', 'https://bank.example:8443/b']\n", ""},
		"several hosts":         {"redirect_uris: ['https://bank.example/a', 'https://other.example/b']\n", "sector_identifier_uri"},
		"several, with sector":  {"redirect_uris: ['https://bank.example/a', 'https://other.example/b']\nsector_identifier_uri: https://bank.example/uris.json\n", ""},
		"sector over http":      {"redirect_uris: ['https://bank.example/a']\nsector_identifier_uri: http://bank.example/uris.json\n", "sector_identifier_uri"},
		"scope_all":             {"redirect_uris: ['https://bank.example/a']\nscopes: [openid, scope_all]\n", "scopes"},
		"identity":              {"redirect_uris: ['https://bank.example/a']\nscopes: [openid, identity]\n", "scopes"},
		"names are not unique":  {"redirect_uris: ['https://bank.example/a']\nscopes: [openid, profile]\n", ""},
		"the national id":       {"redirect_uris: ['https://bank.example/a']\nscopes: [openid, profile]\nclaims: [name, SubjectNameID]\n", "claims[1]"},
		"the national id again": {"redirect_uris: ['https://bank.example/a']\nscopes: [openid, profile]\nclaims: [preferred_username]\n", "claims[0]"},
	} {
		faults := Lint("bank.yaml", []byte(outsider+c.more))
		switch {
		case c.fault == "" && len(faults) > 0:
			t.Errorf("%s: %v", name, faults)
		case c.fault != "" && (len(faults) == 0 || faults[0].Path != c.fault):
			t.Errorf("%s: want a fault at %s, got %v", name, c.fault, faults)
		}
	}
	app := strings.Replace(outsider, "secret_sha256: [9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]\n", "auth_method: none\n", 1)
	for _, uri := range []string{"http://127.0.0.1/cb", "fr.example.app:/cb"} {
		if faults := Lint("app.yaml", []byte(app+"redirect_uris: ['"+uri+"']\n")); len(faults) == 0 || faults[0].Path != "sector_identifier_uri" {
			t.Errorf("%s names a sector: %v", uri, faults)
		}
	}
	psc := strings.Replace(outsider, "profile: oidc", "profile: psc", 1) + "redirect_uris: ['https://bank.example/a']\n"
	if faults := Lint("psc.yaml", []byte(psc)); len(faults) == 0 {
		t.Error("a psc client is pairwise")
	}
	if faults := Lint("p.yaml", []byte(strings.Replace(outsider, "pairwise", "public", 1)+"redirect_uris: ['https://a.example/a']\nsector_identifier_uri: https://a.example/x\n")); len(faults) == 0 {
		t.Error("a sector without pairwise names passes unnoticed")
	}
}
