package op

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
)

// A hint is an ID token of ours that a service kept: it may have expired long
// ago, and then too only its person answers (Core 3.1.2.1).
func TestAZ13ExpiredHintStillNamesItsPerson(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	hint := w.redeem("web", w.code("web", cookie)).text("id_token")
	w.clock.Advance(7 * 24 * time.Hour)
	_, cookie = w.login(authn.ECPS)
	if got := w.answered(w.authorize(ask("web", "id_token_hint", hint, "prompt", "none"), cookie)); got.Get("code") == "" {
		t.Errorf("%v", got)
	}
}

// What our own key signed and is no ID token of this issuer is no hint (RFC 8725 3.12).
func TestAZ13OtherTokensOfOurKeyAreNoHint(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.login(authn.ECPS)
	id := `{"iss":"` + testIssuer + `","sub":"` + s.Auth.Sub + `","typ":"ID","aud":"web"}`
	for name, c := range map[string]struct{ typ, payload string }{
		"another issuer":     {"JWT", strings.Replace(id, testIssuer, "https://other.example", 1)},
		"an access token":    {"JWT", strings.Replace(id, `"ID"`, `"Bearer"`, 1)},
		"a refresh token":    {"JWT", strings.Replace(id, `"ID"`, `"Refresh"`, 1)},
		"no kind at all":     {"JWT", strings.Replace(id, `"typ":"ID",`, "", 1)},
		"an at+jwt":          {"at+jwt", id},
		"a logout token":     {"logout+jwt", id},
		"without a person":   {"JWT", strings.Replace(id, s.Auth.Sub, "", 1)},
		"of a dead service":  {"JWT", strings.Replace(id, `"web"`, `"gone"`, 1)},
		"no JSON":            {"JWT", "x"},
		"a list of services": {"JWT", strings.Replace(id, `"web"`, `["web","evil"]`, 1)},
	} {
		hint, err := w.keys.Sign(jose.RS256, c.typ, []byte(c.payload))
		if err != nil {
			t.Fatal(err)
		}
		for _, prompt := range []string{"", "none"} {
			if got := w.answered(w.authorize(ask("web", "id_token_hint", hint, "prompt", prompt), cookie)); got.Get("error") != "invalid_request" || got.Has("code") {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}
