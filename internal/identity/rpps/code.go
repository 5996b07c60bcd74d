package rpps

import "strings"

// Code is a value with the system that gives it its meaning.
type Code struct {
	System System
	Value  string
}

// Label gives the official French label.
func (c Code) Label() string { return Label(c.System, c.Value) }

// ProfessionSystems are the systems a "Code profession" may come from, tried in
// this order: the column holds the bare value (rpps-import.md 2.1).
func ProfessionSystems() []System {
	return []System{SystemProfession, SystemTitleUser, SystemSocialProfession, SystemOtherProfession}
}

// ProfessionCode tells which profession a bare value of the register is. A
// student (category E) has his profession in the list of those in training.
func ProfessionCode(value, category string) Code {
	if category == "E" {
		if _, ok := Find(SystemTrainee, value); ok {
			return Code{System: SystemTrainee, Value: value}
		}
	}
	for _, s := range ProfessionSystems() {
		if c, ok := Find(s, value); ok && !c.Deprecated {
			return Code{System: s, Value: value}
		}
	}
	for _, s := range ProfessionSystems() {
		if _, ok := Find(s, value); ok {
			return Code{System: s, Value: value}
		}
	}
	return Code{System: SystemProfession, Value: value}
}

// RoleCode tells whether a "Code rôle" is a function (FON-*, TRE_R21) or a care
// role (TRE_R85), identities.md 5, trap 1.
func RoleCode(value string) Code {
	if strings.HasPrefix(value, "FON-") {
		return Code{System: SystemFunction, Value: value}
	}
	return Code{System: SystemCareRole, Value: value}
}

// ProfessionLabel names the profession for a page: the care role for the role
// persons of RPPS+, whose profession 99 says nothing (identities.md 5).
func (p Practice) ProfessionLabel() string {
	if p.Profession == "99" {
		for _, w := range p.WorkSituations {
			if w.Role != "" {
				return RoleCode(w.Role).Label()
			}
		}
	}
	return ProfessionCode(p.Profession, p.Category).Label()
}
