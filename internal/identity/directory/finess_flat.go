package directory

import "strings"

// flatParser reads the old flat files of FINESS, ";" separated: establishments
// (cs1100502, 32 cells), their geolocated copy (cs1100507, which repeats them
// before the coordinates) and legal entities (cs1100501, 23 cells),
// rpps-import.md 5.1.
type flatParser struct {
	scratch []byte
}

const (
	siteCells  = 32
	legalCells = 23
)

func (p *flatParser) line(text string, _ bool, out *batch) {
	cells := strings.Split(text, ";")
	for i := range cells {
		cells[i] = trim(strings.Trim(cells[i], `"`))
	}
	var e Entity
	switch {
	case cells[0] == "finess":
		return // a second volume's comment line
	case cells[0] == "geolocalisation":
		out.facts.skip(cells[0])
		return
	case cells[0] == "structureet" && len(cells) == siteCells:
		e = siteOf(cells)
	case cells[0] == "structureej" && len(cells) == legalCells:
		e = legalOf(cells)
	case cells[0] == "structureet", cells[0] == "structureej":
		out.facts.rows++
		out.facts.badLine("wrong number of cells")
		return
	default:
		out.facts.rows++
		out.facts.badLine("unknown kind of record")
		return
	}
	out.facts.rows++
	if !validFINESS(e.ID) {
		out.facts.badLine("malformed FINESS number")
		return
	}
	p.scratch = appendEntity(p.scratch[:0], &e)
	out.add(e.source(), e.ID, p.scratch)
}

func (p *flatParser) flush(*batch) {}

func siteOf(c []string) Entity {
	return Entity{
		ID: c[1], Parent: c[2], Name: c[3], LongName: c[4], Category: c[18], Number: c[22], Phone: c[16], Opened: c[28],
		Address: EntityAddress{
			Number: c[7], StreetType: c[8], Street: c[9], Complement: c[6],
			PostalCode: postalCode(c[15]), Commune: c[13] + c[12], Department: c[13], Line: c[15],
		},
	}
}

func legalOf(c []string) Entity {
	return Entity{
		ID: c[1], Legal: true, Name: c[2], LongName: c[3], Number: c[20], Phone: c[15], Opened: c[22],
		Address: EntityAddress{
			Number: c[5], StreetType: c[6], Street: c[7], Complement: c[9],
			PostalCode: postalCode(c[12]), Commune: c[13] + c[11], Department: c[13], Line: c[12],
		},
	}
}

// postalCode takes the code off a delivery line, "01440 VIRIAT".
func postalCode(line string) string {
	code, _, _ := strings.Cut(line, " ")
	const length = 5
	if len(code) != length {
		return ""
	}
	return code
}
