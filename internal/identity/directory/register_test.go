package directory

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// A change is seen within a second of its publication, cached persons included.
func TestRegisterFollowsANewImport(t *testing.T) {
	dir := t.TempDir()
	persons := people(50)
	mustImport(t, dir, public(t, "a.txt", persons))
	c := testClock()
	r := mustOpenAt(t, dir, c)
	id := persons[0].ID
	name := func() string {
		p, err := r.Lookup(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return p.Practices[0].Name
	}
	before := name()
	persons[0].Practices[0].Name = "CHANGEE"
	mustImport(t, dir, public(t, "b.txt", persons))
	if name() != before {
		t.Error("switched without looking")
	}
	c.Advance(time.Second)
	if got := name(); got != "CHANGEE" {
		t.Errorf("served from before the change: %q", got)
	}
	info, err := r.Info(t.Context())
	if err != nil || info.Persons != 50 || info.Sources["public"].Rows == 0 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestUnknownPersonIsNotFoundWithItsCode(t *testing.T) {
	dir := t.TempDir()
	mustImport(t, dir, public(t, "a.txt", people(5)),
		write(t, "ids.csv", identifierHeader+"\n899700999990;0759300015;ADELI;1;actif\n"))
	r := mustOpen(t, dir)
	for _, id := range []string{"899700999990", "0759300015", "0999999999", "3990000119/RH0007"} {
		_, err := r.Lookup(t.Context(), rpps.MustNationalID(id))
		if !fault.Is(err, fault.NotFound) || fault.CodeOf(err) != "PF-ID-002" {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestNoRegisterIsNotFound(t *testing.T) {
	o := importOptions(t.TempDir())
	if _, err := Open(t.Context(), Options{Dir: o.Dir, Clock: o.Clock, Log: o.Log}); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

// What the sandbox writes is what the register gives back.
func TestWrittenPersonsComeBack(t *testing.T) {
	persons := people(60)
	persons = append(persons, rpps.Professional{
		ID: rpps.MustNationalID("3990000119/RH0007"), Civility: "MME", FamilyName: "GESTION", GivenNames: []string{"ALIX"},
		Practices: []rpps.Practice{{Profession: "99", Category: "C", Name: "GESTION", GivenName: "ALIX"}},
	})
	persons[0].Closed = true
	persons[1].OtherIDs = []rpps.Identifier{{Value: "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", Origin: "PSI", Quality: 2}}
	var ids bytes.Buffer
	if err := WriteAlternativeIDs(&ids, persons); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mustImport(t, dir, restricted(t, "r.txt", persons), write(t, "ids.csv", ids.String()))
	r := mustOpen(t, dir)
	for _, want := range persons {
		got, err := r.Lookup(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		own := rpps.Identifier{Value: want.ID.String(), Origin: want.ID.Origin(), Quality: 1}
		want.OtherIDs = slices.Insert(slices.Clone(want.OtherIDs), 0, own)
		if len(want.OtherIDs) > 1 {
			want.PSI = want.OtherIDs[1].Value
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("wrote\n%+v\nread\n%+v", want, got)
		}
		if text := Describe(got); !strings.Contains(text, want.ID.String()) || !strings.Contains(text, want.FamilyName) {
			t.Errorf("description: %s", text)
		}
	}
}

// A value with a separator would put words in another cell: it is refused.
func TestSeparatorsInValuesAreRefused(t *testing.T) {
	p := people(1)
	p[0].FamilyName = "A|B"
	if err := WriteRestricted(&bytes.Buffer{}, p); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	p = people(1)
	p[0].OtherIDs = []rpps.Identifier{{Value: "1;2", Origin: "ADELI", Quality: 1}}
	if err := WriteAlternativeIDs(&bytes.Buffer{}, p); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}
