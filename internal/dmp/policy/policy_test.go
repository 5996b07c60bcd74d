package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	card = []string{"hwk", "sc", "pin", "mfa"}
	ecps = []string{"swk", "pin", "mfa"}
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func mustDefault(t *testing.T) *Policy {
	t.Helper()
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// with gives the facts of a civil doctor with an e-CPS, changed.
func with(change func(*Facts)) Facts {
	f := Facts{Person: "899700990015", ACR: "eidas1", AMR: ecps, LoggedIn: noon, Now: noon.Add(time.Hour), Situation: &Situation{Profession: "10", Category: "C", Activity: "GENR01"}}
	change(&f)
	return f
}

func TestDecide(t *testing.T) {
	role := func(activity string, team bool) Facts {
		return with(func(f *Facts) {
			f.Situation = &Situation{Profession: "99", Category: "C", Activity: activity}
			f.CareTeam = team
		})
	}
	tests := []struct {
		name  string
		facts Facts
		code  string // empty: granted
		rule  string
		fact  Fact
	}{
		{"doctor with e-CPS", with(func(*Facts) {}), "", "X-13", FactProfession},
		{"doctor with card at eidas3", with(func(f *Facts) { f.AMR, f.ACR = card, "eidas3" }), "", "X-13", FactProfession},
		{"military doctor", with(func(f *Facts) { f.Situation.Category = "M" }), "", "X-13", FactProfession},
		{"student doctor: same code, other nomenclature", with(func(f *Facts) { f.Situation.Category = "E" }), "PF-DR-030", "X-13", FactProfession},
		{"category unknown", with(func(f *Facts) { f.Situation.Category = "" }), "PF-DR-030", "X-13", FactProfession},
		{"no profession at all", with(func(f *Facts) { f.Situation.Profession = "" }), "PF-DR-030", "X-13", FactProfession},
		{"structure token", Facts{ACR: "eidas1", AMR: card}, "PF-DR-031", "S-81", FactPerson},
		{"structure token dressed with a profession", with(func(f *Facts) { f.Person = "" }), "PF-DR-031", "S-81", FactPerson},
		{"no level", with(func(f *Facts) { f.ACR = "" }), "PF-DR-032", "S-90", FactLevel},
		{"offline code", with(func(f *Facts) { f.ACR, f.AMR = "offline-otp", []string{"otp", "pin"} }), "PF-DR-032", "S-90", FactLevel},
		{"level claimed, factors missing", with(func(f *Facts) { f.AMR = []string{"pwd"} }), "PF-DR-032", "S-90", FactFactors},
		{"two factors, none a key", with(func(f *Facts) { f.AMR = []string{"otp", "pin", "mfa"} }), "PF-DR-032", "S-90", FactFactors},
		{"no factors told", with(func(f *Facts) { f.AMR = nil }), "PF-DR-032", "S-90", FactFactors},
		{"four hours are allowed", with(func(f *Facts) { f.Now = noon.Add(4 * time.Hour) }), "", "X-13", FactProfession},
		{"login too long ago", with(func(f *Facts) { f.Now = noon.Add(4*time.Hour + time.Second) }), "PF-DR-035", "EXI RIE-PS 13", FactRecency},
		{"time of login not told", with(func(f *Facts) { f.LoggedIn = time.Time{} }), "PF-DR-035", "EXI RIE-PS 13", FactRecency},
		{"e-CPE of a FINESS employee", with(func(f *Facts) { f.Person = "3990000119/RH0007" }), "PF-DR-030", "S-81", FactIdentifier},
		{"CPE of a SIRET employee", with(func(f *Facts) { f.Person = "500099900000029/ING012" }), "PF-DR-030", "S-81", FactIdentifier},
		{"ADELI number still reads", with(func(f *Facts) { f.Person = "0759300015" }), "", "X-13", FactProfession},
		{"no situation chosen", with(func(f *Facts) { f.Situation = nil }), "PF-DR-034", "X-13", FactSituation},
		{"coordinator", role("GENR08", false), "", "S-30", FactActivity},
		{"support in care inside the team", role("GENR11", true), "", "X-13", FactCareTeam},
		{"support in care outside the team", role("GENR11", false), "PF-DR-033", "X-13", FactCareTeam},
		{"role without activity", role("", true), "PF-DR-030", "S-30", FactActivity},
	}
	p := mustDefault(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := p.Decide(tt.facts)
			if d.Granted != (tt.code == "") || d.Code != tt.code || d.Rule != tt.rule || d.Fact != tt.fact {
				t.Fatalf("got granted=%v code=%q rule=%q fact=%q", d.Granted, d.Code, d.Rule, d.Fact)
			}
			if d.StepUp != (tt.code == "PF-DR-032" || tt.code == "PF-DR-035") {
				t.Errorf("step-up = %v", d.StepUp)
			}
			for _, lang := range []string{"fr", "en"} {
				if !d.Granted && (d.Message.In(lang) == "" || d.Missing.In(lang) == "" || d.WhoCanMend.In(lang) == "") {
					t.Errorf("a refusal that teaches nothing in %s", lang)
				}
			}
		})
	}
}

