package directory

import (
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

func header(columns []named) string {
	return strings.TrimSuffix(string(appendHeader(nil, columns)), "\n")
}

func TestEveryFormatIsRecognisedByItsFirstLine(t *testing.T) {
	oldPublic := header(publicColumns()[:publicOldest])
	cases := map[string]struct {
		line    string
		want    kind
		columns int
	}{
		"public":                   {header(publicColumns()), kindPublic, 56},
		"public of 2018":           {oldPublic, kindPublic, 48},
		"public of 2021":           {header(publicColumns()[:52]), kindPublic, 52},
		"restricted":               {header(restrictedColumns()), kindRestricted, 50},
		"restricted as PSC writes": {strings.Replace(header(restrictedColumns()), "Code genre", "Autres identifiants|Code genre", 1), kindRestricted, 51},
		"restricted, other names":  {strings.NewReplacer("Nom de famille", "Nom", "Code sexe", "Sexe", "Code genre d'activité", "Code genre activité").Replace(header(restrictedColumns())), kindRestricted, 50},
		"savoir-faire":             {header(expertiseColumns()), kindExpertise, 13},
		"typographic apostrophes":  {strings.ReplaceAll(header(publicColumns()), "'", "’"), kindPublic, 56},
		"carriage return":          {header(publicColumns()) + "\r", kindPublic, 56},
		"no trailing separator":    {strings.TrimSuffix(header(publicColumns()), "|"), kindPublic, 56},
		"a column more":            {header(publicColumns()) + "Numéro de licence|", kindPublic, 57},
		"identifiers":              {identifierHeader, kindIdentifiers, 0},
		"finess with comment":      {"finess;etalab;94;2026-05-12", kindFlatFINESS, 0},
		"finess without":           {"structureet;010000024;010780054;CH;;", kindFlatFINESS, 0},
		"finess json":              {`{"schemaVersion":"v1.0.0","pmej":[`, kindJSONFINESS, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l, err := recognise(c.line, false)
			if c.want == kindRestricted && err == nil && l.columns[len(l.columns)-1] != colGenre {
				t.Errorf("the last column is %v", l.columns[len(l.columns)-1])
			}
			if err != nil || l.kind != c.want || len(l.columns) != c.columns {
				t.Errorf("%s with %d columns, %v", l.kind, len(l.columns), err)
			}
		})
	}
}

func TestChangedHeadersAreRefused(t *testing.T) {
	good := header(publicColumns())
	cases := map[string]string{
		"two columns swapped":   strings.Replace(good, "Numéro SIRET site|Numéro SIREN site", "Numéro SIREN site|Numéro SIRET site", 1),
		"a column inserted":     strings.Replace(good, "Code profession|", "Nouvelle|Code profession|", 1),
		"a column lost":         strings.Replace(good, "Code profession|", "", 1),
		"cut short":             header(publicColumns()[:20]),
		"a column twice":        good + "Code rôle|",
		"another file":          "a|b|c|d|e|f",
		"no file of ours":       "bonjour",
		"restricted, swapped":   strings.Replace(header(restrictedColumns()), "Nom de famille|Prénoms", "Nom de famille|Date de naissance", 1),
		"savoir-faire, shorter": header(expertiseColumns()[:12]),
	}
	for name, line := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := recognise(line, false); !fault.Is(err, fault.Invalid) {
				t.Errorf("taken, or wrong kind of failure: %v", err)
			}
		})
	}
}

func TestColumnsAddedLaterAreKeptApart(t *testing.T) {
	l, err := recognise(header(publicColumns()[:48])+"Inconnue|Code genre activité|", false)
	if err != nil {
		t.Fatal(err)
	}
	if l.columns[48] != colUnknown || l.columns[49] != colGenre {
		t.Errorf("columns 49 and 50 are %v and %v", l.columns[48], l.columns[49])
	}
}

func TestDateComesFromTheFileName(t *testing.T) {
	for name, want := range map[string]string{
		"PS_LibreAcces_Personne_activite_202611220812.txt": "202611220812",
		"etalab-cs1100502-stock-20260512-0343.csv":         "202605120343",
		"finess-structures-journalier-20260929.json":       "202609290000",
		"golden_psc.txt": "", "extract-12345678.txt": "", "finess-structures-mensuel-202607.json": "",
	} {
		if got := dateOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add(header(publicColumns()))
	f.Add(header(restrictedColumns()))
	f.Add(identifierHeader)
	f.Add("||||")
	f.Fuzz(func(t *testing.T, line string) {
		l, err := recognise(line, false)
		if err == nil && l.separator == '|' && len(l.columns) != len(l.headers) {
			t.Errorf("%d columns, %d headers", len(l.columns), len(l.headers))
		}
	})
}

// FuzzExtract feeds lines of the extracts to their parser: whatever comes, it
// must neither panic nor lose count, and what it packs must be readable.
func FuzzExtract(f *testing.F) {
	f.Add("8|99800000004|899800000004|DR||MME||X|Y|10|\n", true)
	f.Add(strings.Repeat("|", 56)+"\n\r\n\xff\n", false)
	l, err := recognise(header(publicColumns()), false)
	if err != nil {
		f.Fatal(err)
	}
	good := "8|99700990015|899700990015|DR||MME||EXEMPLE|CAMILLE|10||C|" + strings.Repeat("|", 44) + "\n"
	f.Add(good+good, true)
	f.Fuzz(func(t *testing.T, text string, last bool) {
		var b batch
		parseText(newExtractParser(&l), text, last, &b)
		if b.facts.badCount > b.facts.lines {
			t.Errorf("%d bad lines of %d", b.facts.badCount, b.facts.lines)
		}
		for _, e := range b.entries {
			if _, _, _, err := combine(e.source, [][]byte{b.arena[e.keyEnd:e.end]}, nil); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	f.Add("899700990031;0759300015;ADELI;1;actif")
	f.Add("899700990031;;;;clos")
	f.Fuzz(func(t *testing.T, text string) {
		var b batch
		parseText(&identifierParser{}, text, true, &b)
		for _, e := range b.entries {
			if _, err := mergeAlternatives(nil, [][]byte{b.arena[e.keyEnd:e.end]}); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzFlatFINESS(f *testing.F) {
	f.Add("structureet;010000024;010780054;CH DE FLEYRIAT" + strings.Repeat(";", 28))
	f.Fuzz(func(t *testing.T, text string) {
		var b batch
		parseText(&flatParser{}, text, true, &b)
		for _, e := range b.entries {
			var x Entity
			if err := readEntity(string(b.arena[e.keyEnd:e.end]), &x); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzJSONFINESS(f *testing.F) {
	f.Add(finessJSON)
	f.Add(`{"gco":[{}],"x":{"a":[1]},"pmej":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var b batch
		if err := readFINESSJSON(strings.NewReader(text), &b, func() error { return nil }); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("failure of another kind: %v", err)
		}
	})
}
