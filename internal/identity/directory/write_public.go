package directory

import "github.com/egide-id/egide/internal/identity/rpps"

// publicWriter writes rows as the public extract, labels included.
type publicWriter struct {
	columns []publicColumn
}

type publicColumn struct {
	cell    column
	labelOf column // the code this label column explains; colIgnored for none
}

func newPublicWriter() *publicWriter {
	w := &publicWriter{}
	last := colIgnored
	for _, c := range publicColumns() {
		p := publicColumn{cell: c.column, labelOf: colIgnored}
		if c.column == colIgnored { // a label follows its code
			p.labelOf = last
		}
		last = c.column
		w.columns = append(w.columns, p)
	}
	return w
}

func (w *publicWriter) append(dst []byte, row *cells, labels bool) []byte {
	for _, c := range w.columns {
		switch {
		case c.cell >= 0:
			dst = append(dst, row[c.cell]...)
		case labels && c.labelOf >= 0:
			dst = append(dst, label(c.labelOf, row[c.labelOf], row[colCategory])...)
		}
		dst = append(dst, '|')
	}
	return append(dst, '\n')
}

// label explains a code; places have no label in our lists.
func label(c column, code, category string) string {
	if code == "" {
		return ""
	}
	switch c {
	case colProfession:
		return rpps.ProfessionCode(code, category).Label()
	case colRole:
		return rpps.RoleCode(code).Label()
	case colStreetType, colCommune, colCountry, colDepartment:
		return placeLabel(c)
	}
	if systems := nomenclatureOf(c); len(systems) == 1 {
		return rpps.Label(systems[0], code)
	}
	return ""
}

// placeLabel names invented places, as long as real ones are.
func placeLabel(c column) string {
	switch c {
	case colStreetType:
		return "Rue"
	case colCommune:
		return "Ville Inventée"
	case colCountry:
		return "FRANCE"
	}
	return "Département inventé"
}
