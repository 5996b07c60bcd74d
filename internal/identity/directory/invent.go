package directory

import (
	"math/rand/v2"
	"strconv"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// inventor makes the persons of an invented register. Each is a pure function
// of the seed and a rank, so that files can be made in parallel and the next
// day's file is the same world a little changed (rpps-import.md 7).
//
// Whatever it makes is recognisable as invented: RPPS numbers 998..., FINESS
// department 99, SIRET starting 000, mail under .invalid.
type inventor struct {
	seed  uint64
	sites int // establishments to work in
	lists *lists
}

// oddity is one of the irregularities of real files, about 1 in 1,000 each.
type oddity uint8

const (
	odditiesPerMille        = 13
	regular          oddity = iota
	oddEmptyLabels
	oddDeprecatedCode
	oddTwoProfessions
	oddName
	oddAccents
	oddOverseas
	oddCorsica
	oddLongName
	oddDuplicateLine
	oddCRLF
	oddADELI
	oddMLLE
)

// draft is what is drawn first for a person: enough to count his rows.
type draft struct {
	odd        oddity
	profession string
	activities int
	expertises int
}

func (d draft) rows() int {
	n := max(1, d.activities) * max(1, d.expertises)
	if d.odd == oddTwoProfessions {
		n++
	}
	if d.odd == oddDuplicateLine {
		n++
	}
	return n
}

// dice gives the random stream of one thing of one kind. It invents data and
// guards nothing.
func (v inventor) dice(kind string, rank int) *rand.Rand {
	h := v.seed
	for i := range len(kind) {
		h = h*1099511628211 + uint64(kind[i])
	}
	return rand.New(rand.NewPCG(h, uint64(rank)*0x9e3779b97f4a7c15+1)) //nolint:gosec // invented data, reproducible on purpose
}

func (v inventor) draft(dice *rand.Rand) draft {
	d := draft{odd: regular}
	if n := dice.IntN(1000); n < odditiesPerMille-1 {
		d.odd = oddEmptyLabels + oddity(n) //nolint:gosec // below 13
	}
	d.profession = pick(dice, v.lists.professions)
	switch n := dice.IntN(100); {
	case n < 25:
	case n < 80:
		d.activities = 1
	case n < 94:
		d.activities = 2
	default:
		d.activities = 3
		const most = 30
		for d.activities < most && dice.IntN(10) < 4 {
			d.activities++
		}
	}
	switch d.profession {
	case "10":
		d.expertises = 1
		if dice.IntN(10) < 3 {
			d.expertises = 2
		}
	case "40", "21":
		if dice.IntN(10) == 0 {
			d.expertises = 1
		}
	}
	return d
}

// person invents the professional of that rank.
func (v inventor) person(rank int) (rpps.Professional, draft) {
	dice := v.dice("person", rank)
	d := v.draft(dice)
	p := rpps.Professional{ID: v.id(rank, d), Civility: "MME", Birth: v.birth(dice)}
	p.Birth.SexCode = "2"
	given := oneOf(dice, v.lists.women)
	if dice.IntN(100) < 28 {
		p.Civility, p.Birth.SexCode, given = "M", "1", oneOf(dice, v.lists.men)
	}
	if d.odd == oddMLLE {
		p.Civility = "MLLE"
	}
	if dice.IntN(12) == 0 {
		given += "-" + oneOf(dice, v.lists.women)
	}
	p.GivenNames = []string{given}
	for range dice.IntN(3) {
		p.GivenNames = append(p.GivenNames, oneOf(dice, v.lists.women))
	}
	p.FamilyName = v.surname(dice, d.odd)
	number := p.ID.Number()
	p.Contact = rpps.Contact{Mail: "p" + number + "@exemple.invalid", Phone: "0199" + number[len(number)-6:]}
	v.practices(dice, &p, d, given)
	return p, d
}

// id gives the identifier of a rank: RPPS 998 + seven digits + key, in rising
// order as the register lists them. The ranges 8997... are left to personas.
func (v inventor) id(rank int, d draft) rpps.NationalID {
	const adeliRoom = 1_000_000 // six digits after department 99
	if d.odd == oddADELI && rank < adeliRoom {
		return rpps.MustNationalID("0" + withKey("99"+pad(rank, 6)))
	}
	return rpps.MustNationalID("8" + withKey("998"+pad(rank, 7)))
}

func (v inventor) practices(dice *rand.Rand, p *rpps.Professional, d draft, given string) {
	x := rpps.Practice{Profession: d.profession, Category: "C", Name: p.FamilyName, GivenName: given}
	switch n := dice.IntN(100); {
	case n == 0:
		x.Category = "M"
	case n < 5 && d.profession == "10":
		x.Category = "E"
	}
	if d.profession == "10" || d.profession == "40" || d.profession == "21" {
		x.Civility = "DR"
	}
	if d.odd == oddDeprecatedCode {
		x.Profession = strconv.Itoa(35 + dice.IntN(5))
	}
	first := dice.IntN(len(v.lists.specialties(d.profession)))
	for i := range d.expertises {
		list := v.lists.specialties(d.profession)
		x.Expertises = append(x.Expertises, rpps.Expertise{Type: "S", Code: list[(first+i)%len(list)]})
	}
	for i := range d.activities {
		x.WorkSituations = append(x.WorkSituations, v.situation(dice, p.ID, d, i))
	}
	p.Practices = []rpps.Practice{x}
	if d.odd == oddTwoProfessions {
		p.Practices = append(p.Practices, rpps.Practice{Profession: "93", Category: "C", Name: p.FamilyName, GivenName: given})
	}
}

func (v inventor) situation(dice *rand.Rand, id rpps.NationalID, d draft, rank int) rpps.WorkSituation {
	w := rpps.WorkSituation{Genre: "GENR01", Authority: "CNOM/CNOM/CNOM"}
	switch n := dice.IntN(100); {
	case n < 30 && d.profession != "99":
		w.Mode, w.Sector, w.Structure = "L", "SA07", v.cabinet(dice, id, d, rank)
		return w
	case n == 98:
		w.Mode = "B"
	case n == 99:
		w.Mode = "I"
	default:
		w.Mode = "S"
	}
	w.Authority = "ARS/ARS/ARS"
	site := v.site(dice.IntN(v.sites))
	w.Structure, w.Sector = site.structure(d.odd), site.sector
	if d.profession == "99" {
		r := oneOf(dice, v.lists.roles)
		w.Role, w.Genre = r.role, r.genre
	}
	if d.profession == "21" {
		w.PharmacistSection = oneOf(dice, []string{"A", "D", "DA", "G", "H"})
	}
	return w
}

func withKey(digits string) string {
	for key := '0'; key <= '9'; key++ {
		if s := digits + string(key); rpps.Luhn(s) {
			return s
		}
	}
	return digits
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	for len(s) < width {
		s = "0" + s
	}
	return s[len(s)-width:]
}

func oneOf[T any](dice *rand.Rand, list []T) T { return list[dice.IntN(len(list))] }

// weighted is a value and its share in a thousand.
type weighted struct {
	value string
	share int
}

func pick(dice *rand.Rand, list []weighted) string {
	const whole = 1000
	n := dice.IntN(whole)
	for _, w := range list {
		if n -= w.share; n < 0 {
			return w.value
		}
	}
	return list[0].value
}
