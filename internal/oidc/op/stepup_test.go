package op

import (
	"net/http"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// RFC 9470: a resource refuses a token whose login does not suffice and says what
// would; the client takes that to the authorization endpoint, and the new token does.
func TestAZ14UI3StepUpByTheAnswerOfAResource(t *testing.T) {
	w := newWorld(t)
	offline := &client.Client{
		ID: "garde", Name: "Garde", Owner: "Structure d'essai", Contact: "contact@web.example", Purpose: "Essais", Profile: client.ProfileOIDC,
		SecretHashes: []string{client.HashSecret(testSecret)}, RedirectURIs: []string{redirectOf("web")}, AllowOfflineOTP: true,
	}
	if err := w.clients.Add(offline); err != nil {
		t.Fatal(err)
	}
	_, cookie := w.login(authn.ECPSOffline)
	code := w.answered(w.authorize(ask("web", "client_id", "garde", "scope", "openid"), cookie)).Get("code")
	weak := decode(t, w.post("token", "garde", codeForm("web", code)))
	if rec := w.userinfo(weak.text("access_token")); rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	now, err := w.clients.Lookup("garde")
	if err != nil {
		t.Fatal(err)
	}
	now.AllowOfflineOTP = false // as an edited registration would
	rec := w.userinfo(weak.text("access_token"))
	wantError(t, rec, http.StatusUnauthorized, "insufficient_user_authentication")
	challenge := rec.Header().Get("WWW-Authenticate")
	if !strings.HasPrefix(challenge, "Bearer ") || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.Contains(challenge, `acr_values="eidas1"`) {
		t.Fatalf("%s", challenge)
	}
	if got := w.answered(w.authorize(ask("web", "client_id", "garde", "scope", "openid", "acr_values", "eidas1", "prompt", "none"), cookie)); got.Get("error") != "interaction_required" {
		t.Errorf("the weak session answers: %v", got)
	}
	handle, browser := w.pending(ask("web", "client_id", "garde", "scope", "openid", "acr_values", "eidas1"), cookie)
	w.finish(handle, authn.ECPS)
	back := w.answered(w.get("/login/"+handle+"/return", browser)).Get("code")
	strong := decode(t, w.post("token", "garde", codeForm("web", back)))
	if rec := w.userinfo(strong.text("access_token")); rec.Code != http.StatusOK {
		t.Errorf("after the step-up: %d %s", rec.Code, rec.Body)
	}
}
