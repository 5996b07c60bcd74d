package directory

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/platform/fault"
)

// kind is a recognised file format.
type kind string

// The formats this package reads.
const (
	kindPublic      kind = "annuaire-public"
	kindRestricted  kind = "annuaire-restreint"
	kindExpertise   kind = "savoir-faire"
	kindIdentifiers kind = "identifiants"
	kindFlatFINESS  kind = "finess-plat"
	kindJSONFINESS  kind = "finess-json"
)

// layout says how to read one file.
type layout struct {
	kind      kind
	source    source // of an extract
	separator byte
	columns   []column // by position in the file
	headers   []string // as the file spells them
	trailing  bool     // the header ends with a separator
	hasHeader bool
	renamed   []int // positions read by their place, under another name
	latin1    bool
}

// identifierHeader opens a file of alternative identifiers, our own format:
// see identifiers.go.
const identifierHeader = "Identification nationale PP;Identifiant;Origine;Qualité;État"

// recognise tells the format from the first line.
// Errors: fault.Invalid, which leaves the register in service untouched.
func recognise(first string, latin1 bool) (layout, error) {
	first = strings.TrimSuffix(first, "\r")
	l := layout{latin1: latin1, hasHeader: true, separator: ';'}
	switch {
	case strings.HasPrefix(strings.TrimLeft(first, " \t"), "{"):
		l.kind, l.hasHeader = kindJSONFINESS, false
		return l, nil
	case strings.HasPrefix(first, "finess;"):
		l.kind = kindFlatFINESS
		return l, nil
	case strings.HasPrefix(first, "structureet;"), strings.HasPrefix(first, "structureej;"):
		l.kind, l.hasHeader = kindFlatFINESS, false
		return l, nil
	case sameHeader(first, identifierHeader):
		l.kind, l.source = kindIdentifiers, sourceIdentifiers
		return l, nil
	case strings.Count(first, "|") > 2:
		l.separator = '|'
		return l, l.mapColumns(first)
	}
	return l, fault.New(fault.Invalid, "", "the file is of no known format: its first line is neither a header of the Annuaire Santé, nor FINESS, nor a list of identifiers")
}

// mapColumns maps an extract by its header names and checks that the known
// first columns are in order (rpps-import.md 2).
func (l *layout) mapColumns(first string) error {
	l.headers = strings.Split(first, "|")
	if n := len(l.headers); l.headers[n-1] == "" {
		l.headers, l.trailing = l.headers[:n-1], true
	}
	known, oldest, err := l.chooseExtract()
	if err != nil {
		return err
	}
	byName := make(map[string]column, len(known))
	for _, k := range known {
		byName[normalHeader(k.header)] = k.column
	}
	seen := map[string]bool{}
	for i, h := range l.headers {
		name := normalHeader(h)
		c, ok := byName[name]
		switch {
		case !ok && l.positional(i):
			c = known[i].column
			l.renamed = append(l.renamed, i)
		case i < oldest && name != normalHeader(known[i].header):
			return fault.New(fault.Invalid, "", fmt.Sprintf("the header has changed: column %d is not %q", i+1, known[i].header))
		case !ok:
			c = colUnknown
		case seen[name]:
			return fault.New(fault.Invalid, "", fmt.Sprintf("the header holds column %d twice", i+1))
		}
		seen[name] = true
		l.columns = append(l.columns, c)
	}
	if len(l.headers) < oldest {
		return fault.New(fault.Invalid, "", fmt.Sprintf("the header has %d columns where at least %d are known", len(l.headers), oldest))
	}
	return nil
}

// positional tells whether a column may be known by its place alone. The
// restricted extract is published as 50 positions (rpps-import.md 2.4): a name
// we do not know is reported and read in its place; a known name in another
// place is a changed header.
func (l *layout) positional(i int) bool {
	return l.kind == kindRestricted && len(l.headers) == int(columnCount) && i > int(colNationalID)
}

// chooseExtract tells the three extracts apart by their fourth column.
func (l *layout) chooseExtract() (known []named, oldest int, err error) {
	const telling = 3
	if len(l.headers) > telling {
		switch normalHeader(l.headers[telling]) {
		case normalHeader("Code civilité d'exercice"):
			l.kind, l.source = kindPublic, sourcePublic
			return publicColumns(), publicOldest, nil
		case normalHeader("Nom de famille"):
			l.kind, l.source = kindRestricted, sourceRestricted
			return restrictedColumns(), int(colGenre), nil // genre came last, in 2022
		case normalHeader("Nom d'exercice"):
			l.kind, l.source = kindExpertise, sourceExpertise
			known = expertiseColumns()
			return known, len(known), nil
		}
	}
	if len(l.headers) == int(columnCount) && normalHeader(l.headers[colNationalID]) == normalHeader("Identification nationale PP") {
		l.kind, l.source = kindRestricted, sourceRestricted
		return restrictedColumns(), int(colGenre), nil
	}
	return nil, 0, fault.New(fault.Invalid, "", "the header is of no known extract of the Annuaire Santé")
}

// normalHeader forgives case, spaces and typographic apostrophes.
func normalHeader(h string) string {
	h = strings.ReplaceAll(h, "\u2019", "'")
	return strings.ToLower(strings.Join(strings.Fields(h), " "))
}

func sameHeader(a, b string) bool { return normalHeader(a) == normalHeader(b) }

// decodeText gives the text of raw bytes: as they are, or from ISO-8859-1,
// whose bytes are the first code points of Unicode.
func decodeText(raw []byte, latin1 bool) string {
	if !latin1 {
		return string(raw)
	}
	var b strings.Builder
	b.Grow(len(raw) + len(raw)/16)
	for _, c := range raw {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// isLatin1 tells the encoding: valid UTF-8 is UTF-8, anything else ISO-8859-1.
func isLatin1(sample []byte) bool { return !utf8.Valid(sample) }
