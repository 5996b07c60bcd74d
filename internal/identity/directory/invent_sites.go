package directory

import (
	"math/rand/v2"
	"strconv"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// site is an invented establishment of FINESS.
type site struct {
	finess, legal  string
	name, category string
	sector         string
	siret          string
	number         int
	street         string
	postalCode     string
	opened         string
}

// Ranges inside the fake department 99: personas keep what lies below.
const (
	firstSite  = 100_000
	firstLegal = 500_000
	// legal entities have 2.1 establishments on average.
	sitesPerTenLegal = 21
)

func finessNumber(n int) string { return withKey("99" + pad(n, 6)) }

func (v inventor) legalOf(rank int) int { return rank * 10 / sitesPerTenLegal }

// site invents the establishment of a rank.
func (v inventor) site(rank int) site {
	dice := v.dice("site", rank)
	k := oneOf(dice, v.lists.sites)
	number := strconv.Itoa(rank)
	return site{
		finess: finessNumber(firstSite + rank), legal: finessNumber(firstLegal + v.legalOf(rank)),
		name: k.name + " FICTIF " + number, category: k.category, sector: k.sector,
		siret: withKey("000" + pad(rank, 6) + "0001"), number: 1 + dice.IntN(200), street: oneOf(dice, v.lists.streets),
		postalCode: "99" + pad(dice.IntN(1000), 3), opened: pad(1960+dice.IntN(60), 4) + "-01-01",
	}
}

func (s site) structure(odd oddity) rpps.Structure {
	x := rpps.Structure{
		SIRET: s.siret, SIREN: s.siret[:9], FINESSSite: s.finess, FINESSLegal: s.legal, TechnicalID: "F" + s.finess,
		FormerID: "1" + s.finess, Name: s.name, Phone: "0199000000", Department: "99",
		Address: rpps.Address{
			Number: strconv.Itoa(s.number), StreetType: "R", Street: s.street,
			Cedex: s.postalCode + " VILLE INVENTEE", PostalCode: s.postalCode, Commune: s.postalCode, Country: "99000",
		},
	}
	relocate(&x, s.number, odd)
	return x
}

// cabinet invents a private practice: no FINESS, a technical id of R and the
// rank of the place in the professional's own list.
func (v inventor) cabinet(dice *rand.Rand, id rpps.NationalID, d draft, rank int) rpps.Structure {
	place := id.Number() + pad(rank+1, 3)
	postal := "99" + pad(dice.IntN(1000), 3)
	x := rpps.Structure{
		TechnicalID: "R" + place, FormerID: "4" + place, Name: "CABINET FICTIF " + place[3:9], Phone: "0199" + place[5:11], Department: "99",
		Address: rpps.Address{
			Recipient: "CABINET FICTIF", Number: strconv.Itoa(1 + dice.IntN(200)), StreetType: "R", Street: oneOf(dice, v.lists.streets),
			Cedex: postal + " VILLE INVENTEE", PostalCode: postal, Commune: postal, Country: "99000",
		},
	}
	relocate(&x, dice.IntN(100), d.odd)
	return x
}

// relocate moves a place overseas or to Corsica, whose codes break programs
// that believe in numbers.
func relocate(x *rpps.Structure, n int, odd oddity) {
	switch odd {
	case oddOverseas:
		x.Department = "97" + strconv.Itoa(1+n%6)
		x.Address.Commune, x.Address.PostalCode = x.Department+"99", x.Department+"99"
	case oddCorsica:
		x.Department = []string{"2A", "2B"}[n%2]
		x.Address.Commune, x.Address.PostalCode = x.Department+"999", "20999"
	}
}
