package directory

import (
	"math/rand/v2"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// lists are what the inventor draws from, made once.
type lists struct {
	women, men         []string
	head, middle, tail []string // syllables of invented surnames
	streets            []string
	professions        []weighted
	roles              []careRole
	sites              []siteKind
	doctors, dentists  []string // savoir-faire
	others             []string
}

// newLists follows rough public orders of magnitude for professions, in
// thousandths (rpps-import.md 7).
func newLists() *lists {
	return &lists{
		women: []string{"CAMILLE", "MARIE", "NATHALIE", "ISABELLE", "SYLVIE", "CATHERINE", "SANDRINE", "VALERIE", "STEPHANIE", "CELINE", "JULIE", "AURELIE",
			"EMILIE", "LAURA", "LEA", "MANON", "CHLOE", "SARAH", "PAULINE", "ANAIS", "CLAIRE", "ALICE", "JEANNE", "LOUISE", "AGNES", "SOLENE", "NOEMIE", "INES"},
		men: []string{"JEAN", "PHILIPPE", "MICHEL", "PATRICK", "NICOLAS", "CHRISTOPHE", "LAURENT", "DAVID", "THOMAS", "JULIEN", "PIERRE", "ANTOINE",
			"LUCAS", "HUGO", "NOE", "PAUL", "MATHIEU", "OLIVIER", "YANN", "KARIM", "MEHDI", "SIMON", "BASILE", "GASPARD"},
		head:    []string{"BRE", "COR", "DAL", "FEN", "GAR", "HER", "JOU", "KER", "LAM", "MAR", "NOR", "PEL", "QUE", "ROU", "SAV", "TRE", "VAU", "ZEL"},
		middle:  []string{"BA", "CHE", "DI", "FOU", "GO", "LI", "MO", "NE", "PA", "RI", "SO", "TU", "VA", "XE"},
		tail:    []string{"DIER", "FANT", "GNOL", "LARD", "MIN", "NOT", "QUET", "RANT", "SSEL", "TIN", "VEAU", "ZIC"},
		streets: []string{"DES ESSAIS", "DES TESTS", "DE LA FICTION", "DU SPECIMEN", "DE L'EXEMPLE", "DU BANC D'ESSAI", "DES MODELES", "DE L'INVENTION"},
		professions: []weighted{
			{"60", 380}, {"99", 150}, {"10", 140}, {"70", 60}, {"21", 50}, {"93", 50}, {"40", 30}, {"91", 20}, {"50", 15},
			{"98", 20}, {"80", 12}, {"94", 12}, {"95", 10}, {"86", 10}, {"26", 5}, {"28", 20}, {"92", 3}, {"41", 10}, {"71", 3},
		},
		roles: []careRole{
			{"313", "GENR11"}, {"313", "GENR11"}, {"326", "GENR10"}, {"324", "GENR10"}, {"331", "GENR13"}, {"332", "GENR13"},
			{"330", "GENR08"}, {"353", "GENR11"}, {"359", "GENR12"}, {"312", "GENR09"},
		},
		sites: []siteKind{
			{"500", "SA17", "EHPAD"}, {"500", "SA17", "RESIDENCE"}, {"355", "SA01", "CENTRE HOSPITALIER"}, {"202", "SA17", "RESIDENCE AUTONOMIE"},
			{"354", "SA17", "SSIAD"}, {"182", "SA16", "SESSAD"}, {"255", "SA16", "MAS"}, {"246", "SA16", "ESAT"}, {"606", "SA43", "DAC"},
		},
		doctors:  []string{"SM26", "SM54", "SM53", "SM02", "SM04", "SM05", "SM15", "SM20", "SM42"},
		dentists: []string{"SCD01", "SCD02"},
		others:   []string{"CAPA04", "CEX22"},
	}
}

// careRole is an RPPS+ role (TRE_R85) with the kind of activity (TRE_R22) it
// goes with.
type careRole struct{ role, genre string }

// siteKind is a category of establishment (TRE_R66) with its sector (TRE_R02).
type siteKind struct{ category, sector, name string }

func (l *lists) specialties(profession string) []string {
	switch profession {
	case "10":
		return l.doctors
	case "40":
		return l.dentists
	}
	return l.others
}

// surname puts invented syllables together: nobody's name, but names of the
// right length and shape.
func (v inventor) surname(dice *rand.Rand, odd oddity) string {
	head, middle, tail := v.lists.head, v.lists.middle, v.lists.tail
	name := oneOf(dice, head) + oneOf(dice, middle) + oneOf(dice, tail)
	switch odd {
	case oddName:
		return "D'" + name + "-" + oneOf(dice, head) + oneOf(dice, tail)
	case oddAccents:
		return strings.NewReplacer("E", "É", "O", "Ô", "U", "Ü", "I", "Ï").Replace(name) + "Ç"
	case oddLongName:
		const long = 60
		for len(name) < long {
			name += " " + oneOf(dice, head) + oneOf(dice, middle) + oneOf(dice, tail)
		}
		return strings.TrimSpace(name[:long-1]) + "X"
	}
	return name
}

func (v inventor) birth(dice *rand.Rand) rpps.Birth {
	return rpps.Birth{
		Date:        pad(1+dice.IntN(28), 2) + "/" + pad(1+dice.IntN(12), 2) + "/" + pad(1955+dice.IntN(45), 4),
		CommuneCode: "99" + pad(1+dice.IntN(300), 3), CountryCode: "99000", Place: "VILLE INVENTEE",
	}
}
