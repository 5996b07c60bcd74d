package client

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
)

const hashOfSecret = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

const goodFile = `# Dossier d'essai
id: dmp
name: Dossier médical d'essai
owner: Éditeur fictif
contact: securite@exemple.invalid
profile: oidc
purpose: consulter un dossier fictif
sensitive: true
auth_method: client_secret_post
secret_sha256:
  - ` + hashOfSecret + `
redirect_uris:
  - https://dossier.exemple.invalid/retour
post_logout_redirect_uris: [https://dossier.exemple.invalid/]
grant_types: [authorization_code, refresh_token, client_credentials]
scopes: [openid, scope_all]
audiences: [ordonnance]
id_token_alg: ES256
access_token_format: jwt
access_token_alg: EdDSA
structure: 0750990012
means: [ecps]
allow_offline_otp: true
lifetimes:
  code: 30s
  access_token: 5m
  refresh_token: 10m
`

func TestParseReadsEveryKey(t *testing.T) {
	c, faults := Parse("dmp.yaml", []byte(goodFile))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if c.ID != "dmp" || c.Name != "Dossier médical d'essai" || c.Owner != "Éditeur fictif" || c.Contact != "securite@exemple.invalid" ||
		c.Profile != ProfileOIDC || c.Purpose != "consulter un dossier fictif" || !c.Sensitive || c.AuthMethod != AuthPost ||
		!slices.Equal(c.SecretHashes, []string{hashOfSecret}) || !slices.Equal(c.Scopes, []string{ScopeOpenID, ScopeAll}) ||
		c.IDTokenAlg != jose.ES256 || c.AccessTokenFormat != FormatJWT || c.AccessTokenAlg != jose.EdDSA ||
		c.Structure != "0750990012" || !slices.Equal(c.Audiences, []string{"ordonnance"}) || !slices.Equal(c.Means, []authn.Means{authn.ECPS}) || !c.AllowOfflineOTP ||
		c.Lifetimes != (Lifetimes{Code: 30 * time.Second, AccessToken: 5 * time.Minute, RefreshToken: 10 * time.Minute}) ||
		!c.AllowsGrant(GrantClientCredentials) || len(c.RedirectURIs) != 1 || len(c.PostLogoutRedirectURIs) != 1 {
		t.Errorf("%+v", c)
	}
	if HashSecret("secret") != hashOfSecret {
		t.Error("the hash of the documentation is not that of its secret")
	}
}

const leastFile = "id: a\nname: A\nprofile: PROFILE\nsecret_sha256: [" + hashOfSecret + "]\nredirect_uris: [https://a.invalid/cb]\n"

func TestDefaultsFollowTheProfile(t *testing.T) {
	strict, faults := Parse("a.yaml", []byte(strings.Replace(leastFile, "PROFILE", "oidc", 1)))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if strict.AuthMethod != AuthBasic || strict.IDTokenAlg != jose.RS256 || strict.AccessTokenFormat != FormatOpaque ||
		!slices.Equal(strict.Scopes, []string{ScopeOpenID}) || !strict.RequiresPKCE() || strict.GraceOnRefresh() || strict.AllowsMeans(authn.ECPSOffline) {
		t.Errorf("oidc: %+v", strict)
	}
	psc, faults := Parse("a.yaml", []byte(strings.Replace(leastFile, "PROFILE", "psc", 1)+"pkce_exception: 2026-11-22\n"))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if psc.AccessTokenFormat != FormatPSC || !slices.Contains(psc.Scopes, ScopeAll) || psc.RequiresPKCE() || !psc.GraceOnRefresh() ||
		!psc.AllowsMeans(authn.Card) || !psc.AllowsGrant(GrantRefresh) {
		t.Errorf("psc: %+v", psc)
	}
	if got := psc.GrantScopes([]string{"scope_all", "email", "openid", "openid"}); !slices.Equal(got, []string{"scope_all", "openid"}) {
		t.Errorf("granted %v", got)
	}
}

