package directory

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// WriteRestricted writes persons as the restricted extract that feeds PSC
// (rpps-import.md 2.4): what Import reads back gives the same persons. It
// serves the sandbox and tests. Errors: fault.Invalid when a value holds a
// separator.
func WriteRestricted(w io.Writer, persons []rpps.Professional) error {
	out := bufio.NewWriter(w)
	line := appendHeader(nil, restrictedColumns())
	if _, err := out.Write(line); err != nil {
		return writeFailed(err)
	}
	for i := range persons {
		err := eachRowOf(&persons[i], func(row *cells) error {
			if err := checkCells(row); err != nil {
				return err
			}
			line = appendRestricted(line[:0], row)
			_, err := out.Write(line)
			return err
		})
		if err != nil {
			return writeFailed(err)
		}
	}
	return writeFailed(out.Flush())
}

// WriteAlternativeIDs writes the identifiers of persons beyond their main one,
// and which records are closed, in our own format (see identifiers.go).
func WriteAlternativeIDs(w io.Writer, persons []rpps.Professional) error {
	out := bufio.NewWriter(w)
	lines := []string{identifierHeader}
	for i := range persons {
		p := &persons[i]
		for _, id := range p.OtherIDs {
			if id.Value != p.ID.String() {
				lines = append(lines, strings.Join([]string{p.ID.String(), id.Value, id.Origin, strconv.Itoa(id.Quality), stateActive}, ";"))
			}
		}
		if p.Closed {
			lines = append(lines, p.ID.String()+";;;;"+stateEnded)
		}
	}
	for _, line := range lines {
		if strings.Count(line, ";") != identifierCells-1 || strings.ContainsAny(line, "\r\n") {
			return fault.New(fault.Invalid, "", "an identifier holds a separator")
		}
		if _, err := out.WriteString(line + "\n"); err != nil {
			return writeFailed(err)
		}
	}
	return writeFailed(out.Flush())
}

func writeFailed(err error) error {
	if err == nil || fault.Is(err, fault.Invalid) {
		return err
	}
	return fault.Wrap(fault.Unavailable, "", "register file cannot be written", err)
}

func checkCells(row *cells) error {
	for _, c := range row {
		if strings.ContainsAny(c, "|\r\n") {
			return fault.New(fault.Invalid, "", "a value holds a separator of the extract")
		}
	}
	return nil
}

// eachRowOf gives the rows of a person: one per practice, savoir-faire and
// situation, as the register does. The row is reused.
func eachRowOf(p *rpps.Professional, fn func(row *cells) error) error {
	var row cells
	setPerson(&row, p)
	for i := range p.Practices {
		x := &p.Practices[i]
		row[colProfession], row[colCategory] = x.Profession, x.Category
		row[colPracticeCivility], row[colPracticeName], row[colPracticeGivenName] = x.Civility, x.Name, x.GivenName
		for e := range max(1, len(x.Expertises)) {
			row[colExpertiseType], row[colExpertise] = "", ""
			if e < len(x.Expertises) {
				row[colExpertiseType], row[colExpertise] = x.Expertises[e].Type, x.Expertises[e].Code
			}
			for w := range max(1, len(x.WorkSituations)) {
				var situation rpps.WorkSituation
				if w < len(x.WorkSituations) {
					situation = x.WorkSituations[w]
				}
				setSituation(&row, &situation)
				if err := fn(&row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func setPerson(row *cells, p *rpps.Professional) {
	id := p.ID.String()
	row[colNationalID] = id
	if t := p.ID.Type(); t != rpps.PSI && t != rpps.EDIT && id != "" {
		row[colIDType], row[colIDNumber] = id[:1], id[1:]
	} else {
		row[colIDNumber] = id
	}
	row[colFamilyName], row[colGivenNames] = p.FamilyName, joinGivenNames(p.GivenNames)
	row[colBirthDate], row[colBirthCommune], row[colBirthCountry] = p.Birth.Date, p.Birth.CommuneCode, p.Birth.CountryCode
	row[colBirthPlace], row[colSex] = p.Birth.Place, p.Birth.SexCode
	row[colPersonPhone], row[colPersonMail], row[colCivility] = p.Contact.Phone, p.Contact.Mail, p.Civility
}

// joinGivenNames writes three places separated by "'", most of them empty.
func joinGivenNames(names []string) string {
	var places [3]string
	copy(places[:], names)
	return strings.Join(places[:], "'")
}

func setSituation(row *cells, w *rpps.WorkSituation) {
	s, a := &w.Structure, &w.Structure.Address
	row[colMode], row[colSector], row[colPharmacistSection], row[colRole], row[colGenre] = w.Mode, w.Sector, w.PharmacistSection, w.Role, w.Genre
	row[colSiret], row[colSiren], row[colFinessSite], row[colFinessLegal] = s.SIRET, s.SIREN, s.FINESSSite, s.FINESSLegal
	row[colTechnicalID], row[colFormerID], row[colStructureName], row[colTradeName] = s.TechnicalID, s.FormerID, s.Name, s.TradeName
	row[colRecipient], row[colGeoPoint], row[colStreetNumber], row[colRepeatIndex] = a.Recipient, a.GeoPoint, a.Number, a.RepeatIndex
	row[colStreetType], row[colStreet], row[colDistribution], row[colCedex] = a.StreetType, a.Street, a.Distribution, a.Cedex
	row[colPostalCode], row[colCommune], row[colCountry] = a.PostalCode, a.Commune, a.Country
	row[colPhone], row[colPhone2], row[colFax], row[colMail] = s.Phone, s.Phone2, s.Fax, s.Mail
	row[colDepartment], row[colAuthority] = s.Department, w.Authority
}

func appendHeader(dst []byte, columns []named) []byte {
	for _, c := range columns {
		dst = append(append(dst, c.header...), '|')
	}
	return append(dst, '\n')
}

func appendRestricted(dst []byte, row *cells) []byte {
	for _, c := range row {
		dst = append(append(dst, c...), '|')
	}
	return append(dst, '\n')
}
