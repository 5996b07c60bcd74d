package directory

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/egide-id/egide/internal/identity/rpps"
)

const goldenDir = "../../oidc/claims/testdata"

func goldenFiles() []string {
	return []string{filepath.Join(goldenDir, "golden_psc.txt"), filepath.Join(goldenDir, "golden_public.txt"), filepath.Join(goldenDir, "golden_ids.csv")}
}

// Whatever the order and grouping of the imports, the persons are the same.
func TestSourcesMergeInAnyOrder(t *testing.T) {
	files := goldenFiles()
	together := t.TempDir()
	mustImport(t, together, files...)
	for _, order := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}} {
		dir := t.TempDir()
		for _, i := range order {
			mustImport(t, dir, files[i])
		}
		for _, id := range []string{"899700990015", "899700990023", "899700990031"} {
			if want, got := lookup(t, together, id), lookup(t, dir, id); !reflect.DeepEqual(want, got) {
				t.Errorf("order %v, %s:\n%+v\n%+v", order, id, want, got)
			}
		}
	}
}

func TestGoldenRowsGiveTheExamplesPersons(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, goldenFiles()...)
	a := lookup(t, dir, "899700990015")
	if len(a.Practices) != 2 || a.Practices[0].Category != "C" || a.Practices[1].Category != "M" ||
		len(a.Practices[0].WorkSituations) != 2 || a.Practices[0].WorkSituations[0].Sector != "SA07" ||
		a.Practices[1].WorkSituations[0].Structure.Name != "HOPITAL MILITAIRE FICTIF" {
		t.Errorf("example A: %+v", a.Practices)
	}
	if a.FamilyName != "EXEMPLE" || len(a.GivenNames) != 1 || a.Birth.Date != "12/03/1975" || a.Contact.Mail != "camille.exemple@exemple.invalid" || a.Civility != "MME" {
		t.Errorf("example A, civil status: %+v", a)
	}
	if b := lookup(t, dir, "899700990023"); b.Practices[0].WorkSituations[0].Role != "326" {
		t.Errorf("example B: %+v", b.Practices)
	}
	c := lookup(t, dir, "899700990031")
	want := []rpps.Identifier{
		{Value: "899700990031", Origin: "RPPS", Quality: 1}, {Value: "0759300015", Origin: "ADELI", Quality: 1},
		{Value: "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", Origin: "PSI", Quality: 2},
	}
	if !reflect.DeepEqual(c.OtherIDs, want) || c.PSI != want[2].Value {
		t.Errorf("example C: %+v", c.OtherIDs)
	}
	for _, id := range want {
		if got := lookup(t, dir, id.Value); got.ID != c.ID {
			t.Errorf("%s leads to %s", id.Value, got.ID)
		}
	}
}

// The public extract alone gives practices and no civil names.
func TestPublicExtractAloneGivesNoCivilStatus(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, goldenFiles()[1])
	p := lookup(t, dir, "899700990015")
	if p.FamilyName != "" || p.Birth != (rpps.Birth{}) || p.Contact != (rpps.Contact{}) || p.Civility != "MME" || p.Practices[0].Name != "EXEMPLE" {
		t.Errorf("%+v", p)
	}
}

func TestGoldenFilesHoldInventedPersonsOnly(t *testing.T) {
	for _, path := range goldenFiles() {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range lines(read(t, goldenFiles()[0]))[1:] {
		if row[:len("8|99700990")] != "8|99700990" {
			t.Error("a golden row outside the test range")
		}
	}
}
