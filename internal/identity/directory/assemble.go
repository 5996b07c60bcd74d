package directory

import (
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// assemble makes a person of what the sources say:
//
//   - practices and situations: the more recent of the two extracts (primary);
//   - civil names, birth, contact: the restricted extract, which alone has them;
//   - savoir-faire: the extract's rows, then what the SavoirFaire file adds;
//   - other identifiers: the identifiers file.
func assemble(id rpps.NationalID, r *record, info Info) (*rpps.Professional, error) {
	p := &rpps.Professional{ID: id}
	if r.firstSeen != 0 {
		p.FirstSeen = time.Unix(r.firstSeen, 0).UTC()
	}
	var err error
	if p.Closed, err = r.isClosed(info); err != nil {
		return nil, err
	}
	if err := addPractices(p, r.primary(info)); err != nil {
		return nil, err
	}
	if b := r.block(sourceRestricted); b != nil {
		if err := addCivilStatus(p, b); err != nil {
			return nil, err
		}
	}
	if b := r.block(sourceExpertise); b != nil && !b.closed() {
		if err := addExpertises(p, b); err != nil {
			return nil, err
		}
	}
	return p, addIdentifiers(p, r.block(sourceIdentifiers))
}

// addPractices groups rows into practices. A person with n activities and m
// savoir-faire has n times m rows: both are taken once (rpps-import.md 2).
func addPractices(p *rpps.Professional, b *block) error {
	return eachRow(string(b.payload), func(row *cells) error {
		if p.Civility == "" {
			p.Civility = row[colCivility]
		}
		practice := practiceOf(p, row)
		addExpertise(practice, row)
		// A row without structure is an exercice without activity.
		if row[colTechnicalID] == "" {
			return nil
		}
		if w := situationOf(row); !slices.Contains(practice.WorkSituations, w) {
			practice.WorkSituations = append(practice.WorkSituations, w)
		}
		return nil
	})
}

func practiceOf(p *rpps.Professional, row *cells) *rpps.Practice {
	for i := range p.Practices {
		x := &p.Practices[i]
		if x.Profession == row[colProfession] && x.Category == row[colCategory] && x.Civility == row[colPracticeCivility] &&
			x.Name == row[colPracticeName] && x.GivenName == row[colPracticeGivenName] {
			return x
		}
	}
	p.Practices = append(p.Practices, rpps.Practice{
		Profession: row[colProfession], Category: row[colCategory], Civility: row[colPracticeCivility],
		Name: row[colPracticeName], GivenName: row[colPracticeGivenName],
	})
	return &p.Practices[len(p.Practices)-1]
}

func addExpertise(practice *rpps.Practice, row *cells) {
	e := rpps.Expertise{Type: row[colExpertiseType], Code: row[colExpertise]}
	if e != (rpps.Expertise{}) && !slices.Contains(practice.Expertises, e) {
		practice.Expertises = append(practice.Expertises, e)
	}
}

func situationOf(row *cells) rpps.WorkSituation {
	return rpps.WorkSituation{
		Mode: row[colMode], Sector: row[colSector], PharmacistSection: row[colPharmacistSection],
		Role: row[colRole], Genre: row[colGenre], Authority: row[colAuthority],
		Structure: rpps.Structure{
			SIRET: row[colSiret], SIREN: row[colSiren], FINESSSite: row[colFinessSite], FINESSLegal: row[colFinessLegal],
			TechnicalID: row[colTechnicalID], FormerID: row[colFormerID], Name: row[colStructureName], TradeName: row[colTradeName],
			Phone: row[colPhone], Phone2: row[colPhone2], Fax: row[colFax], Mail: row[colMail], Department: row[colDepartment],
			Address: rpps.Address{
				Recipient: row[colRecipient], GeoPoint: row[colGeoPoint], Number: row[colStreetNumber], RepeatIndex: row[colRepeatIndex],
				StreetType: row[colStreetType], Street: row[colStreet], Distribution: row[colDistribution], Cedex: row[colCedex],
				PostalCode: row[colPostalCode], Commune: row[colCommune], Country: row[colCountry],
			},
		},
	}
}

// addCivilStatus takes what only the restricted extract knows, from the
// person's first row.
func addCivilStatus(p *rpps.Professional, b *block) error {
	var row cells
	if _, err := nextRow(string(b.payload), &row); err != nil {
		return err
	}
	p.Civility, p.FamilyName, p.GivenNames = row[colCivility], row[colFamilyName], givenNames(row[colGivenNames])
	p.Birth = rpps.Birth{
		Date: row[colBirthDate], CommuneCode: row[colBirthCommune], CountryCode: row[colBirthCountry],
		Place: row[colBirthPlace], SexCode: row[colSex],
	}
	p.Contact = rpps.Contact{Mail: row[colPersonMail], Phone: row[colPersonPhone]}
	return nil
}

// givenNames splits up to three names at "'": `BERNADETTE”` is one
// (rpps-import.md 2.4).
func givenNames(cell string) []string {
	var names []string
	for name := range strings.SplitSeq(cell, "'") {
		if name = trim(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// addExpertises adds the SavoirFaire file's rows to the practice they name.
func addExpertises(p *rpps.Professional, b *block) error {
	return eachRow(string(b.payload), func(row *cells) error {
		for i := range p.Practices {
			x := &p.Practices[i]
			if x.Profession == row[colProfession] && x.Category == row[colCategory] {
				addExpertise(x, row)
			}
		}
		return nil
	})
}

// addIdentifiers lists every known identifier, the main one first
// (pro-sante-connect.md 2.1, otherIds).
func addIdentifiers(p *rpps.Professional, b *block) error {
	p.OtherIDs = []rpps.Identifier{{Value: p.ID.String(), Origin: p.ID.Origin(), Quality: 1}}
	if b == nil {
		return nil
	}
	return eachAlternative(string(b.payload), func(a alternative) {
		if a.value == "" || a.ended {
			return
		}
		p.OtherIDs = append(p.OtherIDs, rpps.Identifier{Value: a.value, Origin: a.origin, Quality: a.quality})
		if a.origin == rpps.PSI.String() {
			p.PSI = a.value
		}
	})
}
