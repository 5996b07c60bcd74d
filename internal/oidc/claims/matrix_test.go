package claims

import (
	"slices"
	"testing"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// PG-40: the matrix shown to the auditor says what UserInfo really answers, for
// every scope of every profile. It is held against real documents.
func TestPGSSI40MatrixIsWhatUserInfoAnswers(t *testing.T) {
	scopes := []string{client.ScopeOpenID, client.ScopeProfile, client.ScopeIdentity, client.ScopeAll}
	for _, c := range []*client.Client{
		{ID: "psc", Profile: client.ProfilePSC, Scopes: scopes},
		{ID: "oidc", Profile: client.ProfileOIDC, Scopes: scopes},
		{ID: "apart", Profile: client.ProfileOIDC, Scopes: scopes[:2], Answers: client.Answers{SubjectType: client.SubjectPairwise}},
	} {
		for _, r := range Matrix(c) {
			if r.Scope == ByName {
				continue
			}
			for name, p := range golden(t) {
				there, err := members(UserInfo(p, authn.Authentication{Sub: "s", Means: authn.Card},
					UserInfoOptions{Profile: c.Profile, Pairwise: c.Pairwise(), Scope: []string{client.ScopeOpenID, r.Scope}}))
				if err != nil {
					t.Fatal(err)
				}
				for claim := range there {
					if claim != claimSub && !slices.Contains(r.Claims, claim) {
						t.Errorf("%s, scope %s, %s: %s is answered and not in the matrix", c.ID, r.Scope, name, claim)
					}
				}
				for _, claim := range r.Claims {
					if there[claim] == nil {
						t.Errorf("%s, scope %s, %s: %s is in the matrix and not answered", c.ID, r.Scope, name, claim)
					}
				}
			}
		}
	}
}

func TestPGSSI40ClaimsBeyondTheDeclaredNeedAreMarked(t *testing.T) {
	c := &client.Client{Profile: client.ProfileOIDC, Scopes: []string{client.ScopeProfile}, Answers: client.Answers{Claims: []string{"given_name", "family_name"}}}
	rows := Matrix(c)
	if got := rows[0].Beyond; !slices.Equal(got, []string{"name", "preferred_username"}) {
		t.Errorf("%v", got)
	}
	if got := rows[1]; got.Scope != ByName || !slices.Equal(got.Claims, []string{"family_name", "given_name"}) || len(got.Beyond) != 0 {
		t.Errorf("%+v", got)
	}
}
