package directory

import (
	"errors"
	"strconv"
	"strings"
)

// writeFINESS writes the two flat files of FINESS: establishments and legal
// entities (rpps-import.md 5.1).
func (g *generation) writeFINESS() error {
	sites, err := newOutput(g.o.Dir, "etalab-cs1100502-stock-20260101-0800.csv")
	if err != nil {
		return err
	}
	legal, err := newOutput(g.o.Dir, "etalab-cs1100501-stock-20260101-0800.csv")
	if err != nil {
		return errors.Join(err, sites.close())
	}
	return errors.Join(g.writeSites(sites), sites.close(), g.writeLegal(legal), legal.close())
}

func (g *generation) writeSites(out *output) error {
	if _, err := out.buf.WriteString("finess;etalab;94;2026-01-01\n"); err != nil {
		return writeFailed(err)
	}
	for rank := range g.invent.sites {
		s := g.invent.site(rank)
		cells := make([]string, siteCells)
		cells[0], cells[1], cells[2], cells[3], cells[4] = "structureet", s.finess, s.legal, s.name, s.name
		cells[7], cells[8], cells[9] = strconv.Itoa(s.number), "R", s.street
		cells[12], cells[13], cells[14], cells[15] = s.postalCode[2:], "99", "DEPARTEMENT INVENTE", s.postalCode+" VILLE INVENTEE"
		cells[16], cells[18], cells[22], cells[28] = "0199000000", s.category, s.siret, s.opened
		if _, err := out.buf.WriteString(strings.Join(cells, ";") + "\n"); err != nil {
			return writeFailed(err)
		}
	}
	return nil
}

func (g *generation) writeLegal(out *output) error {
	if _, err := out.buf.WriteString("finess;etalab;93;2026-01-01\n"); err != nil {
		return writeFailed(err)
	}
	for rank := range g.invent.legalOf(g.invent.sites-1) + 1 {
		cells := make([]string, legalCells)
		cells[0], cells[1], cells[2], cells[3] = "structureej", finessNumber(firstLegal+rank), "GESTION FICTIVE "+strconv.Itoa(rank), "ORGANISME GESTIONNAIRE FICTIF "+strconv.Itoa(rank)
		cells[5], cells[6], cells[7] = "1", "R", "DES ESSAIS"
		cells[11], cells[12], cells[13], cells[14] = "001", "99001 VILLE INVENTEE", "99", "DEPARTEMENT INVENTE"
		cells[15], cells[20], cells[22] = "0199000000", withKey("000"+pad(rank, 5)), "1990-01-01"
		if _, err := out.buf.WriteString(strings.Join(cells, ";") + "\n"); err != nil {
			return writeFailed(err)
		}
	}
	return nil
}
