package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/filelock"
)

// Rule 2: a truncated file, a changed header, a malformed line leave the old
// register in service.
func TestBrokenFilesLeaveTheOldRegisterInService(t *testing.T) {
	persons := people(30)
	good := read(t, public(t, "a.txt", persons))
	all := lines(good)
	broken := map[string]struct {
		content, rule string // rule empty: not even recognised
	}{
		"truncated in a line":       {good[:len(good)-30], "bad-lines"},
		"truncated at a separator":  {strings.TrimSuffix(good, "|\n"), "bad-lines"},
		"a line with a cell more":   {all[0] + strings.Replace(all[1], "|", "||", 1) + strings.Join(all[2:], "") + "\n", "bad-lines"},
		"a line with a cell less":   {all[0] + strings.Replace(all[1], "|", "", 1) + strings.Join(all[2:], "") + "\n", "bad-lines"},
		"a bad identifier":          {good + "8|123|8123" + strings.Repeat("|", 54) + "\n", "bad-lines"},
		"identifiers that disagree": {strings.Replace(good, "|8998", "|8997", 1), "bad-lines"},
		"no identifier":             {good + strings.Repeat("|", 56) + "\n", "bad-lines"},
		"half in another encoding":  {good + strings.Replace(all[1], "8|", "8|\xe9", 1), "bad-lines"},
		"a changed header":          {strings.Replace(good, "Code profession", "Code métier", 1), ""},
		"half the persons missing":  {strings.Join(all[:len(all)/2], ""), "missing"},
		"only a header":             {all[0], "too-few-rows"},
		"empty":                     {"", ""},
		"another document":          {"<html><body>Service indisponible</body></html>", ""},
	}
	dir := t.TempDir()
	mustImport(t, dir, public(t, "a.txt", persons))
	before := lookup(t, dir, persons[0].ID.String())
	for name, c := range broken {
		t.Run(name, func(t *testing.T) {
			path := write(t, "b.txt", c.content)
			if c.rule != "" {
				mustRefuse(t, c.rule, dir, path)
			} else if _, err := Import(t.Context(), importOptions(dir, path)); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
			if after := lookup(t, dir, persons[0].ID.String()); !reflect.DeepEqual(before, after) {
				t.Error("the register in service has changed")
			}
		})
	}
}

// Rule 3, and its human override.
func TestGuardRailsStopAndAHumanMayOverride(t *testing.T) {
	persons := people(200)
	changed := slices.Clone(persons)
	for i := range 20 {
		changed[i].Practices = slices.Clone(changed[i].Practices)
		changed[i].Practices[0].Name = "NOUVEAU"
	}
	more := people(220)
	cases := map[string]struct {
		rule    string
		persons []rpps.Professional
	}{
		"missing": {"missing", persons[:180]}, "updated": {"updated", changed}, "created": {"created", more},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustImport(t, dir, public(t, "a.txt", persons))
			file := public(t, "b.txt", c.persons)
			mustRefuse(t, c.rule, dir, file)
			if report := mustAccept(t, dir, file); !report.Published || !report.Accepted || report.Resumed != 1 {
				t.Errorf("accepted import: %s", report.Text())
			}
		})
	}
	t.Run("within five percent", func(t *testing.T) {
		dir := t.TempDir()
		mustImport(t, dir, public(t, "a.txt", persons))
		report := mustImport(t, dir, public(t, "b.txt", persons[10:]))
		if c := changeOf(t, report, sourcePublic); c.Missing != 10 || c.Unchanged != 190 {
			t.Errorf("%+v", c)
		}
	})
}

func TestOlderFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	persons := people(50)
	mustImport(t, dir, public(t, "PS_202611210800.txt", persons))
	mustRefuse(t, "older", dir, public(t, "PS_202611200800.txt", persons[1:]))
	mustImport(t, dir, public(t, "PS_202611220800.txt", persons[1:]))
}

func TestFewerRowsThanAskedAreRefused(t *testing.T) {
	o := importOptions(t.TempDir(), public(t, "a.txt", people(5)))
	o.MinRows = 1000
	if report, err := Import(t.Context(), o); !fault.Is(err, fault.Denied) || report.Refusals[0].Rule != "too-few-rows" {
		t.Errorf("%v: %s", err, report.Text())
	}
}

