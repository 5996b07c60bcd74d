package flows

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/means/cps"
)

// toCardPage opens the DMP and takes the way of the card.
func toCardPage(t *testing.T, d *harness.Demo) *harness.Browser {
	t.Helper()
	b := harness.NewBrowser(t, func(*url.URL) bool { return false })
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	b.Submit("submit-card", nil)
	return b
}

// The whole way of a card, APDUs included, for every persona who holds one: from
// the DMP through provider, bridge and reader back into the DMP, which decides
// from the tokens alone.
func TestCardOpensTheDMP(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	for _, c := range []struct{ persona, holder, decision, code string }{
		{"P1", "doctor, CPS3", "granted", ""},
		{"P2", "nurse with two situations, CPS4", "granted", ""},
		{"P5", "manager, CPE", "refused", "PF-DR-030"},
		{"P6", "director, CDE", "refused", "PF-DR-030"},
		{"P7", "engineer of an editor, CPE", "refused", "PF-DR-030"},
		{"P8", "intern, CPF", "refused", "PF-DR-030"},
	} {
		t.Run(c.persona, func(t *testing.T) {
			d.Insert(t, c.persona)
			defer d.Remove(t, c.persona)
			b := toCardPage(t, d)
			if refused := b.ByCard(d.Sheet.BridgePorts[0]); refused.Error != "" {
				t.Fatalf("the bridge refused: %s", refused.Error)
			}
			b.Finish("")
			if b.Page.Has("situation") {
				b.Submit("submit-situation", map[string]string{"situation": b.Page.Attr("situation-0", "value")})
			}
			if !b.Page.Has("consult") {
				t.Fatalf("%s is not inside the DMP: %s", c.holder, b.Page.Body)
			}
			b.Submit("consult", nil)
			if got, code := b.Page.Attr("dmp-decision", "data-decision"), b.Page.Attr("dmp-decision", "data-code"); got != c.decision || code != c.code {
				t.Errorf("%s: %s %s, want %s %s", c.holder, got, code, c.decision, c.code)
			}
		})
	}
}

// A card that the provider must not take ends on the page that says why.
func TestProviderRefusesCards(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	for persona, code := range map[string]string{
		"P9":             cps.CodeClosedHolder, // S-94
		"B-card-revoked": cps.CodeRevoked,
	} {
		t.Run(persona, func(t *testing.T) {
			d.Insert(t, persona)
			defer d.Remove(t, persona)
			b := toCardPage(t, d)
			if refused := b.ByCard(d.Sheet.BridgePorts[0]); refused.Error != "" {
				t.Fatalf("the bridge refused: %s", refused.Error)
			}
			if b.Page.Code() != code || !b.Page.Has("card-form") {
				t.Errorf("%d with %q, want %s on the card page", b.Page.Status, b.Page.Code(), code)
			}
		})
	}
}

