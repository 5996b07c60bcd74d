package directory

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/identity/rpps"
)

func generate(t *testing.T, rows int, seed uint64, only ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := Generate(t.Context(), GenerateOptions{Dir: dir, Rows: rows, Seed: seed, Only: only}); err != nil {
		t.Fatal(err)
	}
	return dir
}

const day1, day2, day3 = "202601010800", "202601020800", "202601030800"

func publicOf(dir, folder, stamp string) string {
	return filepath.Join(dir, folder, "PS_LibreAcces_Personne_activite_"+stamp+".txt")
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files
}

func TestSameSeedSameFiles(t *testing.T) {
	a, b, other := generate(t, 3000, 5), generate(t, 3000, 5), generate(t, 3000, 6)
	for _, path := range filesOf(t, a) {
		name := filepath.Base(path)
		if read(t, path) != read(t, filepath.Join(b, name)) {
			t.Errorf("%s differs", name)
		}
		if strings.HasPrefix(name, "PS_") && read(t, path) == read(t, filepath.Join(other, name)) {
			t.Errorf("%s does not depend on the seed", name)
		}
	}
}

func TestGeneratedRowsAreCountedExactly(t *testing.T) {
	for _, rows := range []int{1, 2, 999, 10_000} {
		dir := generate(t, rows, 3, partPublic)
		if n := bytes.Count([]byte(read(t, publicOf(dir, "", day1))), []byte("\n")) - 1; n != rows {
			t.Errorf("%d rows, want %d", n, rows)
		}
	}
}

// All generated files import together, without a refusal, without an unknown
// code, and the noise is there.
func TestGeneratedFilesImportCleanly(t *testing.T) {
	dir, register := generate(t, 20_000, 1), t.TempDir()
	report := mustImport(t, register, filesOf(t, dir)...)
	if len(report.Files) != 6 || report.Entities == 0 || report.Aliases == 0 {
		t.Errorf("%s", report.Text())
	}
	duplicates := 0
	for _, f := range report.Files {
		if f.BadLines+len(f.UnknownCodes)+f.KeyWarnings > 0 {
			t.Errorf("%s: %+v", f.Name, f)
		}
		duplicates += f.Duplicates
	}
	text := read(t, publicOf(dir, "", day1))
	for what, sign := range map[string]string{
		"CRLF line": "|\r\n", "ADELI row": "\n0|99", "MLLE": "|MLLE|", "Corsica": "|2A|", "overseas": "|971|", "accents": "É", "apostrophe": "|D'",
	} {
		if !strings.Contains(text, sign) {
			t.Errorf("no %s in the noise", what)
		}
	}
	if duplicates == 0 {
		t.Error("no duplicate line in the noise")
	}
}

// Whatever the generator emits is recognisable as invented, and leaves the
// personas' numbers free.
func TestGeneratedIdentifiersAreInventedAndFree(t *testing.T) {
	dir := generate(t, 5000, 2, partRestricted, partFINESS)
	for _, line := range lines(read(t, filepath.Join(dir, "Extraction_ProSanteConnect_Personne_activite_"+day1+".txt")))[1:] {
		cells := strings.Split(line, "|")
		id := rpps.MustNationalID(cells[colNationalID])
		if !strings.HasPrefix(id.Number(), "99") || !id.KeyOK() || strings.HasPrefix(id.String(), "8997") {
			t.Fatalf("identifier %s", id)
		}
		if s := cells[colSiret]; s != "" && (!strings.HasPrefix(s, "000") || !rpps.Luhn(s)) {
			t.Fatalf("SIRET %s", s)
		}
		if s := cells[colFinessSite]; s != "" && (!strings.HasPrefix(s, "99") || !rpps.Luhn(s)) {
			t.Fatalf("FINESS %s", s)
		}
		if m := cells[colPersonMail]; !strings.HasSuffix(m, ".invalid") {
			t.Fatalf("mail %s", m)
		}
	}
}

func TestSharesFollowTheReference(t *testing.T) {
	v := inventor{seed: 4, sites: 100, lists: newLists()}
	const n = 20_000
	nurses, women, without, weight := 0, 0, 0, 0
	for rank := range n {
		p, d := v.person(rank)
		if d.profession == "60" {
			nurses++
		}
		if p.Civility != "M" {
			women++
		}
		if d.activities == 0 {
			without++
		}
	}
	for _, w := range v.lists.professions {
		weight += w.share
	}
	if weight != 1000 {
		t.Errorf("professions weigh %d thousandths", weight)
	}
	for what, c := range map[string][2]int{"nurses": {nurses, 38}, "women": {women, 72}, "without activity": {without, 25}} {
		if share := 100 * c[0] / n; share < c[1]-2 || share > c[1]+2 {
			t.Errorf("%s: %d %%, want about %d %%", what, share, c[1])
		}
	}
}

func TestDayTwoPassesAndDisasterIsStopped(t *testing.T) {
	dir, register := generate(t, 30_000, 1), t.TempDir()
	first := mustImport(t, register, publicOf(dir, "", day1))
	report := mustImport(t, register, publicOf(dir, "jour2", day2))
	c := changeOf(t, report, sourcePublic)
	within := func(what string, n, perHundredThousand int) {
		want := first.Persons * perHundredThousand / 100_000
		if n < want/3 || n > 3*want+3 {
			t.Errorf("%s: %d, want about %d", what, n, want)
		}
	}
	within("updated", c.Updated, dayTwoUpdates)
	within("created", c.Created, dayTwoCreations)
	within("missing", c.Missing, dayTwoDeletions)
	if len(report.Files[0].UnknownColumns) != 1 {
		t.Errorf("the new column of day 2 is not reported: %+v", report.Files[0])
	}
	stopped := mustRefuse(t, "missing", register, publicOf(dir, "desastre", day3))
	within("lost", changeOf(t, stopped, sourcePublic).Missing, disasterLosses)
}

func TestGeneratorRefusesWhatItCannotDo(t *testing.T) {
	for _, o := range []GenerateOptions{{Rows: 0}, {Rows: largestRegister + 1}, {Rows: 1, Only: []string{"autre"}}} {
		o.Dir = t.TempDir()
		if Generate(t.Context(), o) == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