// Rule 4: the same file twice changes nothing and reports the same.
func TestSameFileTwiceChangesNothing(t *testing.T) {
	dir := t.TempDir()
	persons := people(100)
	mustImport(t, dir, public(t, "a.txt", persons))
	second := public(t, "b.txt", persons[2:])
	first := mustImport(t, dir, second)
	info, err := mustOpen(t, dir).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		again := mustImport(t, dir, second)
		if !again.UpToDate || again.Published {
			t.Fatalf("%s", again.Text())
		}
		if c := changeOf(t, again, sourcePublic); c.Created+c.Updated+c.Closed != 0 || c.Missing != 2 {
			t.Errorf("%+v", c)
		}
		again.UpToDate, again.Published = first.UpToDate, first.Published
		if !reflect.DeepEqual(first, again) {
			t.Errorf("another report:\n%+v\n%+v", first, again)
		}
		now, err := mustOpen(t, dir).Info(t.Context())
		if err != nil || !reflect.DeepEqual(info, now) {
			t.Errorf("another register: %+v, %v", now, err)
		}
	}
}

// Rule 5: rows in another order, and scattered over the file, are the same rows.
func TestAnotherOrderOfRowsChangesNobody(t *testing.T) {
	dir := t.TempDir()
	path := public(t, "a.txt", people(300))
	first := mustImport(t, dir, path)
	all := lines(read(t, path))
	all[len(all)-1] += "\n"
	rows := all[1:]
	slices.Reverse(rows)
	for i := 0; i+150 < len(rows); i += 2 { // tear persons apart
		rows[i], rows[i+150] = rows[i+150], rows[i]
	}
	report := mustImport(t, dir, write(t, "b.txt", strings.Join(all, "")))
	c := changeOf(t, report, sourcePublic)
	if c.Unchanged != first.Persons || c.Updated+c.Created+c.Missing != 0 {
		t.Errorf("%+v", c)
	}
}

// Rule 6: a person is closed after two files without him, not after one, not
// after the same file twice; and comes back when a file holds him again.
func TestPersonIsClosedAfterTwoFiles(t *testing.T) {
	dir := t.TempDir()
	persons := people(100)
	gone := persons[50].ID.String()
	without := slices.Delete(slices.Clone(persons), 50, 51)
	mustImport(t, dir, public(t, "a.txt", persons))
	second := public(t, "b.txt", without)
	for range 2 {
		mustImport(t, dir, second)
		if lookup(t, dir, gone).Closed {
			t.Fatal("closed after one file")
		}
	}
	report := mustImport(t, dir, public(t, "c.txt", without[1:]))
	if c := changeOf(t, report, sourcePublic); c.Closed != 1 || c.Missing != 2 || report.Closed != 1 {
		t.Errorf("%+v", c)
	}
	if p := lookup(t, dir, gone); !p.Closed || len(p.Practices) == 0 {
		t.Errorf("after two files: %+v", p)
	}
	report = mustImport(t, dir, public(t, "d.txt", persons))
	if c := changeOf(t, report, sourcePublic); c.Reopened != 1 || lookup(t, dir, gone).Closed {
		t.Errorf("not reopened: %+v", c)
	}
}

// Rule 6, explicit state, through our own file.
func TestRecordIsClosedAndReopenedByName(t *testing.T) {
	dir := t.TempDir()
	persons := people(40)
	id := persons[3].ID.String()
	mustImport(t, dir, public(t, "a.txt", persons))
	report := mustImport(t, dir, write(t, "ids.csv", identifierHeader+"\n"+id+";;;;clos\n"))
	if c := changeOf(t, report, sourceIdentifiers); c.Closed != 1 || !lookup(t, dir, id).Closed {
		t.Errorf("not closed: %+v", c)
	}
	mustImport(t, dir, public(t, "b.txt", persons[1:])) // an extract that still holds him does not reopen him
	if !lookup(t, dir, id).Closed {
		t.Error("an extract reopened a record closed by name")
	}
	mustImport(t, dir, write(t, "ids2.csv", identifierHeader+"\n"+id+";;;;actif\n"))
	if lookup(t, dir, id).Closed {
		t.Error("not reopened")
	}
}

// A damaged or hostile identifiers file must not close the register.
func TestIdentifiersFileCannotCloseManyRecords(t *testing.T) {
	dir := t.TempDir()
	persons := people(100)
	mustImport(t, dir, public(t, "a.txt", persons), write(t, "ids.csv", identifierHeader+"\n"+persons[0].ID.String()+";;;;clos\n"))
	text := identifierHeader + "\n"
	for _, p := range persons[:20] {
		text += p.ID.String() + ";;;;clos\n"
	}
	mustRefuse(t, "closed", dir, write(t, "ids.csv", text))
}

