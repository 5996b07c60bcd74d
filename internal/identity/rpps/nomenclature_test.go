package rpps

import "testing"

func TestLabelsAreKeyedBySystem(t *testing.T) {
	cases := []struct {
		system System
		code   string
		label  string
	}{
		{SystemProfession, "10", "Médecin"}, {SystemTrainee, "10", "Médecin en formation"}, {SystemMode, "L", "Libéral, indépendant, artisan, commerçant"},
		{SystemCareRole, "326", "Educateur spécialisé"}, {SystemExpertise, "SM26", "Qualifié en Médecine générale (SM)"},
		{SystemEstablishment, "500", "Etablissement d'hébergement pour personnes âgées dépendantes"}, {SystemSector, "SA07", "Cabinet individuel"},
		{SystemProfession, "unknown", "unknown"}, {"1.2.3", "10", "10"},
	}
	for _, c := range cases {
		if got := Label(c.system, c.code); got != c.label {
			t.Errorf("%s %s: %q", c.system, c.code, got)
		}
	}
}

// Old cards, tokens and exports still carry withdrawn codes: they are known,
// and known to be withdrawn.
func TestDeprecatedCodesAreReadAndMarked(t *testing.T) {
	for _, code := range []string{"35", "36", "37", "38", "39"} {
		if c, ok := Find(SystemProfession, code); !ok || !c.Deprecated || c.End != "2024-12-13" {
			t.Errorf("%s: %+v, %v", code, c, ok)
		}
	}
	if c, ok := Find(SystemProfession, "10"); !ok || c.Deprecated {
		t.Errorf("10: %+v", c)
	}
}

func TestEverySystemIsThere(t *testing.T) {
	systems := []System{
		SystemProfession, SystemTrainee, SystemTitleUser, SystemSocialProfession, SystemOtherProfession, SystemCareRole, SystemFunction, SystemGenre,
		SystemMode, SystemPharmacistSection, SystemExpertise, SystemExpertiseType, SystemSector, SystemCategory, SystemPracticeCivility, SystemCivility,
		SystemEstablishment, SystemCardType, SystemIdentifierType, SystemAuthenticationTier,
	}
	for _, s := range systems {
		list := Concepts(s)
		if len(list) == 0 || s.Name() == string(s) {
			t.Errorf("%s is empty", s)
		}
		for _, c := range list {
			if c.Code == "" || c.Label == "" {
				t.Errorf("%s: %+v", s.Name(), c)
			}
		}
	}
	total := 0
	for _, list := range nomenclature() {
		total += len(list.concepts)
	}
	if len(nomenclature()) != 26 || total != 883 {
		t.Errorf("%d systems, %d concepts", len(nomenclature()), total)
	}
}

func TestProfessionComesFromTheSystemThatHasIt(t *testing.T) {
	cases := []struct {
		value, category string
		want            System
	}{
		{"10", "C", SystemProfession}, {"10", "E", SystemTrainee}, {"60", "E", SystemProfession}, {"93", "C", SystemTitleUser},
		{"41", "C", SystemSocialProfession}, {"99", "C", SystemOtherProfession}, {"35", "C", SystemProfession}, {"777", "C", SystemProfession},
	}
	for _, c := range cases {
		if got := ProfessionCode(c.value, c.category); got.System != c.want {
			t.Errorf("%s/%s comes from %s", c.value, c.category, got.System.Name())
		}
	}
}

func TestRolePersonIsNamedByItsRole(t *testing.T) {
	p := Practice{Profession: "99", Category: "C", WorkSituations: []WorkSituation{{}, {Role: "359"}}}
	if got := p.ProfessionLabel(); got != "Directeur d'établissement" {
		t.Errorf("%q", got)
	}
	p.WorkSituations[1].Role = "FON-01"
	if got := p.ProfessionLabel(); got != Label(SystemFunction, "FON-01") || got == "FON-01" {
		t.Errorf("%q", got)
	}
	if got := (Practice{Profession: "60", Category: "C"}).ProfessionLabel(); got != "Infirmier" {
		t.Errorf("%q", got)
	}
}
