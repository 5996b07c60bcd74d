package login

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReadIdentifier(t *testing.T) {
	for _, tc := range []struct{ name, typed, want string }{
		{"national form", "899700990015", "899700990015"},
		{"with spaces", " 8 99700 990 015 ", "899700990015"},
		{"with no-break spaces", "8997\u00a00099\u202f0015", "899700990015"},
		{"with dots and dashes", "8-997.009.900.15", "899700990015"},
		{"11 digits: the 8 is added (S-67)", "10002700002", "810002700002"},
		{"e-CPE begins with 3", "3990000119/RH0007", "3990000119/RH0007"},
		{"structure's SIRET begins with 5", "500099900000029/ING012", "500099900000029/ING012"},
		{"ADELI begins with 0", "0759300015", "0759300015"},
		{"ADELI of Corsica", "02A9300015", "02A9300015"},
		{"EDIT test identity", "ans20211115", "ANS20211115"},
		{"PSI", "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
	} {
		id, wrong := readIdentifier(tc.typed)
		if wrong != nil || id.String() != tc.want {
			t.Errorf("%s: %q gives %q, %+v", tc.name, tc.typed, id, wrong)
		}
	}
}

func TestReadIdentifierSaysWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ name, typed, fr, offer string }{
		{"nothing", "  ", "Tapez votre identifiant", ""},
		{"letter O for zero", "8997O0990015", "Le caractère « O » en position 5", ""},
		{"a digit missing", "89970099001", "11 chiffres au lieu de 12", ""},
		{"a digit too many", "8997009900155", "13 chiffres au lieu de 12", ""},
		{"12 digits without the 8", "199700990015", "commence par 1", ""},
		{"11 digits with a wrong key: offered, not sent", "10002700009", "nous avons ajouté le 8", "810002700009"},
		{"one digit", "8", "1 chiffre au lieu de 12", ""},
		{"a word", "camille", "n'a pas 12 chiffres", ""},
		{"mail address", "camille@example.org", "Le caractère « @ » en position 8", ""},
	} {
		_, wrong := readIdentifier(tc.typed)
		if wrong == nil {
			t.Errorf("%s: %q is accepted", tc.name, tc.typed)
			continue
		}
		if !strings.Contains(wrong.fr, tc.fr) || wrong.offer != tc.offer || wrong.en == "" || wrong.en == wrong.fr {
			t.Errorf("%s: %+v", tc.name, wrong)
		}
	}
}

// Whatever is typed is either an identifier or explained in both languages;
// spaces never matter.
func TestReadIdentifierProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9 ./-]{0,20}`)).Draw(t, "typed")
		id, wrong := readIdentifier(typed)
		if (wrong == nil) == id.IsZero() {
			t.Fatalf("%q gives %q and %v", typed, id, wrong)
		}
		if wrong != nil && (wrong.fr == "" || wrong.en == "") {
			t.Fatalf("%q is refused without a word", typed)
		}
		spaced, _ := readIdentifier(strings.Join(strings.Split(typed, ""), " "))
		if spaced != id {
			t.Fatalf("spaces turn %q into %q", id, spaced)
		}
	})
}

func FuzzReadIdentifier(f *testing.F) {
	for _, s := range []string{"899700990015", "8 997 009 900 15", "3990000119/RH0007", "\xff", "８", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		id, wrong := readIdentifier(clip(typed))
		if wrong == nil && id.IsZero() {
			t.Error("neither identifier nor reason")
		}
	})
}

func TestNetworkSource(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "::ffff:203.0.113.9": "203.0.113.9",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "nonsense": "",
	} {
		if got := networkSource(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func TestCapitalised(t *testing.T) {
	for in, want := range map[string]string{"ANNE-MARIE": "Anne-Marie", "NOÉMIE": "Noémie", "JEAN D'ARC": "Jean D'Arc", "": ""} {
		if got := capitalised(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