// Rule 7: an old subject still resolves, by whatever identifier it was known.
func TestOldIdentifiersStillResolve(t *testing.T) {
	dir := t.TempDir()
	persons := people(30)
	id, other := persons[0].ID.String(), persons[1].ID.String()
	const adeli, psi, shared = "0759300015", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", "0759300023"
	mustImport(t, dir, public(t, "a.txt", persons), write(t, "ids.csv", identifierHeader+"\n"+
		id+";"+adeli+";ADELI;1;actif\n"+id+";"+strings.ToUpper(psi)+";PSI;2;actif\n"+
		id+";ANS20261122;EDIT;1;actif\n"+id+";"+shared+";ADELI;1;actif\n"+other+";"+shared+";ADELI;1;actif\n"))
	for _, known := range []string{adeli, psi, strings.ToUpper(psi), "ANS20261122"} {
		if got := lookup(t, dir, known); got.ID.String() != id {
			t.Errorf("%s leads to %s", known, got.ID)
		}
	}
	// An identifier that two persons claim must never sign one in as the other.
	if _, err := mustOpen(t, dir).Lookup(t.Context(), rpps.MustNationalID(shared)); !fault.Is(err, fault.NotFound) {
		t.Errorf("an ambiguous identifier resolves: %v", err)
	}
	// A later file that ends the PSI and does not mention the rest.
	mustImport(t, dir, write(t, "ids2.csv", identifierHeader+"\n"+id+";"+psi+";PSI;2;clos\n"+id+";"+adeli+";ADELI;1;clos\n"))
	if _, err := mustOpen(t, dir).Lookup(t.Context(), rpps.MustNationalID(psi)); !fault.Is(err, fault.NotFound) {
		t.Errorf("an ended PSI still signs in: %v", err)
	}
	if got := lookup(t, dir, adeli); got.ID.String() != id || got.PSI != "" || len(got.OtherIDs) != 3 {
		t.Errorf("the old number: %+v", got.OtherIDs)
	}
}

// The move from ADELI to RPPS: the old record, still in the extract or closed,
// must not shadow the new one.
func TestMovedPersonIsFoundUnderHisNewRecord(t *testing.T) {
	dir := t.TempDir()
	persons := people(30)
	old := persons[0]
	old.ID = rpps.MustNationalID("0759300015")
	mustImport(t, dir, public(t, "a.txt", append(slices.Clone(persons), old)))
	if lookup(t, dir, "0759300015").ID.Type() != rpps.ADELI {
		t.Fatal("the ADELI record is not found by its own number")
	}
	mustImport(t, dir, write(t, "ids.csv", identifierHeader+"\n"+persons[0].ID.String()+";0759300015;ADELI;1;actif\n"))
	if got := lookup(t, dir, "0759300015"); got.ID != persons[0].ID {
		t.Errorf("the move is not followed: %s", got.ID)
	}
}

// S-37: what appears after the first load is new; the first load is not.
func TestFirstSeenSurvivesImports(t *testing.T) {
	dir := t.TempDir()
	persons := people(101)
	mustImport(t, dir, public(t, "a.txt", persons[:100]))
	if !lookup(t, dir, persons[0].ID.String()).FirstSeen.IsZero() {
		t.Error("the first load made somebody new")
	}
	mustImport(t, dir, restricted(t, "r.txt", persons[:100])) // the first file of another source makes nobody new
	o := importOptions(dir, public(t, "b.txt", persons))
	c := testClock()
	c.Advance(24 * time.Hour)
	o.Clock = c
	if _, err := Import(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	mustImport(t, dir, public(t, "c.txt", persons[1:]))
	if got := lookup(t, dir, persons[100].ID.String()).FirstSeen; !got.Equal(c.Now()) {
		t.Errorf("first seen %s, want %s", got, c.Now())
	}
	if !lookup(t, dir, persons[1].ID.String()).FirstSeen.IsZero() {
		t.Error("somebody of the first load became new")
	}
}

// Of the two extracts the more recent one says where somebody works.
func TestMoreRecentExtractGivesPractices(t *testing.T) {
	persons := people(10)
	moved := slices.Clone(persons)
	moved[0].Practices = slices.Clone(persons[0].Practices)
	moved[0].Practices[0].WorkSituations = slices.Clone(persons[0].Practices[0].WorkSituations)
	moved[0].Practices[0].WorkSituations[0].Structure.Name = "AILLEURS"
	for name, c := range map[string]struct{ restricted, public, want string }{
		"public newer": {"R_202611200800.txt", "P_202611210800.txt", "AILLEURS"},
		"same day":     {"R_202611200800.txt", "P_202611200800.txt", persons[0].Practices[0].WorkSituations[0].Structure.Name},
		"no date":      {"R.txt", "P_202611200800.txt", persons[0].Practices[0].WorkSituations[0].Structure.Name},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustImport(t, dir, restricted(t, c.restricted, persons), public(t, c.public, moved))
			p := lookup(t, dir, persons[0].ID.String())
			if got := p.Practices[0].WorkSituations[0].Structure.Name; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if p.FamilyName == "" || p.Birth.Date == "" {
				t.Error("civil status is lost")
			}
		})
	}
}

