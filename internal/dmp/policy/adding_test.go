package policy

import "testing"

// Who may add to a record (identities.md, sections 2.7 and 4).
func TestDecideAdding(t *testing.T) {
	p := mustDefault(t)
	structure := func(certificate string) Facts { return Facts{Structure: "1990000119", Certificate: certificate} }
	for _, tt := range []struct {
		name  string
		facts Facts
		code  string // empty: granted
		rule  string
		fact  Fact
	}{
		{"structure with its certificate", structure("DMP-AUTO"), "", "S-71", FactStructure},
		{"structure without", structure(""), "PF-DR-036", "S-70", FactCertificate},
		{"certificate made for INSi", structure("INSI-AUTO"), "PF-DR-037", "S-83", FactService},
		{"the same in small letters", structure("insi-manu"), "PF-DR-037", "S-83", FactService},
		{"a name that begins with less", structure("INSI"), "", "S-71", FactStructure},
		{"a certificate and no structure", Facts{Certificate: "DMP-AUTO"}, "PF-DR-038", "S-71", FactWriter},
		{"nobody", Facts{}, "PF-DR-038", "S-71", FactWriter},
		{"doctor", with(func(*Facts) {}), "", "S-64", FactPerson},
		{"doctor without a situation", with(func(f *Facts) { f.Situation = nil }), "", "S-64", FactPerson},
		{"intern: adds, whatever the matrix says of reading", with(func(f *Facts) { f.Situation.Category = "E" }), "", "S-64", FactPerson},
		{"doctor by an offline code", with(func(f *Facts) { f.ACR, f.AMR = "offline-otp", []string{"otp", "pin"} }), "PF-DR-032", "S-90", FactLevel},
		{"doctor without a key", with(func(f *Facts) { f.AMR = []string{"otp", "mfa"} }), "PF-DR-032", "S-90", FactFactors},
		{"staff of an establishment", with(func(f *Facts) { f.Person = "3990000119/RH0007" }), "PF-DR-030", "S-71", FactStaff},
		{"staff of an editor", with(func(f *Facts) { f.Person = "500099900000029/ING012" }), "PF-DR-030", "S-71", FactStaff},
		{"a person dressed as a structure is a person", with(func(f *Facts) {
			f.Person, f.Structure, f.Certificate = "3990000119/RH0007", "1990000119", "DMP-AUTO"
		}), "PF-DR-030", "S-71", FactStaff},
	} {
		d := p.DecideAdding(tt.facts)
		if d.Granted != (tt.code == "") || d.Code != tt.code || d.Rule != tt.rule || d.Fact != tt.fact {
			t.Errorf("%s: %+v", tt.name, d)
		}
		if !d.Granted && (d.Message.FR == "" || d.WhoCanMend.EN == "") {
			t.Errorf("%s: a refusal that does not teach", tt.name)
		}
	}
	if d := p.Decide(structure("DMP-AUTO")); d.Granted || d.Rule != "S-81" {
		t.Errorf("a structure reads: %+v", d)
	}
}
