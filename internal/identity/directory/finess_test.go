package directory

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

const finessJSON = `{"schemaVersion":"v1.0.0","generatedAt":"2026-09-01T00:00:00Z","gco":[{"pmSmsseId":"1"}],"gcc":[],
"pmej":[{"informationsGeneralesPmej":{"numFinessPm":"995000003","denominationPm":"GESTION FICTIVE","siren":"000999001","dateCreation":"1990-01-01"},
"etatObjet":"A","adresse":{"numeroVoie":"1","typeVoie":"R","libelleVoie":"DES ESSAIS","codePostal":"99001","cogCommune":"99001"},
"ege":[{"informationsGeneralesEGE":{"numFinessEge":"991000006","nomEgeCourt":"EHPAD FICTIF","nomEgeLong":"EHPAD FICTIF DES ESSAIS","siret":"00099900100017","dateFermeture":null},
"categorieentiteGeographiqueExercice":"500","etatObjet":"A","contact":[{"telecom":{"telephone":"0199000000"}}],"adresse":[{"cogCommune":"2A004"}]},
{"informationsGeneralesEGE":{"numFinessEge":"991000014","nomEgeCourt":"MAISON CLOSE","dateFermeture":"2020-01-01"},"etatObjet":"I"},
{"informationsGeneralesEGE":{"numFinessEge":"trop court"}}]}]}`

func entity(t *testing.T, dir, id string) Entity {
	t.Helper()
	e, err := mustOpen(t, dir).Entity(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFINESSJSONIsImportedStreamed(t *testing.T) {
	dir := t.TempDir()
	path := write(t, "finess-structures.json", finessJSON)
	report := mustRefuse(t, "bad-lines", dir, path)
	if report.Files[0].Rows != 4 || report.Files[0].BadLines != 1 || report.Files[0].Skipped["gco"] != 1 {
		t.Errorf("report: %+v", report.Files[0])
	}
	mustAccept(t, dir, path)
	site := entity(t, dir, "991000006")
	if site.Parent != "995000003" || site.Category != "500" || site.Number != "00099900100017" || site.Phone != "0199000000" || site.Address.Department != "2A" || site.Inactive {
		t.Errorf("site: %+v", site)
	}
	if closed := entity(t, dir, "991000014"); !closed.Inactive || closed.ClosedOn != "2020-01-01" {
		t.Errorf("closed site: %+v", closed)
	}
	if legal := entity(t, dir, "995000003"); !legal.Legal || legal.Name != "GESTION FICTIVE" || legal.Address.PostalCode != "99001" {
		t.Errorf("legal entity: %+v", legal)
	}
	if _, err := mustOpen(t, dir).Entity(t.Context(), "999999999"); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown entity: %v", err)
	}
}

func TestFINESSJSONMayBeCompressed(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(strings.Replace(finessJSON, `"trop court"`, `"991000022"`, 1))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if report := mustImport(t, dir, write(t, "finess.json.gz", b.String())); report.Entities != 4 {
		t.Errorf("%d entities", report.Entities)
	}
}

func TestTruncatedOrForeignJSONIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"truncated": finessJSON[:len(finessJSON)-200], "no entities": `{"a":1}`, "not an object": `{"pmej":{}}`, "broken": `{"pmej":[{]}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := Import(t.Context(), importOptions(dir, write(t, "f.json", text))); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
		})
	}
}

func flatSite(id, name string) string {
	cells := make([]string, siteCells)
	cells[0], cells[1], cells[2], cells[3], cells[12], cells[13], cells[15], cells[18] = "structureet", id, "995000003", name, "004", "2A", "20000 AJACCIO", "355"
	return strings.Join(cells, ";")
}

func TestFlatFINESSInBothEncodings(t *testing.T) {
	text := "finess;etalab;94;2026-05-12\n" + flatSite("2A0000014", "HÔPITAL FICTIF") + "\ngeolocalisation;2A0000014;1;2;x;y\n"
	latin := bytes.Map(func(r rune) rune { return r }, nil)
	for _, r := range text {
		latin = append(latin, byte(r))
	}
	for encoding, content := range map[string]string{"UTF-8": text, "ISO-8859-1": string(latin)} {
		t.Run(encoding, func(t *testing.T) {
			dir := t.TempDir()
			report := mustImport(t, dir, write(t, "etalab.csv", content))
			if report.Files[0].Encoding != encoding || report.Files[0].Skipped["geolocalisation"] != 1 {
				t.Errorf("report: %+v", report.Files[0])
			}
			e := entity(t, dir, "2A0000014")
			if e.Name != "HÔPITAL FICTIF" || e.Address.Commune != "2A004" || e.Address.PostalCode != "20000" {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestLegalEntitiesAreNotClosedByAFileOfSites(t *testing.T) {
	dir := t.TempDir()
	mustAccept(t, dir, write(t, "a.json", finessJSON))
	for _, name := range []string{"A", "B"} {
		mustAccept(t, dir, write(t, "etalab.csv", flatSite("991000006", name)+"\n"))
	}
	if e := entity(t, dir, "995000003"); e.Withdrawn {
		t.Error("the legal entity is gone though no file of legal entities was read")
	}
	if e := entity(t, dir, "991000014"); !e.Withdrawn {
		t.Error("a site absent from two files is still there")
	}
}