// n activities times m savoir-faire are n + m things (rpps-import.md 2); the
// SavoirFaire file adds the others.
func TestExpertisesAndSituationsMergeOnce(t *testing.T) {
	p := people(1)[0]
	p.Practices = p.Practices[:1]
	x := &p.Practices[0]
	x.Profession, x.Category = "10", "C"
	x.Expertises = []rpps.Expertise{{Type: "S", Code: "SM26"}, {Type: "S", Code: "SM04"}}
	w := x.WorkSituations[0]
	w.Sector = "SA05"
	x.WorkSituations = []rpps.WorkSituation{x.WorkSituations[0], w, {Mode: "S", Structure: rpps.Structure{TechnicalID: "F1"}}}
	dir := t.TempDir()
	id := p.ID.String()
	more := strings.TrimSuffix(id[:1]+"|"+id[1:]+"|"+id+"|||10||C||CAPA||CAPA04||", "") + "\n"
	report := mustImport(t, dir, public(t, "a.txt", []rpps.Professional{p}), write(t, "sf.txt", header(expertiseColumns())+"\n"+more))
	if report.Files[0].Rows != 6 {
		t.Fatalf("%d rows", report.Files[0].Rows)
	}
	got := lookup(t, dir, id).Practices
	want := append(slices.Clone(x.Expertises), rpps.Expertise{Type: "CAPA", Code: "CAPA04"})
	if len(got) != 1 || !reflect.DeepEqual(got[0].WorkSituations, x.WorkSituations) || !reflect.DeepEqual(got[0].Expertises, want) {
		t.Errorf("%+v", got)
	}
}

func TestRowWithoutStructureIsAnExerciseWithoutActivity(t *testing.T) {
	p := people(1)[0]
	p.Practices[0].WorkSituations = []rpps.WorkSituation{{Mode: "S", Authority: "ARS/ARS/ARS"}}
	dir := t.TempDir()
	mustImport(t, dir, public(t, "a.txt", []rpps.Professional{p}))
	if got := lookup(t, dir, p.ID.String()); len(got.Practices) != 1 || len(got.Practices[0].WorkSituations) != 0 {
		t.Errorf("%+v", got.Practices)
	}
}

// Encoding, byte order mark, line ends: what real copies do.
func TestCopiesOfOneFileGiveTheSamePersons(t *testing.T) {
	persons := people(20)
	persons[0].Practices[0].Name = "ÉLÉGANT D'Ô"
	text := read(t, public(t, "a.txt", persons))
	latin := make([]byte, 0, len(text))
	for _, r := range text {
		latin = append(latin, byte(r))
	}
	for name, c := range map[string]struct{ content, encoding string }{
		"UTF-8": {text, "UTF-8"}, "BOM": {"\ufeff" + text, "UTF-8"}, "CRLF": {strings.ReplaceAll(text, "\n", "\r\n"), "UTF-8"},
		"ISO-8859-1": {string(latin), "ISO-8859-1"}, "no last line end": {strings.TrimSuffix(text, "\n"), "UTF-8"}, "blank lines": {text + "\n\r\n", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			report := mustImport(t, dir, write(t, "a.txt", c.content))
			if report.Files[0].Encoding != c.encoding || report.Persons != len(persons) {
				t.Errorf("%s", report.Text())
			}
			if got := lookup(t, dir, persons[0].ID.String()).Practices[0].Name; got != "ÉLÉGANT D'Ô" {
				t.Errorf("%q", got)
			}
		})
	}
}

