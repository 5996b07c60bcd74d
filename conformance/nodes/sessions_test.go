package nodes

import (
	"net/http"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/provider"
)

// An order given on one node ends a person's sessions and tokens on the other
// within a second of its answer, and nobody else's (LO8).
func TestLO8OrderOnOneNodeEndsAPersonEverywhere(t *testing.T) {
	a, b := pair(t)
	people := harness.People(3)
	if err := harness.Phones(t.Context(), a, people); err != nil {
		t.Fatal(err)
	}
	type open struct {
		party   *harness.Party
		browser *harness.Browser
		tokens  harness.Answer
	}
	var all []open
	for i := range 2 {
		o := open{party: harness.NewParty(t, b, services[0]), browser: harness.NewBrowser(t, harness.At(services[0].Redirect))}
		asked := o.party.Request()
		o.tokens = o.party.Redeem(asked, o.party.Code(asked, o.browser.SignIn(asked.Address, people[i].ID.String())))
		if !o.party.Introspect(o.tokens.AccessToken).Active {
			t.Fatal("nothing to end")
		}
		all = append(all, o)
	}
	n, err := a.Admin.EndSessions(t.Context(), provider.SessionsOrder{Operator: "anna", Holder: people[0].ID, Reason: "2026-1181"})
	if err != nil || n != 1 {
		t.Fatalf("%d sessions, %v", n, err)
	}
	ended := func() bool { return !all[0].party.Introspect(all[0].tokens.AccessToken).Active }
	if err := harness.Until("the other node knows", time.Second, ended); err != nil {
		t.Error(err)
	}
	if got := all[0].party.Refresh(all[0].tokens.RefreshToken); got.Status == http.StatusOK {
		t.Error("refreshed after the order")
	}
	all[0].browser.Get(all[0].party.Request().Address + "&prompt=none")
	if got := all[0].browser.Arrived.Query().Get("error"); got != "login_required" {
		t.Errorf("prompt=none after the order: %q", got)
	}
	if !all[1].party.Introspect(all[1].tokens.AccessToken).Active {
		t.Error("another person's token died")
	}
	if _, err := a.Admin.EndSessions(t.Context(), provider.SessionsOrder{Operator: "anna", Holder: people[0].ID}); err == nil {
		t.Error("an order without a reason")
	}
}
