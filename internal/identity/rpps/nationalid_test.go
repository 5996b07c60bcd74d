package rpps

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/fault"
)

func TestIdentifiersOfEveryKindAreRead(t *testing.T) {
	cases := map[string]struct {
		origin, number string
		typ            IDType
	}{
		"899700990015":                         {"RPPS", "99700990015", RPPS},
		"0759300015":                           {"ADELI", "759300015", ADELI},
		"02A9300015":                           {"ADELI", "2A9300015", ADELI},
		"3110000056000000001":                  {"FINESS", "110000056000000001", FINESS},
		"3990000119/RH0007":                    {"FINESS", "990000119/RH0007", FINESS},
		"500000001815646/CPAT00045":            {"SIRET", "00000001815646/CPAT00045", SIRET},
		"8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33": {"PSI", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", PSI},
		"0A0C2F30-6B53-4B8E-9B0C-2F6A0C1D7E33": {"PSI", "0a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", PSI},
		"ANS20261122083000":                    {"EDIT", "ANS20261122083000", EDIT},
	}
	for s, want := range cases {
		id, err := ParseNationalID(s)
		if err != nil || id.Type() != want.typ || id.Number() != want.number || id.Origin() != want.origin {
			t.Errorf("%s: %q %q %q, %v", s, id.Type(), id.Number(), id.Origin(), err)
		}
	}
}

func TestMalformedIdentifiersAreRefusedWithTheirCode(t *testing.T) {
	for _, s := range []string{
		"", "8", "8997009900155", "89970099001x", "075930001", "8 9970099001", "8997009900\n5", "899700990015|",
		"x12345678", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e3", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e3g", "ANS12", "ANS12345x", "3123", strings.Repeat("3", 65), "8９9700990015",
	} {
		if id, err := ParseNationalID(s); !fault.Is(err, fault.Invalid) || fault.CodeOf(err) != "PF-ID-001" || !id.IsZero() {
			t.Errorf("%q: %v, %v", s, id, err)
		}
	}
}

// A log must not say whose record it speaks of (rpps-import.md 6, rule 9).
func TestIdentifiersAreMaskedInLogs(t *testing.T) {
	for _, s := range []string{"899700990015", "0759300015", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33"} {
		id := MustNationalID(s)
		if logged := slog.Any("id", id).Value.Resolve().String(); strings.Contains(logged, s[1:len(s)-3]) || len(logged) != len(s) {
			t.Errorf("logged as %q", logged)
		}
	}
}

func TestIdentifierSurvivesJSON(t *testing.T) {
	for _, id := range []NationalID{{}, MustNationalID("899700990015")} {
		b, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		var back NationalID
		if err := json.Unmarshal(b, &back); err != nil || back != id {
			t.Errorf("%s: %v, %v", b, back, err)
		}
	}
	var id NationalID
	if err := json.Unmarshal([]byte(`"8123"`), &id); err == nil {
		t.Error("a malformed identifier was read from JSON")
	}
}

func TestLuhn(t *testing.T) {
	for s, want := range map[string]bool{"99700990015": true, "99700990016": false, "899700990015": false, "": false, "0": true, "1a": false} {
		if Luhn(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
	if !MustNationalID("899700990015").KeyOK() || MustNationalID("899700990016").KeyOK() || !MustNationalID("0759300019").KeyOK() {
		t.Error("KeyOK")
	}
}

func FuzzParseNationalID(f *testing.F) {
	for _, s := range []string{"899700990015", "0759300015", "500000001815646/CPAT00045", "8a0c2f30-6b53-4b8e-9b0c-2f6a0c1d7e33", "ANS20261122", "", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseNationalID(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || !id.IsZero() {
				t.Errorf("%q: %v, %v", s, id, err)
			}
			return
		}
		again, err := ParseNationalID(id.String())
		if err != nil || again != id {
			t.Errorf("%q is read as %q, which is read as %q", s, id, again)
		}
		if strings.ContainsAny(id.String(), "|;\r\n\t \"<>&") {
			t.Errorf("%q holds what could end a cell, a line or a tag", id)
		}
		if n := id.Number(); n == "" || !strings.HasSuffix(id.String(), n) {
			t.Errorf("%q has the number %q", id, n)
		}
	})
}
