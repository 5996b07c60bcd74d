// Package claims turns a professional and his authentication into what
// services read: ID token, access token, refresh token, UserInfo and
// introspection. Pure: no clock, no store, no key. Every document is a struct
// whose fields stand in wire order; golden files hold them to the recorded
// shape (pro-sante-connect.md 2).
package claims

import (
	"slices"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// UserInfoOptions say for whom the answer is.
type UserInfoOptions struct {
	Profile  client.Profile
	Pairwise bool     // nothing that names the person to everybody
	Scope    []string // granted
}

// Professional is the whole UserInfo answer, in the order recorded in 2023
// (pro-sante-connect.md 2.1). Nothing is ever absent or null: unknown is "".
type Professional struct {
	Sector            string       `json:"Secteur_Activite"`
	Sub               string       `json:"sub"`
	Organization      string       `json:"SubjectOrganization"`
	AccessReason      string       `json:"Mode_Acces_Raison"`
	PreferredUsername string       `json:"preferred_username"`
	GivenName         string       `json:"given_name"`
	MedicalDispatch   string       `json:"Acces_Regulation_Medicale"`
	UITVersion        string       `json:"UITVersion"`
	AuthMode          string       `json:"authMode"`
	Palier            string       `json:"Palier_Authentification"`
	RefPro            RefPro       `json:"SubjectRefPro"`
	OrganizationID    string       `json:"SubjectOrganizationID"`
	Roles             []string     `json:"SubjectRole"`
	PSILocale         string       `json:"PSI_Locale"`
	OtherIDs          []Identifier `json:"otherIds"`
	NameID            string       `json:"SubjectNameID"`
	PSINameID         string       `json:"PSISubjectNameID"`
	FamilyName        string       `json:"family_name"`
	Name              string       `json:"name,omitempty"` // scope profile of an oidc client only: PSC has none
}

// Identity is the answer to a psc client that did not ask for scope_all:
// who, and how he logged in, without his practice.
type Identity struct {
	Sub               string       `json:"sub"`
	PreferredUsername string       `json:"preferred_username"`
	GivenName         string       `json:"given_name"`
	AuthMode          string       `json:"authMode"`
	OtherIDs          []Identifier `json:"otherIds"`
	NameID            string       `json:"SubjectNameID"`
	PSINameID         string       `json:"PSISubjectNameID"`
	FamilyName        string       `json:"family_name"`
}

// Basic is the answer to an oidc client without the professional scopes: sub,
// and the names if scope profile was granted (UI3).
type Basic struct {
	Sub               string `json:"sub"`
	Name              string `json:"name,omitempty"`
	GivenName         string `json:"given_name,omitempty"`
	FamilyName        string `json:"family_name,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
}

// UserInfo gives the answer for the granted scopes: *Professional, *Identity or
// *Basic. scope_all and identity both give PSC's record; e-mail and telephone
// of the person are in none (PG-93).
func UserInfo(p rpps.Professional, a authn.Authentication, o UserInfoOptions) any {
	whole := slices.Contains(o.Scope, client.ScopeAll) || slices.Contains(o.Scope, client.ScopeIdentity)
	names := slices.Contains(o.Scope, client.ScopeProfile)
	switch {
	case whole:
		d := professional(p, a)
		if names && o.Profile == client.ProfileOIDC {
			d.Name = fullName(p)
		}
		return d
	case o.Profile == client.ProfilePSC:
		return &Identity{
			Sub: a.Sub, PreferredUsername: p.ID.String(), GivenName: givenName(p), AuthMode: authMode(a.Means),
			OtherIDs: otherIDs(p), NameID: p.ID.String(), PSINameID: p.PSI, FamilyName: familyName(p),
		}
	case names:
		d := &Basic{Sub: a.Sub, Name: fullName(p), GivenName: givenName(p), FamilyName: familyName(p)}
		if !o.Pairwise {
			d.PreferredUsername = p.ID.String()
		}
		return d
	}
	return &Basic{Sub: a.Sub}
}

func professional(p rpps.Professional, a authn.Authentication) *Professional {
	d := &Professional{
		Sub: a.Sub, PreferredUsername: p.ID.String(), GivenName: givenName(p), FamilyName: familyName(p),
		MedicalDispatch: noMedicalDispatch, UITVersion: uitVersion, PSILocale: oidPSI,
		AuthMode: authMode(a.Means), Palier: palier(a.Means),
		RefPro: refPro(p), Roles: roles(p), OtherIDs: otherIDs(p), NameID: p.ID.String(), PSINameID: p.PSI,
	}
	if w := firstActivity(p); w != nil {
		d.Organization, d.OrganizationID = w.Structure.Name, w.Structure.TechnicalID
		if w.Sector != "" {
			d.Sector = w.Sector + oidSector
		}
	}
	return d
}

// firstActivity is the first situation of the first practice that has one: it
// fills the top of the answer (pro-sante-connect.md 4.5). nil if there is none.
func firstActivity(p rpps.Professional) *rpps.WorkSituation {
	for i := range p.Practices {
		if len(p.Practices[i].WorkSituations) > 0 {
			return &p.Practices[i].WorkSituations[0]
		}
	}
	return nil
}

// roles gives each profession once, in the order of the practices: a doctor
// with a civil and a military practice has one role, as every record shows.
func roles(p rpps.Professional) []string {
	roles := make([]string, 0, 1)
	for i := range p.Practices {
		role := p.Practices[i].Profession + oidProfession
		if p.Practices[i].Profession != "" && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles
}
