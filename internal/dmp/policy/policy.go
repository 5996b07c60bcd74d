package policy

import (
	"slices"
	"time"
)

// Facts is what the service knows when it is asked. Absent is empty, and
// nothing absent ever helps.
type Facts struct {
	Person    string    // national identifier of a natural person (SubjectNameID)
	ACR       string    // level reached (OpenID Connect Core, section 2)
	AMR       []string  // how it was reached (RFC 8176)
	LoggedIn  time.Time // when it was reached (auth_time)
	Now       time.Time
	Situation *Situation // the situation d'exercice chosen for this act, nil when none is
	CareTeam  bool       // the service knows the situation to be in this patient's care team

	Structure   string // number of the structure whose own token this is; a person's token has none
	Certificate string // name on the certificate that the token is bound to and that the connection has shown
}

// Situation is the part of a situation d'exercice that rights depend on, as
// codes: labels differ between editions of the nomenclature, codes do not.
type Situation struct {
	Profession string // codeProfession: TRE_G15, TRE_R95, or 99 of TRE_R291
	Category   string // codeCategorieProfessionnelle (TRE_R09): C civil, M military, E in training
	Activity   string // codeGenreActivite (TRE_R22), what RPPS+ calls the role
}

// Decision is the answer. A refusal tells the holder what to do about it.
type Decision struct {
	Granted    bool
	Rule       string // the rule that decided, also when it granted
	Code       string // public code of a refusal, "PF-DR-030"
	Fact       Fact   // which fact decided
	Message    Text   // one sentence for the person
	Missing    Text   // what was not there
	WhoCanMend Text   // who can bring it
	StepUp     bool   // a stronger authentication would change this answer (RFC 9470)
}

// Decide answers from the facts. The order matters: it speaks first of what
// the person can mend at once, and says nothing of rights before it knows that
// a person is there (S-81).
func (p *Policy) Decide(f Facts) Decision {
	switch {
	case f.Person == "":
		return p.refuse(FactPerson)
	case !slices.Contains(p.matrix.Levels, f.ACR):
		return p.refuse(FactLevel)
	case !p.strong(f.AMR):
		return p.refuse(FactFactors)
	case f.LoggedIn.IsZero() || f.Now.Sub(f.LoggedIn) > p.MaxAge():
		return p.refuse(FactRecency)
	case slices.Contains(p.matrix.IdentifierTypesRefused, f.Person[:1]):
		return p.refuse(FactIdentifier)
	case f.Situation == nil:
		return p.refuse(FactSituation)
	case f.Situation.Profession == p.matrix.ByRole.Profession:
		return p.byRole(*f.Situation, f.CareTeam)
	default:
		return p.byProfession(*f.Situation)
	}
}

// strong asks for two factors of which one is a key. A typed one-time code is
// two factors to some, but can be read over a shoulder or through a fake page.
func (p *Policy) strong(amr []string) bool {
	for _, need := range p.matrix.AMRAll {
		if !slices.Contains(amr, need) {
			return false
		}
	}
	return slices.ContainsFunc(p.matrix.AMRAny, func(one string) bool { return slices.Contains(amr, one) })
}

// byProfession reads the matrix for a health profession. The category is
// compared too: 10 with category E is a student of medicine (TRE_G16), whom
// this matrix does not list.
func (p *Policy) byProfession(s Situation) Decision {
	if slices.Contains(p.matrix.Professions, s.Profession) && slices.Contains(p.matrix.Categories, s.Category) {
		return p.grant(FactProfession)
	}
	return p.refuse(FactProfession)
}

// byRole reads the matrix for a person characterised by a role: the kind of
// activity counts, not the trade (S-30).
func (p *Policy) byRole(s Situation, careTeam bool) Decision {
	switch {
	case slices.Contains(p.matrix.ByRole.Activities, s.Activity):
		return p.grant(FactActivity)
	case !slices.Contains(p.matrix.ByRole.ActivitiesInCareTeam, s.Activity):
		return p.refuse(FactActivity)
	case careTeam:
		return p.grant(FactCareTeam)
	default:
		return p.refuse(FactCareTeam)
	}
}

func (p *Policy) grant(f Fact) Decision {
	return Decision{Granted: true, Rule: p.matrix.Granted[f].Rule, Fact: f}
}

func (p *Policy) refuse(f Fact) Decision {
	r := p.matrix.Refused[f]
	return Decision{
		Rule: r.Rule, Code: r.Code, Fact: f, StepUp: r.StepUp,
		Message: r.Message, Missing: r.Missing, WhoCanMend: r.Who,
	}
}

// MaxAge gives how old an authentication may be: what to ask for in max_age when
// a newer one is needed.
func (p *Policy) MaxAge() time.Duration {
	return time.Duration(p.matrix.MaxAgeSeconds) * time.Second
}

// Levels gives the levels that suffice, weakest first: what to ask for in
// acr_values when a step-up is needed.
func (p *Policy) Levels() []string { return slices.Clone(p.matrix.Levels) }