// Rule 8: the report says what was strange, and where.
func TestReportNamesWhatIsStrange(t *testing.T) {
	persons := people(10)
	persons[0].Practices[0].Profession = "777"
	persons[1].ID = rpps.MustNationalID("899800000005") // wrong check digit: a warning
	all := lines(read(t, public(t, "a.txt", persons)))
	all[len(all)-1] += "\n"
	all[0] = strings.TrimSuffix(all[0], "\n") + "Nouveauté|\n"
	for i := 1; i < len(all); i++ {
		all[i] = strings.TrimSuffix(all[i], "\n") + "x|\n"
	}
	all = append(all, all[1], "coupée|\n")
	report := mustRefuse(t, "bad-lines", t.TempDir(), write(t, "a.txt", strings.Join(all, "")))
	f := report.Files[0]
	if f.BadLines != 1 || f.FirstBadLines[0].Line != len(all) {
		t.Errorf("bad lines: %+v", f.FirstBadLines)
	}
	if f.KeyWarnings != 1 || len(f.UnknownCodes) != 1 || f.UnknownCodes[0].Code != "777" || f.UnknownCodes[0].Column != "Code profession" {
		t.Errorf("warnings %d, codes %+v", f.KeyWarnings, f.UnknownCodes)
	}
	if len(f.UnknownColumns) != 1 || f.UnknownColumns[0].Position != 57 || f.UnknownColumns[0].Filled == 0 {
		t.Errorf("columns: %+v", f.UnknownColumns)
	}
	accepted := mustAccept(t, t.TempDir(), write(t, "a.txt", strings.Join(all, "")))
	if accepted.Files[0].Duplicates == 0 {
		t.Error("a repeated line, far from the first, is not counted")
	}
	for _, word := range []string{"ligne", "Nouveauté", "777", "doublons"} {
		if !strings.Contains(accepted.Text(), word) {
			t.Errorf("the report does not say %q:\n%s", word, accepted.Text())
		}
	}
}

// Rule 9: no name, no date of birth, no address in logs or reports, even of
// broken lines.
func TestNothingPersonalIsWrittenAside(t *testing.T) {
	persons := people(50)
	text := read(t, restricted(t, "r.txt", persons)) + "8|99800|SECRETNAME|BADLINE\n"
	var logged, drawn bytes.Buffer
	o := importOptions(t.TempDir(), write(t, "r.txt", text))
	o.Log, o.Progress = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})), &drawn
	report, err := Import(t.Context(), o)
	if !fault.Is(err, fault.Denied) {
		t.Fatal(err)
	}
	asJSON, jsonErr := json.Marshal(report)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	all := logged.String() + drawn.String() + string(asJSON) + report.Text() + err.Error()
	for _, p := range persons {
		for _, secret := range []string{p.FamilyName, p.ID.Number(), p.Birth.Date, p.Contact.Mail, "SECRETNAME", "BADLINE"} {
			if strings.Contains(all, secret) {
				t.Fatalf("%q was written:\n%s", secret, all)
			}
		}
	}
	if !strings.Contains(drawn.String(), "%") {
		t.Error("no progress was drawn")
	}
}

func TestOneImportAtATime(t *testing.T) {
	dir := t.TempDir()
	file := public(t, "a.txt", people(5))
	mustImport(t, dir, file)
	lock, err := filelock.Try(filepath.Join(dir, lockName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), importOptions(dir, file)); !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	mustImport(t, dir, file)
}

// Trace before act: an import that cannot be recorded does not happen.
func TestUnrecordedImportIsNotPublished(t *testing.T) {
	dir := t.TempDir()
	o := importOptions(dir, public(t, "a.txt", people(5)))
	o.BeforePublish = func(context.Context, Report) error { return errors.New("disk full") }
	if report, err := Import(t.Context(), o); !fault.Is(err, fault.Unavailable) || report.Published {
		t.Errorf("%v", err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, Clock: testClock(), Log: o.Log}); !fault.Is(err, fault.NotFound) {
		t.Errorf("published all the same: %v", err)
	}
}

func TestImportStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Import(ctx, importOptions(t.TempDir(), public(t, "a.txt", people(5000)))); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}
