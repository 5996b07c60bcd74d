// Package sandbox plays people for integrators: invented personas, and phones
// and cards that do to each request what their persona is scripted to do.
//
// It exists in the declared environment "sandbox" alone (architecture, point
// 14): the wiring refuses to start it anywhere else.
package sandbox

import (
	"fmt"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// Persona is one invented person of the test table (identities.md section 6).
type Persona struct {
	Key       string // P1, P3, ... ; B-... for the scripted behaviours
	Login     string // what is typed on the login page; empty when the person cannot log in
	Name      string
	Means     string // what the person holds, in words
	Card      Card   // zero for those who have none
	Behaviour Behaviour
	Person    rpps.Professional // zero for those who are not in the register
}

// Card is what is printed on a persona's card, and the generation of its chip.
type Card struct {
	Type  string // CPS | CPF | CPE | CDE
	Model string // cps3 | cps4
}

// Generations of the card.
const (
	cps3 = "cps3"
	cps4 = "cps4"
)

// Personas gives the table, in its documented order.
func Personas() []Persona {
	list := []Persona{
		{Key: "P1", Login: "899700991013", Means: "CPS + e-CPS", Card: Card{"CPS", cps3}, Behaviour: Approve,
			Person: doctor("899700991013", "MME", "CAMILLE", "EXEMPLE", "SM54")},
		{Key: "P3", Login: "899700991021", Means: "e-CPS", Behaviour: Approve,
			Person: role("899700991021", "MME", "NOEMIE", "SPECIMEN",
				at(home, "326", "GENR10", "SA20"), at(residence, "326", "GENR12", "SA17"))},
		{Key: "P4", Login: "899700991039", Means: "e-CPS", Behaviour: Approve,
			Person: role("899700991039", "M", "SACHA", "PARCOURS", at(dac, "330", "GENR08", "SA43"))},
		{Key: "P5", Login: "3990000119/RH0007", Means: "CPE + e-CPE", Card: Card{"CPE", cps3}, Behaviour: Approve,
			Person: role("3990000119/RH0007", "MME", "ALIX", "GESTION", at(residence, "331", "GENR09", "SA17"))},
		{Key: "P2", Login: "899700991047", Means: "CPS", Card: Card{"CPS", cps4}, Behaviour: CardOnly, Person: nurse()},
		{Key: "P6", Login: "899700991054", Means: "CDE", Card: Card{"CDE", cps3}, Behaviour: CardOnly,
			Person: role("899700991054", "MME", "DOMINIQUE", "MODELE", at(residence, "359", "GENR12", "SA17"))},
		{Key: "P7", Login: "500099900000029/ING012", Means: "CPE", Card: Card{"CPE", cps3}, Behaviour: CardOnly,
			Person: role("500099900000029/ING012", "M", "LOUISON", "LOGICIEL", at(editor, "312", "GENR13", "SA29"))},
		{Key: "P8", Login: "899700991062", Means: "CPF", Card: Card{"CPF", cps3}, Behaviour: CardOnly, Person: intern()},
		{Key: "P9", Login: "899700991070", Means: "CPS", Card: Card{"CPS", cps3}, Behaviour: ClosedRecord,
			Person: practitioner("899700991070", "MME", "HONORINE", "RETRAITE", "60", "C", "", "", liberal("899700991070", "SA07"))},
		{Key: "P6-president", Name: "Gaspard PRESIDENCE", Means: "none", Behaviour: NoLogin},
		{Key: "P10", Name: "Maxence CANDIDAT", Means: "none", Behaviour: NoLogin},
	}
	list = append(list, scripted()...)
	for i := range list {
		if p := list[i].Person; !p.ID.IsZero() {
			list[i].Name = title(p.Practices[0].GivenName) + " " + p.FamilyName
			list[i].Person.Contact = contact(p, i)
		}
	}
	return list
}

// contact is what a persona activates an e-CPS with. The numbers are of the range
// that is kept for fiction; the mailboxes are the demonstration's inbox.
func contact(p rpps.Professional, n int) rpps.Contact {
	return rpps.Contact{
		Mail:  strings.ToLower(p.Practices[0].GivenName + "." + p.FamilyName + "@exemple.invalid"),
		Phone: fmt.Sprintf("063998%04d", n+1),
	}
}

// scripted are the personas that exist for their behaviour.
func scripted() []Persona {
	doctors := []struct {
		login, civility, given, family string
		behaviour                      Behaviour
	}{
		{"899700991088", "M", "PROSPER", "LENTEUR", ApproveLate},
		{"899700991096", "MME", "REINE", "REFUS", Refuse},
		{"899700991104", "M", "SILVAIN", "SILENCE", Ignore},
		{"899700991112", "MME", "ERINE", "NOMBRE", WrongNumber},
		{"899700991120", "M", "CODY", "ERREUR", WrongPIN},
		{"899700991138", "MME", "VERONE", "VERROU", Locked},
		{"899700991146", "M", "PERRIN", "ECHEANCE", Expired},
	}
	var list []Persona
	for _, d := range doctors {
		list = append(list, Persona{Key: "B-" + string(d.behaviour), Login: d.login, Means: "e-CPS", Behaviour: d.behaviour,
			Person: doctor(d.login, d.civility, d.given, d.family, "SM54")})
	}
	list = append(list, Persona{Key: "B-suspended", Login: "899700991153", Means: "e-CPS", Behaviour: Suspended,
		Person: practitioner("899700991153", "MME", "SUZON", "PAUSE", "60", "C", "", "", liberal("899700991153", "SA07"))})
	return append(list, cardholders()...)
}

// cardholders are the personas whose card misbehaves.
func cardholders() []Persona {
	var list []Persona
	for _, d := range []struct {
		login, civility, given, family string
		behaviour                      Behaviour
	}{
		{"899700991161", "M", "ARTHUR", "ARRACHE", CardPulled},
		{"899700991179", "MME", "ELVIRE", "REVOQUE", CardRevoked},
		{"899700991187", "M", "FABIEN", "PERIME", CardExpired},
		{"899700991195", "MME", "BLANCHE", "BLOCAGE", CardPINBlocked},
	} {
		list = append(list, Persona{Key: "B-" + string(d.behaviour), Login: d.login, Means: "CPS", Card: Card{"CPS", cps3}, Behaviour: d.behaviour,
			Person: doctor(d.login, d.civility, d.given, d.family, "SM54")})
	}
	return list
}

func title(s string) string {
	b := []byte(s)
	for i := 1; i < len(b); i++ {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