// Each row is one change of a good file and what the linter must say about it.
func TestLintExplains(t *testing.T) {
	cases := []struct{ from, to, want string }{
		{"id: dmp", "id: a b", "f.yaml:2: id: must be"},
		{"id: dmp", "identifiant: dmp", "f.yaml:2: identifiant: unknown key"},
		{"redirect_uris:", "redirect_uri:", `f.yaml:12: redirect_uri: unknown key; did you mean "redirect_uris"?`},
		{"owner: Éditeur fictif", "name: Encore", "f.yaml:4: name: stands twice"},
		{"name: Dossier médical d'essai", "name: ''", "f.yaml:3: name: is needed"},
		{"name: Dossier médical d'essai", `name: "a\u0007"`, "control characters"},
		{"name: Dossier médical d'essai", "name: [a]", "f.yaml:3: name: must be a text"},
		{"name: Dossier médical d'essai", "name:", "f.yaml:3: name: must be a text"},
		{"profile: oidc", "profile: fapi", "f.yaml:6: profile: must be"},
		{"profile: oidc", "profile: psc", "id_token_alg: must be RS256 in profile psc"},
		{"profile: oidc", "profile: psc", "f.yaml:23: allow_offline_otp: is for profile oidc only"},
		{"sensitive: true", "sensitive: oui", "f.yaml:8: sensitive: must be true or false"},
		{"client_secret_post", "private", "f.yaml:9: auth_method: must be"},
		{"client_secret_post", "none", "f.yaml:11: secret_sha256: must be absent"},
		{hashOfSecret, "secret", "f.yaml:11: secret_sha256[0]: must be 64"},
		{hashOfSecret, strings.ToUpper(hashOfSecret), "must be 64 lower-case"},
		{hashOfSecret, HashSecret(""), "hash of an empty secret"},
		{"  - " + hashOfSecret + "\n", "  []\n", "secret_sha256: is needed"},
		{"https://dossier.exemple.invalid/retour", "http://dossier.exemple.invalid/retour", "f.yaml:13: redirect_uris[0]"},
		{"  - https://dossier.exemple.invalid/retour", "  - https://a.invalid/\n  - https://a.invalid/", "f.yaml:14: redirect_uris[1]: stands twice"},
		{"  - https://dossier.exemple.invalid/retour", "  []", "redirect_uris: needs at least one"},
		{"[https://dossier.exemple.invalid/]", "['https://a.invalid/#x']", "post_logout_redirect_uris[0]"},
		{"[https://dossier.exemple.invalid/]", "https://a.invalid/", "post_logout_redirect_uris: must be a list"},
		{"[authorization_code, refresh_token, client_credentials]", "[implicit]", "grant_types[0]: must be"},
		{"[authorization_code, refresh_token, client_credentials]", "[]", "grant_types: is empty"},
		{"[authorization_code, refresh_token, client_credentials]", "[refresh_token]", "needs authorization_code"},
		{"structure: 0750990012", "sensitive: true", "stands twice"},
		{"structure: 0750990012", "", "structure: is needed"},
		{"structure: 0750990012", "structure: 9750990012", "structure: must be a struct_IdNat"},
		{"[openid, scope_all]", "[openid, offline_access]", "scopes[1]: must be"},
		{"[openid, scope_all]", "[openid, email]", "scopes[1]: must be"},
		{"audiences: [ordonnance]", "audiences: [dmp]", "f.yaml:17: audiences[0]: must be the id of another client"},
		{"audiences: [ordonnance]", "audiences: ordonnance", "f.yaml:17: audiences: must be a list"},
		{"id_token_alg: ES256", "id_token_alg: none", "id_token_alg: must be"},
		{"id_token_alg: ES256", "id_token_alg: HS256", "id_token_alg: must be"},
		{"access_token_format: jwt", "access_token_format: saml", "access_token_format: must be"},
		{"access_token_format: jwt", "access_token_format: psc", "access_token_alg: must be RS256"},
		{"means: [ecps]", "means: [ecps-offline]", "means[0]: must be"},
		{"means: [ecps]", "means: []", "means: is empty"},
		{"code: 30s", "code: 90s", "f.yaml:25: lifetimes.code: must be between"},
		{"code: 30s", "code: 30", "lifetimes.code: must be a duration"},
		{"code: 30s", "codes: 30s", `lifetimes.codes: unknown key; did you mean "code"?`},
		{"access_token: 5m", "access_token: -1m", "lifetimes.access_token"},
		{"lifetimes:\n", "lifetimes: 5m\nx:\n", "lifetimes: must be a list of"},
		{"means: [ecps]", "pkce_exception: bientôt", "pkce_exception: must be the day"},
		{"means: [ecps]", "means: *x", "unknown anchor"},
		{"id: dmp", "id: &x dmp\nname: *x", "must be a text"},
		{"id: dmp", "? [a]\n: b\nid: dmp", "unknown key"},
	}
	for _, c := range cases {
		text := strings.Replace(goodFile, c.from, c.to, 1)
		if text == goodFile {
			t.Fatalf("%q is not in the file", c.from)
		}
		faults := Lint("f.yaml", []byte(text))
		if !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.String(), c.want) }) {
			t.Errorf("%q -> %q: %v, want %q", c.from, c.to, faults, c.want)
		}
	}
}

func TestLintRefusesOddDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", "# only a comment\n": "empty", "- a\n- b\n": "key: value", "just text": "key: value",
		goodFile + "---\nid: other\n": "more than one document", "id: [": "line", "id: dmp\n\tname: x": "line",
		"x: " + strings.Repeat("a", maxFile): "larger",
	} {
		faults := Lint("f.yaml", []byte(text))
		if len(faults) == 0 || !strings.Contains(faults[0].String(), want) {
			t.Errorf("%.20q: %v, want %q", text, faults, want)
		}
	}
}

// All faults come at once, so that nobody mends a file line by line.
func TestLintTellsEverythingAtOnce(t *testing.T) {
	text := strings.NewReplacer("id: dmp", "id: ''", "means: [ecps]", "means: [fax]", "code: 30s", "code: 90s").Replace(goodFile)
	if faults := Lint("f.yaml", []byte(text)); len(faults) != 3 {
		t.Errorf("%d faults: %v", len(faults), faults)
	}
	text = strings.NewReplacer("sensitive: true", "sensitive: 1", "code: 30s", "cod: 1", "means: [ecps]", "means: x").Replace(goodFile)
	if faults := Lint("f.yaml", []byte(text)); len(faults) != 3 {
		t.Errorf("%d faults: %v", len(faults), faults)
	}
}

func TestPublicPSCClientIsRefused(t *testing.T) {
	text := "id: a\nname: A\nprofile: psc\nauth_method: none\nredirect_uris: [https://a.invalid/cb]\n"
	faults := Lint("a.yaml", []byte(text))
	if len(faults) != 1 || faults[0].Path != "auth_method" {
		t.Errorf("%v", faults)
	}
}

func TestTokensAreReadByTheirAudienceOnly(t *testing.T) {
	owner := &Client{ID: "structure", Profile: ProfileOIDC, Audiences: []string{"dmp"}}
	psc := &Client{ID: "psc", Profile: ProfilePSC}
	for _, c := range []struct {
		owner, caller *Client
		want          bool
	}{
		{owner, owner, true},
		{owner, &Client{ID: "dmp", Profile: ProfileOIDC}, true},
		{owner, &Client{ID: "other", Profile: ProfileOIDC}, false},
		{owner, psc, false},
		{&Client{ID: "dmp", Profile: ProfileOIDC}, owner, false}, // it does not go both ways
		{psc, &Client{ID: "psc2", Profile: ProfilePSC}, true},
		{psc, owner, false},
	} {
		if got := c.owner.MayBeReadBy(c.caller); got != c.want {
			t.Errorf("%s read by %s: %v", c.owner.ID, c.caller.ID, got)
		}
	}
}

// FuzzParse: no client file makes the parser panic, a client that comes out is
// one that Check accepts, and a fault always names the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodFile))
	f.Add([]byte(strings.Replace(leastFile, "PROFILE", "psc", 1)))
	f.Add([]byte("a: &a [*a, *a]\n"))
	f.Add([]byte("<<: {id: x}\nid: !!binary aGk=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, faults := Parse("f.yaml", data)
		if (c == nil) == (len(faults) == 0) {
			t.Fatalf("client %v with faults %v", c, faults)
		}
		if c != nil && len(c.Check()) > 0 {
			t.Fatalf("accepted against its own rules: %v", c.Check())
		}
		for _, fault := range faults {
			if fault.File != "f.yaml" || fault.Message == "" {
				t.Fatalf("%+v", fault)
			}
		}
	})
}