// What the bridge finds by itself never reaches the provider, and leaves the
// page as it was.
func TestBridgeRefusesCards(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	none := 0
	for persona, want := range map[string]cps.Problem{
		"B-card-expired":     {Error: cps.CertificateExpired},
		"B-card-pin-blocked": {Error: cps.PINBlocked, TriesLeft: &none},
		"":                   {Error: cps.NoCard},
	} {
		t.Run("card "+persona, func(t *testing.T) {
			if persona != "" {
				d.Insert(t, persona)
				defer d.Remove(t, persona)
			}
			got := toCardPage(t, d).ByCard(d.Sheet.BridgePorts[0])
			if got.Error != want.Error || (got.TriesLeft == nil) != (want.TriesLeft == nil) || got.TriesLeft != nil && *got.TriesLeft != *want.TriesLeft {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// Wrong PINs count down to a blocked card, one an act of the holder; the right
// one before that gives all tries back.
func TestWrongPINsBlockTheCard(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	d.Insert(t, "P1")
	try := func(wrong bool) cps.Problem {
		if wrong {
			d.WrongPIN(t, "P1")
		}
		return toCardPage(t, d).ByCard(d.Sheet.BridgePorts[0])
	}
	for i, want := range []struct {
		wrong bool
		word  cps.BridgeError
		left  int
	}{{true, cps.PINIncorrect, 2}, {false, "", 0}, {true, cps.PINIncorrect, 2}, {true, cps.PINIncorrect, 1}, {true, cps.PINBlocked, 0}, {false, cps.PINBlocked, 0}} {
		got := try(want.wrong)
		if got.Error != want.word || want.word != "" && (got.TriesLeft == nil || *got.TriesLeft != want.left) {
			t.Fatalf("try %d: %+v, want %+v", i, got, want)
		}
	}
	if w := d.Desk(t).Window; w == nil || w.Service == "" || w.Provider == "" || w.TriesLeft != 1 {
		t.Errorf("the last window showed %+v", w)
	}
	d.Insert(t, "P1") // out and in again: a new card
	if got := try(false); got.Error != "" {
		t.Errorf("a card put in anew: %+v", got)
	}
}

// S-92: the second service asks nothing after a login by card.
func TestCardOpensTheSecondServiceWithoutAPage(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	d.Insert(t, "P1")
	first, second := newService(t, d, "demo-psc", "openid", "scope_all"), newService(t, d, "demo-oidc", "openid", "scope_all")
	b := harness.NewBrowser(t, harness.At(first.client.RedirectURIs[0]))
	before := first.byCard(b)

	b2 := second.browser()
	b2.ShareCookies(b)
	a := second.request()
	b2.Get(a.address)
	after := second.redeem(a, b2.Arrived)
	if after.IDTokenClaims.AuthTime != before.IDTokenClaims.AuthTime || after.IDTokenClaims.AuthenticationContextClassReference != "eidas3" {
		t.Errorf("auth_time %v, first %v; acr %s", after.IDTokenClaims.AuthTime, before.IDTokenClaims.AuthTime, after.IDTokenClaims.AuthenticationContextClassReference)
	}
}

// byCard logs in with the card that is in the reader.
func (s *service) byCard(b *harness.Browser) *oidc.Tokens[*oidc.IDTokenClaims] {
	s.t.Helper()
	a := s.request()
	b.Get(a.address)
	if refused := b.ByCard(s.demo.Sheet.BridgePorts[0]); refused.Error != "" {
		s.t.Fatalf("the bridge refused: %s", refused.Error)
	}
	return s.redeem(a, b.Finish(""))
}

// dead tells that a session is over: tokens, refresh and the silent login.
func (s *service) dead(b *harness.Browser, tokens *oidc.Tokens[*oidc.IDTokenClaims]) bool {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.rp.UserinfoEndpoint(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != http.StatusUnauthorized {
		return false
	}
	if _, err := s.refresh(tokens); err == nil {
		s.t.Error("the refresh token outlived its session")
	}
	b.Get(s.request("prompt", "none").address)
	return b.Arrived != nil && b.Arrived.Query().Get("error") == "login_required"
}

// Pulling the card ends the session and everything behind it, with no page alive.
func TestPulledCardEndsTheSession(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	for _, persona := range []string{"P1", "B-card-pulled"} {
		t.Run(persona, func(t *testing.T) {
			d.Insert(t, persona)
			b := s.browser()
			tokens := s.byCard(b)
			info, err := rp.Userinfo[*oidc.UserInfo](t.Context(), tokens.AccessToken, tokens.TokenType, tokens.IDTokenClaims.Subject, s.rp)
			if err != nil || info.Claims["SubjectNameID"] == "" {
				t.Fatalf("before: %v", err)
			}
			if persona == "P1" {
				d.Remove(t, persona) // the other one leaves by itself, after three seconds
			}
			if err := harness.Until("the session's end", 20*time.Second, func() bool { return s.dead(b, tokens) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// Two readers: a card that leaves takes all the sessions it has opened, in every
// browser, and none of the other card's.
func TestPulledCardEndsItsOwnSessionsOnly(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	s := newService(t, d, "demo-oidc", "openid", "scope_all")
	d.Insert(t, "P2")
	stays := s.browser()
	other := s.byCard(stays)
	d.Insert(t, "P1") // the holder now means this one
	one, two := s.browser(), s.browser()
	first, second := s.byCard(one), s.byCard(two)
	if first.IDTokenClaims.Subject != second.IDTokenClaims.Subject || first.IDTokenClaims.Subject == other.IDTokenClaims.Subject {
		t.Fatal("the wrong card was used")
	}
	d.Remove(t, "P1")
	if err := harness.Until("both sessions' end", 20*time.Second, func() bool { return s.dead(one, first) && s.dead(two, second) }); err != nil {
		t.Error(err)
	}
	if _, err := s.refresh(other); err != nil {
		t.Errorf("the other card's session ended too: %v", err)
	}
}

// A service that asks the older eidas3 of an e-CPS session gets the card page at
// once; cancelling it leaves the first session whole, the card answers it.
func TestStepUpFromECPSToCard(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	first, strong := newService(t, d, "demo-psc", "openid", "scope_all"), newService(t, d, "demo-oidc", "openid", "scope_all")
	b := harness.NewBrowser(t, harness.At(first.client.RedirectURIs[0]))
	first.login(b, d.Login(t, "approve-300ms"))

	b2 := strong.browser()
	b2.ShareCookies(b)
	ask := strong.request("acr_values", "eidas3")
	b2.Get(ask.address)
	if !b2.Page.Has("card-form") {
		t.Fatalf("no card page at once: %s", b2.Page.Body)
	}
	b2.Submit("cancel", nil)
	if b2.Arrived == nil || b2.Arrived.Query().Get("error") != "access_denied" {
		t.Fatalf("cancelled at %v", b2.Arrived)
	}
	again := first.request("prompt", "none")
	b.Get(again.address)
	first.redeem(again, b.Arrived)

	d.Insert(t, "P1")
	ask = strong.request("acr_values", "eidas3")
	b2.Get(ask.address)
	if refused := b2.ByCard(d.Sheet.BridgePorts[0]); refused.Error != "" {
		t.Fatalf("the bridge refused: %s", refused.Error)
	}
	tokens := strong.redeem(ask, b2.Finish(""))
	if got := tokens.IDTokenClaims.AuthenticationContextClassReference; got != "eidas3" {
		t.Errorf("acr %q", got)
	}
}

// Attack: an answer made for one browser's login is submitted in another's.
func TestAnswerOfAnotherBrowserIsRefused(t *testing.T) {
	t.Parallel()
	d := harness.Start(t)
	d.Insert(t, "P1")
	victim, thief := toCardPage(t, d), toCardPage(t, d)
	jti, answer, refused := victim.AskCard(d.Sheet.BridgePorts[0])
	if refused.Error != "" {
		t.Fatal(refused.Error)
	}
	thief.Submit("card-form", map[string]string{"jti": jti, "answer": answer})
	if got := thief.Page.Code(); got != cps.CodeForeign && got != cps.CodeNotWaiting {
		t.Errorf("code %q", got)
	}
}
