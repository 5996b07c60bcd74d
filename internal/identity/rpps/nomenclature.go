package rpps

import (
	_ "embed" // the code lists travel inside the program
	"strings"
	"sync"
)

// System is a code system of the nomenclature, by its OID. The same value
// means different things in different systems (10 = médecin or médecin en
// formation): every look-up is by (OID, code), identities.md 5, trap 4.
type System string

// Code systems of the register's columns (rpps-import.md 2.1, identities.md 5).
const (
	SystemProfession         System = "1.2.250.1.71.1.2.7"      // TRE_G15
	SystemTrainee            System = "1.2.250.1.71.1.2.8"      // TRE_G16
	SystemTitleUser          System = "1.2.250.1.213.1.6.1.109" // TRE_R95
	SystemSocialProfession   System = "1.2.250.1.213.1.6.1.4"   // TRE_R94
	SystemOtherProfession    System = "1.2.250.1.213.1.6.1.140" // TRE_R291: 99
	SystemCareRole           System = "1.2.250.1.213.1.6.1.107" // TRE_R85
	SystemFunction           System = "1.2.250.1.213.1.6.1.17"  // TRE_R21
	SystemGenre              System = "1.2.250.1.213.1.6.1.19"  // TRE_R22
	SystemMode               System = "1.2.250.1.213.1.6.1.18"  // TRE_R23
	SystemPharmacistSection  System = "1.2.250.1.71.4.2.6"      // TRE_G05
	SystemExpertise          System = "1.2.250.1.71.4.2.5"      // TRE_R01
	SystemExpertiseType      System = "1.2.250.1.213.1.6.1.16"  // TRE_R04
	SystemSector             System = "1.2.250.1.71.4.2.4"      // TRE_R02
	SystemCategory           System = "1.2.250.1.213.1.6.1.10"  // TRE_R09
	SystemPracticeCivility   System = "1.2.250.1.213.1.6.1.11"  // TRE_R11
	SystemCivility           System = "1.2.250.1.213.1.6.1.69"  // TRE_R81
	SystemEstablishment      System = "1.2.250.1.213.1.6.1.8"   // TRE_R66
	SystemCardType           System = "1.2.250.1.213.1.6.1.106" // TRE_R87
	SystemIdentifierType     System = "1.2.250.1.71.1.2.15"     // TRE_G08
	SystemAuthenticationTier System = "1.2.250.1.213.1.5.1.1.1" // TRE_R231
)

// Concept is one code of a system.
type Concept struct {
	Code       string
	Label      string // official French label
	Deprecated bool   // accepted on read, never written (identities.md 5, trap 3)
	End        string // day it was withdrawn, "2024-12-13", when known
}

//go:embed nomenclature.tsv
var nomenclatureText string

type codeList struct {
	name     string
	concepts []Concept
	byCode   map[string]int
}

// nomenclature reads the embedded lists once; they never change afterwards.
var nomenclature = sync.OnceValue(func() map[System]*codeList {
	lists := map[System]*codeList{}
	var list *codeList
	for line := range strings.Lines(nomenclatureText) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '=':
			oid, name, _ := strings.Cut(strings.TrimSpace(line[1:]), " ")
			list = &codeList{name: name, byCode: map[string]int{}}
			lists[System(oid)] = list
		default:
			list.add(line)
		}
	}
	return lists
})

func (l *codeList) add(line string) {
	code, deprecated := strings.CutPrefix(line, "-")
	cells := strings.Split(code, "\t")
	c := Concept{Code: cells[0], Label: cells[1], Deprecated: deprecated}
	if len(cells) > 2 {
		c.End = cells[2]
	}
	l.byCode[c.Code] = len(l.concepts)
	l.concepts = append(l.concepts, c)
}

// Find gives the concept of a code, and whether the system has it, deprecated
// codes included.
func Find(system System, code string) (Concept, bool) {
	list := nomenclature()[system]
	if list == nil {
		return Concept{}, false
	}
	i, ok := list.byCode[code]
	if !ok {
		return Concept{}, false
	}
	return list.concepts[i], true
}

// Label gives the official French label of a code, or the code itself when the
// nomenclature does not know it, so that a page always has something to show.
func Label(system System, code string) string {
	if c, ok := Find(system, code); ok {
		return c.Label
	}
	return code
}

// Concepts lists a system in its official order. The slice is the caller's.
func Concepts(system System) []Concept {
	list := nomenclature()[system]
	if list == nil {
		return nil
	}
	return append([]Concept(nil), list.concepts...)
}

// Name gives the published name of a system, "TRE_G15-ProfessionSante".
func (s System) Name() string {
	if list := nomenclature()[s]; list != nil {
		return list.name
	}
	return string(s)
}
