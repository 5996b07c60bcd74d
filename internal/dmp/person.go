package dmp

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/egide-id/egide/internal/dmp/policy"
)

// userInfo is what this service reads of the provider's UserInfo. The claim
// names are the published ones, case included.
type userInfo struct {
	Sub           string `json:"sub"`
	SubjectNameID string `json:"SubjectNameID"`
	GivenName     string `json:"given_name"`
	FamilyName    string `json:"family_name"`
	SubjectRefPro struct {
		Exercices []exercice `json:"exercices"`
	} `json:"SubjectRefPro"`
}

type exercice struct {
	CodeProfession               string     `json:"codeProfession"`
	CodeCategorieProfessionnelle string     `json:"codeCategorieProfessionnelle"`
	CodeSavoirFaire              string     `json:"codeSavoirFaire"`
	Activities                   []activity `json:"activities"`
}

type activity struct {
	CodeRole                          string `json:"codeRole"`
	CodeGenreActivite                 string `json:"codeGenreActivite"`
	CodeSecteurDactivite              string `json:"codeSecteurDactivite"`
	CodeModeExercice                  string `json:"codeModeExercice"`
	IdentifiantTechniqueDeLaStructure string `json:"identifiantTechniqueDeLaStructure"`
	RaisonSocialeSite                 string `json:"raisonSocialeSite"`
}

// GetSubject lets the library compare UserInfo's sub with the ID token's (Core 1.0, 5.3.2).
func (u *userInfo) GetSubject() string { return u.Sub }

func (u *userInfo) name() string { return strings.TrimSpace(u.GivenName + " " + u.FamilyName) }

// situation is one job of one person in one place. The provider sends them
// all and leaves the choice to the service.
type situation struct {
	Key         string
	Profession  string
	Category    string
	Expertise   string
	Role        string
	Activity    string
	Sector      string
	Mode        string
	Structure   string
	StructureID string
}

// situations lists every activity of every exercice; an exercice without
// activity is a situation too. Reading only the first exercice is the classic
// mistake: it denies the second employer.
func (u *userInfo) situations() []situation {
	var all []situation
	for _, e := range u.SubjectRefPro.Exercices {
		activities := e.Activities
		if len(activities) == 0 {
			activities = []activity{{}}
		}
		for _, a := range activities {
			s := situation{
				Profession: e.CodeProfession, Category: e.CodeCategorieProfessionnelle, Expertise: e.CodeSavoirFaire,
				Role: a.CodeRole, Activity: a.CodeGenreActivite, Sector: a.CodeSecteurDactivite, Mode: a.CodeModeExercice,
				Structure: a.RaisonSocialeSite, StructureID: a.IdentifiantTechniqueDeLaStructure,
			}
			s.Key = s.key()
			all = append(all, s)
		}
	}
	return all
}

// key names a situation by its content, so that a choice survives a refresh in
// which another situation appeared before it.
func (s situation) key() string {
	parts := []string{s.Profession, s.Category, s.Expertise, s.Role, s.Activity, s.Sector, s.Mode, s.StructureID, s.Structure}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// fact is what the policy needs of a situation.
func (s *situation) fact() *policy.Situation {
	if s == nil {
		return nil
	}
	return &policy.Situation{Profession: s.Profession, Category: s.Category, Activity: s.Activity}
}
