package flows

import (
	"slices"
	"testing"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/provider"
)

// An operator puts a card in opposition over the admin socket: what it has
// opened ends at once, its next login is refused with its own code, the e-CPS of
// the same person goes on, and a card that was found again opens anew.
func TestCardPutInOpposition(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	d.Insert(t, "P1")
	admin := provider.NewAdmin(d.Provider.Config())
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	b := s.browser()
	tokens := s.byCard(b)
	if got := tokens.IDTokenClaims.AuthenticationMethodsReferences; !slices.Equal(got, []string{"hwk", "sc", "pin", "mfa"}) {
		t.Errorf("amr %v", got)
	}
	holder := rpps.MustNationalID(d.Login(t, "approve-300ms"))
	known, err := admin.Cards(t.Context(), holder)
	if err != nil || len(known) != 1 || known[0].Kind != "CPS" {
		t.Fatalf("cards of the holder: %+v, %v", known, err)
	}
	done, err := admin.OpposeCard(t.Context(), provider.OpposeRequest{
		Opposition: cards.Opposition{Operator: "o1", Number: known[0].Number, Reason: "stolen"}, EndSessions: true,
	})
	if err != nil || done.Ended == 0 || done.Card.Opposed.IsZero() {
		t.Fatalf("%+v, %v", done, err)
	}
	if !s.dead(b, tokens) {
		t.Error("the session lives on")
	}
	again := toCardPage(t, d)
	if refused := again.ByCard(d.Sheet.BridgePorts[0]); refused.Error != "" || again.Page.Code() != cps.CodeOpposed {
		t.Errorf("%+v, page %s", refused, again.Page.Code())
	}
	phone := harness.NewBrowser(t, harness.At(s.client.RedirectURIs[0]))
	a := s.request()
	if arrived := phone.SignIn(a.address, holder.String()); arrived.Query().Get("code") == "" {
		t.Errorf("the e-CPS of the holder is refused: %s", arrived)
	}
	if _, err := admin.ReinstateCard(t.Context(), "o1", known[0].Number); err != nil {
		t.Fatal(err)
	}
	s.byCard(s.browser())
}