// TestWholeMatrix walks every code of the nomenclature, old ones included, and
// compares with the list written out here a second time.
func TestWholeMatrix(t *testing.T) {
	reads := strings.Fields("10 21 40 50 60 70 80 91 94 95 98 93")
	p := mustDefault(t)
	for _, code := range strings.Fields("10 21 26 28 31 32 35 36 37 38 39 40 50 60 69 70 80 81 82 83 84 85 86 91 92 93 94 95 96 98 71 72 73 97 171 172 173 193 194 41 51 209 950") {
		for _, category := range []string{"C", "M", "E", ""} {
			d := p.Decide(with(func(f *Facts) {
				f.Situation = &Situation{Profession: code, Category: category, Activity: "GENR08"}
				f.CareTeam = true
			}))
			want := slices.Contains(reads, code) && (category == "C" || category == "M")
			if d.Granted != want {
				t.Errorf("profession %s category %q: granted = %v", code, category, d.Granted)
			}
		}
	}
	for _, kind := range strings.Fields("GENR01 GENR02 GENR03 GENR04 GENR05 GENR06 GENR07 GENR08 GENR09 GENR10 GENR11 GENR12 GENR13 GENR99") {
		for _, team := range []bool{false, true} {
			d := p.Decide(with(func(f *Facts) {
				f.Situation = &Situation{Profession: "99", Category: "C", Activity: kind}
				f.CareTeam = team
			}))
			want := kind == "GENR08" || kind == "GENR11" && team
			if d.Granted != want {
				t.Errorf("role %s care team %v: granted = %v", kind, team, d.Granted)
			}
		}
	}
}

func TestDefaultMatrixSaysItIsOurReading(t *testing.T) {
	if got := mustDefault(t).matrix.Status; got != "our reading" {
		t.Errorf("status = %q", got)
	}
}

// TestLoadRefusesBrokenMatrix: each change would widen or close rights unseen.
func TestLoadRefusesBrokenMatrix(t *testing.T) {
	tests := map[string]func(m map[string]any){
		"misspelt key":             func(m map[string]any) { m["profesions"] = m["professions"]; delete(m, "professions") },
		"no levels":                func(m map[string]any) { m["levels"] = []string{} },
		"no key among the factors": func(m map[string]any) { delete(m, "amr_any") },
		"role without its code":    func(m map[string]any) { m["by_role"].(map[string]any)["profession"] = "" },
		"99 as a profession":       func(m map[string]any) { m["professions"] = []string{"10", "99"} },
		"refusal without who":      func(m map[string]any) { delete(m["refused"].(map[string]any)["level"].(map[string]any), "who") },
		"grant without rule":       func(m map[string]any) { delete(m["granted"].(map[string]any), "activity") },
		"nobody's reading":         func(m map[string]any) { delete(m, "status") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if err := json.Unmarshal(defaultMatrix, &m); err != nil {
				t.Fatal(err)
			}
			change(m)
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Load(data); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := Load(append(bytes.Clone(defaultMatrix), "{}"...)); err == nil {
		t.Error("a second value after the matrix was accepted")
	}
}

// TestCopies holds the promise of the package comment: nothing but the
// standard library, so that a service can copy the folder.
func TestCopies(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(src, []byte("\"github.com"+"/")) || bytes.Contains(src, []byte("\"golang.org"+"/")) {
			t.Errorf("%s imports beyond the standard library", name)
		}
	}
}
