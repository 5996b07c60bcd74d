package consent

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

func open(t *testing.T) (*Consents, *clock.Manual, *db.DB) {
	t.Helper()
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c := clock.NewManual(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	return New(d, c), c, d
}

func outside() *client.Client {
	return &client.Client{
		ID: "agenda", Profile: client.ProfileOIDC, Owner: "Éditeur fictif", Purpose: "prendre rendez-vous",
		Scopes: []string{"openid", "profile", "scope_all"}, Requests: client.Requests{Consent: true},
	}
}

func given(t *testing.T, s *Consents, sub string, q Question) bool {
	t.Helper()
	ok, err := s.Given(t.Context(), sub, q)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestAYesCoversWhatWasAskedAndNoMore(t *testing.T) {
	s, _, _ := open(t)
	c := outside()
	names := Ask(c, []string{"openid", "profile"}, grant.Claims{})
	if given(t, s, "a", names) {
		t.Fatal("nobody was asked")
	}
	if err := s.Give(t.Context(), "a", names); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		sub  string
		q    Question
		want bool
	}{
		"the same":                    {"a", names, true},
		"less":                        {"a", Ask(c, []string{"openid"}, grant.Claims{}), true},
		"one of them by name":         {"a", Ask(c, []string{"openid"}, grant.Claims{IDToken: []string{"family_name"}}), true},
		"more by scope":               {"a", Ask(c, []string{"openid", "scope_all"}, grant.Claims{}), false},
		"more by name":                {"a", Ask(c, []string{"openid"}, grant.Claims{UserInfo: []string{"SubjectRole"}}), false},
		"another person":              {"b", names, false},
		"a claim nobody would answer": {"a", Ask(c, []string{"openid"}, grant.Claims{UserInfo: []string{"email"}}), true},
	} {
		if got := given(t, s, x.sub, x.q); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A yes to one legal person for one purpose is no yes to whoever takes over the
// identifier, nor for anything else.
func TestAnotherOwnerOrPurposeIsAnotherQuestion(t *testing.T) {
	s, _, _ := open(t)
	if err := s.Give(t.Context(), "a", Ask(outside(), []string{"openid"}, grant.Claims{})); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*client.Client){
		"owner":      func(c *client.Client) { c.Owner = "Acquéreur fictif" },
		"purpose":    func(c *client.Client) { c.Purpose = "publicité" },
		"words slid": func(c *client.Client) { c.Owner, c.Purpose = c.Owner+`" "`, "" },
		"identifier": func(c *client.Client) { c.ID = "agenda2" },
	} {
		c := outside()
		change(c)
		if given(t, s, "a", Ask(c, []string{"openid"}, grant.Claims{})) {
			t.Errorf("%s: the old yes holds", name)
		}
	}
}

func TestAYesEndsAfterSixMonths(t *testing.T) {
	s, c, _ := open(t)
	q := Ask(outside(), []string{"openid"}, grant.Claims{})
	if err := s.Give(t.Context(), "a", q); err != nil {
		t.Fatal(err)
	}
	c.Advance(life - time.Second)
	if !given(t, s, "a", q) {
		t.Error("ended early")
	}
	c.Advance(2 * time.Second)
	if given(t, s, "a", q) {
		t.Error("holds for ever")
	}
	if err := s.Give(t.Context(), "a", q); err != nil || !given(t, s, "a", q) {
		t.Errorf("a new yes: %v", err)
	}
}

func TestAPersonSeesAndEndsHisOwnAgreements(t *testing.T) {
	s, c, _ := open(t)
	ctx := t.Context()
	other := outside()
	other.ID = "carnet"
	for _, x := range []struct {
		sub string
		to  *client.Client
	}{{"a", outside()}, {"a", other}, {"b", outside()}} {
		if err := s.Give(ctx, x.sub, Ask(x.to, []string{"openid", "profile"}, grant.Claims{})); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
	}
	all, err := s.Of(ctx, "a")
	if err != nil || len(all) != 2 || all[0].Client != "carnet" || all[1].Client != "agenda" || !all[0].Since.Equal(c.Now().Add(-2*time.Hour)) {
		t.Fatalf("%+v %v", all, err)
	}
	for range 2 { // the second time there is nothing left to withdraw
		if err := s.Withdraw(ctx, "a", "agenda"); err != nil {
			t.Fatal(err)
		}
	}
	q := Ask(outside(), []string{"openid"}, grant.Claims{})
	if given(t, s, "a", q) || !given(t, s, "b", q) || !given(t, s, "a", Ask(other, []string{"openid"}, grant.Claims{})) {
		t.Error("withdrawn is too much or too little")
	}
	c.Advance(life)
	if all, err := s.Of(ctx, "a"); err != nil || len(all) != 0 {
		t.Errorf("what has ended is still listed: %+v %v", all, err)
	}
}

func TestAnUnreadableAnswerIsNoYes(t *testing.T) {
	s, _, d := open(t)
	q := Ask(outside(), []string{"openid"}, grant.Claims{})
	if err := s.Give(t.Context(), "a", q); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if ok, err := s.Given(t.Context(), "a", q); ok || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v %v", ok, err)
	}
	if err := s.Give(t.Context(), "a", q); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestTheQuestionNamesEachClaimOnce(t *testing.T) {
	q := Ask(outside(), []string{"openid", "profile"}, grant.Claims{IDToken: []string{"name", "SubjectRole"}, UserInfo: []string{"name"}})
	want := []string{"SubjectRole", "family_name", "given_name", "name", "preferred_username", "sub"}
	if !slices.Equal(q.Claims, want) {
		t.Errorf("%v", q.Claims)
	}
}
