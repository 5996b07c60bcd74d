package op

import (
	"net/http"
	"slices"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/trust/audit"
)

// A service that asks for a new code at each click does not pile up refresh
// tokens: the oldest dies, traced, and all others live (TK8).
func TestTK8OldestOfTooManyRefreshTokensDies(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.login(authn.ECPS)
	var all []tokens
	for range 101 {
		all = append(all, w.redeem("web", w.code("web", cookie)))
	}
	wantError(t, w.refresh("web", all[0].text("refresh_token")), http.StatusBadRequest, "invalid_grant")
	if rec := w.userinfo(all[0].text("access_token")); rec.Code != http.StatusUnauthorized {
		t.Errorf("its access token lives on: %d", rec.Code)
	}
	for _, i := range []int{1, 50, 100} {
		if rec := w.refresh("web", all[i].text("refresh_token")); rec.Code != http.StatusOK {
			t.Errorf("token %d: %d %s", i, rec.Code, rec.Body)
		}
	}
	if !slices.ContainsFunc(w.audit.Events(), func(e audit.Event) bool {
		x, ok := e.(audit.FamilyRevoked)
		return ok && x.Reason == "too_many" && x.Client == "web" && x.Subject == doctor.ID.String()
	}) {
		t.Error("nobody can see why it died")
	}
}
