package sandbox

import (
	"github.com/egide-id/egide/internal/identity/rpps"
)

// Invented structures: department 99, SIRET starting 000 (rpps-import.md 7).
var (
	home = rpps.Structure{
		FINESSSite: "990000101", FINESSLegal: "990000010", TechnicalID: "F990000101", FormerID: "1990000101", Name: "FOYER FICTIF",
		Address: rpps.Address{Number: "5", StreetType: "R", Street: "DES ESSAIS", PostalCode: "99011", Country: "99000"},
	}
	residence = rpps.Structure{
		SIRET: "00099900000011", SIREN: "000999000",
		FINESSSite: "990000119", FINESSLegal: "990000010", TechnicalID: "F990000119", FormerID: "1990000119", Name: "RESIDENCE FICTIVE",
		Address: rpps.Address{Number: "7", StreetType: "R", Street: "DES ESSAIS", PostalCode: "99013", Country: "99000"},
	}
	dac = rpps.Structure{
		FINESSSite: "990000127", FINESSLegal: "990000028", TechnicalID: "F990000127", FormerID: "1990000127", Name: "DAC FICTIF",
		Address: rpps.Address{Number: "1", StreetType: "PL", Street: "DU PARCOURS", PostalCode: "99001", Country: "99000"},
	}
	hospital = rpps.Structure{
		FINESSSite: "990000200", FINESSLegal: "990000028", TechnicalID: "F990000200", FormerID: "1990000200", Name: "HOPITAL FICTIF",
		Address: rpps.Address{Number: "10", StreetType: "R", Street: "DES TESTS", PostalCode: "99009", Country: "99000"},
	}
	editor = rpps.Structure{
		SIRET: "00099900000029", SIREN: "000999000", TechnicalID: "C00099900000029", FormerID: "300099900000029", Name: "LOGICIELS INVENTES",
		Address: rpps.Address{Number: "3", StreetType: "R", Street: "DES TESTS", PostalCode: "99002", Country: "99000"},
	}
)

// cabinet is a practice without FINESS: technical id R + rank (rpps-import.md 3).
func cabinet(id string) rpps.Structure {
	number := id[1:]
	return rpps.Structure{
		TechnicalID: "R" + number, FormerID: "4" + number + "001", Name: "CABINET FICTIF",
		Address: rpps.Address{Recipient: "CABINET FICTIF", Number: "1", StreetType: "R", Street: "DES ESSAIS", Cedex: "99009 VILLE FICTIVE", PostalCode: "99009", Country: "99000"},
	}
}

func liberal(id, sector string) rpps.WorkSituation {
	return rpps.WorkSituation{Mode: "L", Sector: sector, Genre: "GENR01", Structure: cabinet(id), Authority: "CNOM/CNOM/CNOM"}
}

func at(s rpps.Structure, roleCode, genre, sector string) rpps.WorkSituation {
	return rpps.WorkSituation{Mode: "S", Sector: sector, Role: roleCode, Genre: genre, Structure: s, Authority: "ARS/ARS/ARS"}
}

func practitioner(id, civility, given, family, profession, category, title, expertise string, work ...rpps.WorkSituation) rpps.Professional {
	national := rpps.MustNationalID(id)
	practice := rpps.Practice{
		Profession: profession, Category: category, Civility: title, Name: family, GivenName: given, WorkSituations: work,
	}
	if expertise != "" {
		practice.Expertises = []rpps.Expertise{{Type: "S", Code: expertise}}
	}
	return rpps.Professional{
		ID: national, Civility: civility, FamilyName: family, GivenNames: []string{given},
		Practices: []rpps.Practice{practice},
	}
}

func doctor(id, civility, given, family, expertise string) rpps.Professional {
	return practitioner(id, civility, given, family, "10", "C", "DR", expertise, liberal(id, "SA07"))
}

func role(id, civility, given, family string, work ...rpps.WorkSituation) rpps.Professional {
	return practitioner(id, civility, given, family, "99", "C", "", "", work...)
}

func nurse() rpps.Professional {
	const id = "899700991047"
	salaried := at(residence, "", "GENR01", "SA17")
	return practitioner(id, "M", "BASILE", "DOUBLE", "60", "C", "", "", salaried, liberal(id, "SA07"))
}

func intern() rpps.Professional {
	const id = "899700991062"
	return practitioner(id, "MME", "JEANNE", "INTERNAT", "10", "E", "", "", at(hospital, "", "GENR01", "SA01"))
}
