package sandbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// The table is documented: its order and behaviours are a contract with
// everybody's CI.
func TestPersonasInTheirDocumentedOrder(t *testing.T) {
	want := []string{
		"P1 approve-300ms", "P3 approve-300ms", "P4 approve-300ms", "P5 approve-300ms", "P2 card-only", "P6 card-only", "P7 card-only", "P8 card-only",
		"P9 closed-record", "P6-president no-login", "P10 no-login", "B-approve-20s approve-20s", "B-refuse refuse", "B-ignore ignore",
		"B-wrong-number wrong-number", "B-wrong-pin wrong-pin", "B-locked locked", "B-expired expired", "B-suspended suspended",
		"B-card-pulled card-pulled", "B-card-revoked card-revoked", "B-card-expired card-expired", "B-card-pin-blocked card-pin-blocked",
	}
	var got []string
	for _, p := range Personas() {
		got = append(got, p.Key+" "+string(p.Behaviour))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestPersonasAreInvented(t *testing.T) {
	const nobody = "899700999990" // documented to belong to nobody
	seen := map[string]bool{}
	for _, p := range Personas() {
		if p.Name == "" {
			t.Errorf("%s has no name", p.Key)
		}
		if (p.Login == "") != (p.Behaviour == NoLogin) {
			t.Errorf("%s: login %q with behaviour %s", p.Key, p.Login, p.Behaviour)
		}
		if p.Login == "" {
			continue
		}
		id, err := rpps.ParseNationalID(p.Login)
		if err != nil || !id.KeyOK() || id != p.Person.ID || seen[p.Login] || p.Login == nobody {
			t.Errorf("%s: %s, %v", p.Key, p.Login, err)
		}
		seen[p.Login] = true
		if id.Type() == rpps.RPPS && !strings.HasPrefix(p.Login, "8997009") {
			t.Errorf("%s: %s is not in the range kept for personas", p.Key, p.Login)
		}
		for _, practice := range p.Person.Practices {
			for _, w := range practice.WorkSituations {
				for _, finess := range []string{w.Structure.FINESSSite, w.Structure.FINESSLegal} {
					if finess != "" && (!strings.HasPrefix(finess, "99") || !rpps.Luhn(finess)) {
						t.Errorf("%s: FINESS %s is not recognisable as invented", p.Key, finess)
					}
				}
			}
		}
	}
}

// S-64, X-03: P5 holds an e-CPE, whose identifier begins with 3.
func TestTheManagersIdentifierIsNoRPPS(t *testing.T) {
	for _, p := range Personas() {
		if p.Key == "P5" && (p.Person.ID.Type() != rpps.FINESS || !p.Behaviour.HasPhone()) {
			t.Errorf("%+v", p)
		}
	}
}

// Who holds which card is documented; the nurse's is of the new generation.
func TestEveryMeansOnPaperIsACard(t *testing.T) {
	for _, p := range Personas() {
		paper, _, _ := strings.Cut(p.Means, " + ")
		if !strings.HasPrefix(paper, "CP") && !strings.HasPrefix(paper, "CD") {
			paper = ""
		}
		model := ""
		switch {
		case p.Key == "P2":
			model = "cps4"
		case paper != "":
			model = "cps3"
		}
		if p.Card.Type != paper || p.Card.Model != model {
			t.Errorf("%s: %s is on paper, the card is %+v", p.Key, p.Means, p.Card)
		}
	}
}
