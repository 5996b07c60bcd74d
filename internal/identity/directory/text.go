package directory

import (
	"fmt"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// Text is the report for a person to read.
func (r Report) Text() string {
	var b strings.Builder
	switch {
	case r.Published:
		b.WriteString("Répertoire publié.\n")
	case len(r.Refusals) > 0 && !r.Accepted:
		b.WriteString("Import arrêté : le répertoire en service n'a pas changé.\n")
	case r.UpToDate:
		b.WriteString("Fichiers déjà importés : rien à changer.\n")
	}
	for _, f := range r.Refusals {
		fmt.Fprintf(&b, "  ! %s (%s) : %s\n", f.Rule, f.Source, f.Detail)
	}
	for i := range r.Files {
		r.Files[i].text(&b)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "%-14s %d avant, %d créés, %d modifiés, %d inchangés, %d absents, %d clos, %d rouverts\n",
			c.Source, c.Before, c.Created, c.Updated, c.Unchanged, c.Missing, c.Closed, c.Reopened)
	}
	fmt.Fprintf(&b, "%d personnes dont %d closes, %d structures, %d autres identifiants", r.Persons, r.Closed, r.Entities, r.Aliases)
	if r.Ambiguous > 0 {
		fmt.Fprintf(&b, ", %d ambigus (ne désignent personne)", r.Ambiguous)
	}
	fmt.Fprintf(&b, "\nDurée %s. Empreinte %s\n", r.Elapsed.Round(time.Millisecond), r.Fingerprint)
	return b.String()
}

func (f *FileReport) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s : %s, %d lignes, %d octets, %s", f.Name, f.Kind, f.Rows, f.Bytes, f.Encoding)
	if f.Columns > 0 {
		fmt.Fprintf(b, ", %d colonnes", f.Columns)
	}
	if f.Duplicates > 0 {
		fmt.Fprintf(b, ", %d doublons", f.Duplicates)
	}
	if f.KeyWarnings > 0 {
		fmt.Fprintf(b, ", %d clés de contrôle fausses", f.KeyWarnings)
	}
	b.WriteByte('\n')
	for _, c := range f.UnknownColumns {
		fmt.Fprintf(b, "  colonne %d inconnue, laissée de côté : %q (%d cellules remplies)\n", c.Position, c.Name, c.Filled)
	}
	for _, c := range f.RenamedColumns {
		fmt.Fprintf(b, "  colonne %d lue à sa place sous un autre nom : %q\n", c.Position, c.Name)
	}
	for _, bad := range f.FirstBadLines {
		fmt.Fprintf(b, "  ligne %d illisible : %s\n", bad.Line, bad.Reason)
	}
	if more := f.BadLines - len(f.FirstBadLines); more > 0 {
		fmt.Fprintf(b, "  et %d autres lignes illisibles\n", more)
	}
	const shown = 20
	for i, c := range f.UnknownCodes {
		if i == shown {
			fmt.Fprintf(b, "  et %d autres codes inconnus\n", len(f.UnknownCodes)-shown)
			break
		}
		fmt.Fprintf(b, "  code absent de la nomenclature : %s = %q (%d lignes)\n", c.Column, c.Code, c.Rows)
	}
}

// Describe prints a person as the provider sees him, with the labels of the
// nomenclature.
func Describe(p rpps.Professional) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s %s %s\n", p.ID, rpps.Label(rpps.SystemCivility, p.Civility), strings.Join(p.GivenNames, " "), p.FamilyName)
	if p.Closed {
		b.WriteString("  dossier clos : cette personne ne peut pas se connecter\n")
	}
	if !p.FirstSeen.IsZero() {
		fmt.Fprintf(&b, "  apparue le %s\n", p.FirstSeen.Format("2006-01-02 15:04 UTC"))
	}
	for _, id := range p.OtherIDs[min(1, len(p.OtherIDs)):] {
		fmt.Fprintf(&b, "  aussi %s (%s, qualité %d)\n", id.Value, id.Origin, id.Quality)
	}
	for _, x := range p.Practices {
		describePractice(&b, &x)
	}
	return b.String()
}

func describePractice(b *strings.Builder, x *rpps.Practice) {
	fmt.Fprintf(b, "  %s %s (%s), %s : %s %s %s\n", x.Profession, rpps.ProfessionCode(x.Profession, x.Category).Label(),
		rpps.Label(rpps.SystemCategory, x.Category), x.ProfessionLabel(), x.Civility, x.GivenName, x.Name)
	for _, e := range x.Expertises {
		fmt.Fprintf(b, "    %s %s\n", e.Code, rpps.Label(rpps.SystemExpertise, e.Code))
	}
	for i := range x.WorkSituations {
		w := &x.WorkSituations[i]
		fmt.Fprintf(b, "    - %s, %s", rpps.Label(rpps.SystemMode, w.Mode), rpps.Label(rpps.SystemSector, w.Sector))
		if w.Role != "" {
			fmt.Fprintf(b, ", %s", rpps.RoleCode(w.Role).Label())
		}
		if w.Genre != "" {
			fmt.Fprintf(b, ", %s", rpps.Label(rpps.SystemGenre, w.Genre))
		}
		s := &w.Structure
		fmt.Fprintf(b, "\n      %s (%s) %s %s\n", s.Name, s.TechnicalID, s.Address.PostalCode, s.Address.Commune)
	}
}
