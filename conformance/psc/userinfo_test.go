package psc

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

// Orders as recorded in 2023 (section 2.1, 2.2); PSISubjectNameID came in 2026.
var (
	topKeys = []string{
		"Secteur_Activite", "sub", "SubjectOrganization", "Mode_Acces_Raison", "preferred_username", "given_name",
		"Acces_Regulation_Medicale", "UITVersion", "authMode", "Palier_Authentification", "SubjectRefPro", "SubjectOrganizationID",
		"SubjectRole", "PSI_Locale", "otherIds", "SubjectNameID", "PSISubjectNameID", "family_name",
	}
	practiceKeys = []string{
		"codeProfession", "codeCategorieProfessionnelle", "codeCiviliteDexercice", "nomDexercice", "prenomDexercice",
		"codeTypeSavoirFaire", "codeSavoirFaire", "activities",
	}
	activityKeys = []string{
		"codeModeExercice", "codeSecteurDactivite", "codeSectionPharmacien", "codeRole", "codeGenreActivite",
		"numeroSiretSite", "numeroSirenSite", "numeroFinessSite", "numeroFinessetablissementJuridique",
		"identifiantTechniqueDeLaStructure", "raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire",
		"complementPointGeographique", "numeroVoie", "indiceRepetitionVoie", "codeTypeDeVoie", "libelleVoie", "mentionDistribution",
		"bureauCedex", "codePostal", "codeCommune", "codePays", "telephone", "telephone2", "telecopie", "adresseEMail",
		"codeDepartement", "ancienIdentifiantDeLaStructure", "autoriteDenregistrement",
	}
)

// object is a JSON object whose order is kept.
type object struct {
	t      *testing.T
	keys   []string
	values map[string]json.RawMessage
}

func read(t *testing.T, raw json.RawMessage) object {
	t.Helper()
	o := object{t: t, values: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		t.Fatalf("not an object: %.80s", raw)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		name, _ := key.(string)
		o.keys, o.values[name] = append(o.keys, name), value
	}
	return o
}

func (o object) text(name string) (s string) {
	o.t.Helper()
	if v := o.values[name]; len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &s) != nil {
		o.t.Errorf("%s is %s, clients read a string", name, v)
	}
	return s
}

func (o object) list(name string) (l []json.RawMessage) {
	o.t.Helper()
	if v := o.values[name]; len(v) == 0 || v[0] != '[' || json.Unmarshal(v, &l) != nil {
		o.t.Errorf("%s is %s, clients read an array", name, v)
	}
	return l
}

// inOrder checks the keys; all but the named ones are strings.
func (o object) inOrder(keys []string, notText ...string) {
	o.t.Helper()
	if !slices.Equal(o.keys, keys) {
		o.t.Errorf("keys %v", o.keys)
	}
	for _, k := range keys {
		if !slices.Contains(notText, k) {
			o.text(k)
		}
	}
}

// everyone gives the UserInfo of each persona who logs in by e-CPS: doctor,
// workers characterised by a role, an employee of an establishment.
func everyone(t *testing.T, each func(t *testing.T, login string, info object)) {
	t.Helper()
	for _, p := range running.Sheet.Personas {
		if p.Behaviour != "approve-300ms" {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			s := psc(t)
			s.login = p.Login
			each(t, p.Login, read(t, s.userInfo(s.tokens().text(t, "access_token")).raw))
		})
	}
}

func TestSection21UserInfoKeysOrderAndTypes(t *testing.T) {
	everyone(t, func(t *testing.T, login string, info object) {
		info.inOrder(topKeys, "SubjectRefPro", "SubjectRole", "otherIds")
		for name, want := range map[string]string{
			"SubjectNameID": login, "preferred_username": login, "Mode_Acces_Raison": "", "Acces_Regulation_Medicale": "FAUX", "UITVersion": "1.0",
			"authMode": "MOBILE", "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1", "PSI_Locale": "1.2.250.1.213.1.3.1.1",
		} {
			if got := info.text(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if sub := info.text("sub"); !uuidForm.MatchString(sub) {
			t.Errorf("sub %q", sub)
		}
		ids := info.list("otherIds")
		for i, raw := range ids {
			id := read(t, raw)
			id.inOrder([]string{"identifiant", "origine", "qualite"}, "qualite")
			if q := string(id.values["qualite"]); q != "1" && q != "2" {
				t.Errorf("qualite %s", q)
			}
			if i == 0 && id.text("identifiant") != login {
				t.Errorf("the first identifier is %s", id.values["identifiant"])
			}
		}
		if len(ids) == 0 {
			t.Error("otherIds is empty")
		}
	})
}

func TestSection21TopLevelIsThatOfTheFirstActivity(t *testing.T) {
	everyone(t, func(t *testing.T, _ string, info object) {
		practice := read(t, read(t, info.values["SubjectRefPro"]).list("exercices")[0])
		activity := read(t, practice.list("activities")[0])
		for top, of := range map[string]string{
			"Secteur_Activite":      activity.text("codeSecteurDactivite") + "^1.2.250.1.71.4.2.4",
			"SubjectOrganization":   activity.text("raisonSocialeSite"),
			"SubjectOrganizationID": activity.text("identifiantTechniqueDeLaStructure"),
		} {
			if got := info.text(top); got != of {
				t.Errorf("%s is %q, the first activity says %q", top, got, of)
			}
		}
		roles := info.list("SubjectRole")
		want := `"` + practice.text("codeProfession") + `^1.2.250.1.213.1.1.5.5"`
		if len(roles) != 1 || string(roles[0]) != want {
			t.Errorf("SubjectRole %s, want %s alone", info.values["SubjectRole"], want)
		}
	})
}

func TestSection22ThirtyKeysAlwaysText(t *testing.T) {
	everyone(t, func(t *testing.T, _ string, info object) {
		ref := read(t, info.values["SubjectRefPro"])
		ref.inOrder([]string{"codeCivilite", "exercices"}, "exercices")
		practices := ref.list("exercices")
		if len(practices) == 0 {
			t.Fatal("no exercice")
		}
		for _, raw := range practices {
			practice := read(t, raw)
			practice.inOrder(practiceKeys, "activities")
			for _, raw := range practice.list("activities") {
				read(t, raw).inOrder(activityKeys)
			}
		}
	})
	if len(activityKeys) != 30 {
		t.Errorf("%d keys", len(activityKeys))
	}
}
