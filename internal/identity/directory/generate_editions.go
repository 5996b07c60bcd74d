package directory

import (
	"slices"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// edited is one day's set of files, all made of the same persons.
type edited struct {
	folder  string
	day     int
	persons int
	lost    int // persons missing, per 100,000
	files   []editedFile
}

type editedFile struct {
	name   string
	header []byte
	append func(dst []byte, p *invented) []byte
}

// invented is a person with all that writing his rows needs.
type invented struct {
	rank   int
	person rpps.Professional
	draft  draft
	rows   int // no more rows than this
}

// extraColumn is the column of the second day's public file that no program
// knew the day before (rpps-import.md 2: columns are added at the end).
const extraColumn = "Colonne ajoutée depuis|"

func (g *generation) editions() []edited {
	var list []edited
	if first := g.edition("", 1, 0); len(first.files) > 0 {
		list = append(list, first)
	}
	if g.wants(partDay2) {
		second := g.edition("jour2", 2, dayTwoDeletions)
		second.persons += max(1, g.persons*dayTwoCreations/ofPersons)
		list = append(list, second)
	}
	if g.wants(partDisaster) {
		third := g.edition("desastre", 3, disasterLosses)
		third.files = third.files[:1]
		list = append(list, third)
	}
	return list
}

func (g *generation) edition(folder string, day, lost int) edited {
	stamp := "202601" + pad(day, 2) + "0800"
	e := edited{folder: folder, day: day, persons: g.persons, lost: lost}
	public, restricted, expertise := newPublicWriter(), appendHeader(nil, restrictedColumns()), appendHeader(nil, expertiseColumns())
	publicHeader := appendHeader(nil, publicColumns())
	if day == 2 {
		publicHeader = append(publicHeader[:len(publicHeader)-1], extraColumn+"\n"...)
	}
	add := func(part string, f editedFile) {
		if g.wants(part) || day > 1 && len(g.o.Only) > 0 && part == partPublic {
			e.files = append(e.files, f)
		}
	}
	add(partPublic, editedFile{"PS_LibreAcces_Personne_activite_" + stamp + ".txt", publicHeader, func(dst []byte, p *invented) []byte {
		return appendRows(dst, p, func(dst []byte, row *cells) []byte {
			dst = public.append(dst, row, p.draft.odd != oddEmptyLabels)
			if day == 2 {
				dst = append(dst[:len(dst)-1], "X|\n"[p.rank%2:]...)
			}
			return dst
		})
	}})
	add(partRestricted, editedFile{"Extraction_ProSanteConnect_Personne_activite_" + stamp + ".txt", restricted, func(dst []byte, p *invented) []byte {
		return appendRows(dst, p, appendRestricted)
	}})
	add(partExpertise, editedFile{"PS_LibreAcces_SavoirFaire_" + stamp + ".txt", expertise, appendExpertises})
	if day == 1 {
		add(partIdentifiers, editedFile{"identifiants_alternatifs_" + stamp + ".csv", []byte(identifierHeader + "\n"), appendMoved})
	}
	return e
}

// format writes a stretch of persons into each file's text.
func (g *generation) format(e edited, from, to int) [][]byte {
	texts := make([][]byte, len(e.files))
	for rank := from; rank < to; rank++ {
		if e.day > 1 && g.lost(e, rank) {
			continue
		}
		p := invented{rank: rank, rows: 1 << 30}
		p.person, p.draft = g.invent.person(rank)
		if rank == g.persons-1 && g.cut > 0 {
			p.rows = g.cut
		}
		if e.day == 2 && g.changed(rank) {
			change(&p.person)
		}
		for i := range e.files {
			texts[i] = e.files[i].append(texts[i], &p)
		}
	}
	return texts
}

func (g *generation) lost(e edited, rank int) bool {
	name := "lost2"
	if e.day == 3 {
		name = "lost3"
	}
	return rank < g.persons && g.invent.dice(name, rank).IntN(ofPersons) < e.lost
}

func (g *generation) changed(rank int) bool {
	return rank < g.persons && g.invent.dice("changed", rank).IntN(ofPersons) < dayTwoUpdates
}

// change gives a person a new telephone at work, or a new name.
func change(p *rpps.Professional) {
	x := &p.Practices[0]
	if len(x.WorkSituations) > 0 {
		x.WorkSituations[0].Structure.Phone2 = "0199999999"
		return
	}
	x.Name += " USAGE"
}

// appendRows writes the rows of a person with the irregularities of his draft.
func appendRows(dst []byte, p *invented, write func([]byte, *cells) []byte) []byte {
	left := p.rows
	put := func(row *cells) {
		if left--; left < 0 {
			return
		}
		dst = write(dst, row)
		if p.draft.odd == oddCRLF {
			dst = append(dst[:len(dst)-1], "\r\n"...)
		}
	}
	var last cells
	_ = eachRowOf(&p.person, func(row *cells) error { // put never fails
		last = *row
		put(row)
		return nil
	})
	if p.draft.odd == oddDuplicateLine {
		put(&last)
	}
	return dst
}

// appendExpertises writes the SavoirFaire file's rows.
func appendExpertises(dst []byte, p *invented) []byte {
	id := p.person.ID.String()
	for _, x := range p.person.Practices {
		for _, e := range x.Expertises {
			for _, cell := range []string{id[:1], id[1:], id, x.Name, x.GivenName, x.Profession, label(colProfession, x.Profession, x.Category),
				x.Category, label(colCategory, x.Category, ""), e.Type, label(colExpertiseType, e.Type, ""), e.Code, label(colExpertise, e.Code, "")} {
				dst = append(append(dst, cell...), '|')
			}
			dst = append(dst, '\n')
		}
	}
	return dst
}

// appendMoved gives one person in a hundred the ADELI number he had before.
func appendMoved(dst []byte, p *invented) []byte {
	const room = 1_000_000
	if p.person.ID.Type() != rpps.RPPS || p.rank >= room || !slices.Contains([]string{"60", "70", "91", "93"}, p.draft.profession) || p.rank%100 != 0 {
		return dst
	}
	line := p.person.ID.String() + ";0" + withKey("99"+pad(p.rank, 6)) + ";ADELI;1;" + stateActive + "\n"
	return append(dst, line...)
}
