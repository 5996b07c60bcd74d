package claims

import "github.com/egide-id/egide/internal/identity/rpps"

// Identifier is one entry of otherIds.
type Identifier struct {
	Value   string `json:"identifiant"`
	Origin  string `json:"origine"`
	Quality int    `json:"qualite"` // a number, unlike everything else
}

// RefPro is SubjectRefPro: the practices as the register has them.
type RefPro struct {
	Civility  string     `json:"codeCivilite"`
	Practices []Practice `json:"exercices"`
}

// Practice is one exercice (pro-sante-connect.md 2.2).
type Practice struct {
	Profession    string     `json:"codeProfession"`
	Category      string     `json:"codeCategorieProfessionnelle"`
	Civility      string     `json:"codeCiviliteDexercice"`
	Name          string     `json:"nomDexercice"`
	GivenName     string     `json:"prenomDexercice"`
	ExpertiseType string     `json:"codeTypeSavoirFaire"`
	Expertise     string     `json:"codeSavoirFaire"`
	Activities    []Activity `json:"activities"`
}

// Activity is one work situation: thirty keys, all always there, all strings,
// "" when unknown, in the recorded order. Spellings are the recorded ones.
type Activity struct {
	Mode              string `json:"codeModeExercice"`
	Sector            string `json:"codeSecteurDactivite"`
	PharmacistSection string `json:"codeSectionPharmacien"`
	Role              string `json:"codeRole"`
	Genre             string `json:"codeGenreActivite"`
	SIRET             string `json:"numeroSiretSite"`
	SIREN             string `json:"numeroSirenSite"`
	FINESSSite        string `json:"numeroFinessSite"`
	FINESSLegal       string `json:"numeroFinessetablissementJuridique"`
	TechnicalID       string `json:"identifiantTechniqueDeLaStructure"`
	StructureName     string `json:"raisonSocialeSite"`
	TradeName         string `json:"enseigneCommercialeSite"`
	Recipient         string `json:"complementDestinataire"`
	GeoPoint          string `json:"complementPointGeographique"`
	Number            string `json:"numeroVoie"`
	RepeatIndex       string `json:"indiceRepetitionVoie"`
	StreetType        string `json:"codeTypeDeVoie"`
	Street            string `json:"libelleVoie"`
	Distribution      string `json:"mentionDistribution"`
	Cedex             string `json:"bureauCedex"`
	PostalCode        string `json:"codePostal"`
	Commune           string `json:"codeCommune"`
	Country           string `json:"codePays"`
	Phone             string `json:"telephone"`
	Phone2            string `json:"telephone2"`
	Fax               string `json:"telecopie"`
	Mail              string `json:"adresseEMail"`
	Department        string `json:"codeDepartement"`
	FormerID          string `json:"ancienIdentifiantDeLaStructure"`
	Authority         string `json:"autoriteDenregistrement"`
}

func refPro(p rpps.Professional) RefPro {
	r := RefPro{Civility: p.Civility, Practices: make([]Practice, len(p.Practices))}
	for i := range p.Practices {
		r.Practices[i] = practice(&p.Practices[i])
	}
	return r
}

func practice(p *rpps.Practice) Practice {
	e := mainExpertise(p.Expertises)
	d := Practice{
		Profession: p.Profession, Category: p.Category, Civility: p.Civility, Name: p.Name, GivenName: p.GivenName,
		ExpertiseType: e.Type, Expertise: e.Code, Activities: make([]Activity, len(p.WorkSituations)),
	}
	for i := range p.WorkSituations {
		d.Activities[i] = activity(&p.WorkSituations[i])
	}
	return d
}

// mainExpertise is the one savoir-faire that an exercice has room for: the
// first ordinal specialty (type S), which is what services decide by, else the
// first of the register. Repeating the exercice for each further one would show
// the same activities twice to whoever must choose among them, and clients that
// pick an exercice by profession and category (vihf) would not see it anyway.
func mainExpertise(all []rpps.Expertise) rpps.Expertise {
	for _, e := range all {
		if e.Type == "S" {
			return e
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return rpps.Expertise{}
}

func activity(w *rpps.WorkSituation) Activity {
	s, a := &w.Structure, &w.Structure.Address
	return Activity{
		Mode: w.Mode, Sector: w.Sector, PharmacistSection: w.PharmacistSection, Role: w.Role, Genre: w.Genre,
		SIRET: s.SIRET, SIREN: s.SIREN, FINESSSite: s.FINESSSite, FINESSLegal: s.FINESSLegal,
		TechnicalID: s.TechnicalID, StructureName: s.Name, TradeName: s.TradeName,
		Recipient: a.Recipient, GeoPoint: a.GeoPoint, Number: a.Number, RepeatIndex: a.RepeatIndex,
		StreetType: a.StreetType, Street: a.Street, Distribution: a.Distribution, Cedex: a.Cedex,
		PostalCode: a.PostalCode, Commune: a.Commune, Country: a.Country,
		Phone: s.Phone, Phone2: s.Phone2, Fax: s.Fax, Mail: s.Mail, Department: s.Department,
		FormerID: s.FormerID, Authority: w.Authority,
	}
}

// otherIDs lists every known identifier, the main one first.
func otherIDs(p rpps.Professional) []Identifier {
	ids := make([]Identifier, 0, len(p.OtherIDs)+1)
	for _, id := range p.OtherIDs {
		ids = append(ids, Identifier(id))
	}
	if len(ids) == 0 && !p.ID.IsZero() {
		ids = append(ids, Identifier{Value: p.ID.String(), Origin: p.ID.Origin(), Quality: 1})
	}
	return ids
}
