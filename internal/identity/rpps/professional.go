// Package rpps is the vocabulary of the register: who a professional is, what
// he practises and where. Rules: identities.md; wire forms belong to claims.
package rpps

import "time"

// Professional is one person of the register as Égide sees him.
type Professional struct {
	ID         NationalID
	OtherIDs   []Identifier // every known identifier, ID itself first (pro-sante-connect.md 2.1)
	PSI        string       // UUID of an active Pro Santé Identité, or empty
	Civility   string       // TRE_R81: M, MME
	FamilyName string       // restricted extract; empty from the public one
	GivenNames []string     // restricted extract
	Practices  []Practice
	Birth      Birth     // restricted extract; never in a token (PG-93)
	Contact    Contact   // restricted extract; never in a token (PG-93)
	Closed     bool      // S-94: closed or deceased records cannot sign in
	FirstSeen  time.Time // first import that held him; zero means "since the first load" (S-37)
}

// Identifier is one entry of otherIds.
type Identifier struct {
	Value   string // as on the wire: 899700990015, 0759300015, a UUID for PSI
	Origin  string // RPPS, ADELI, CAB_ADELI, FINESS, SIREN, SIRET, CAB_RPPS, PSI, EDIT
	Quality int    // 1 for register identifiers, 2 for PSI
}

// Birth is civil status, all as the register writes it.
type Birth struct {
	Date        string // dd/mm/yyyy
	CommuneCode string
	CountryCode string
	Place       string
	SexCode     string
}

// Contact is the data used to activate an e-CPS; not public.
type Contact struct {
	Mail, Phone string
}

// Practice (exercice professionnel) is one profession of one person.
type Practice struct {
	Profession     string // TRE_G15, R95, R94 or R291 by value; 99 = role person
	Category       string // TRE_R09: C, M, E
	Civility       string // TRE_R11: DR, PR, ...
	Name           string // nom d'exercice
	GivenName      string // prénom d'exercice
	Expertises     []Expertise
	WorkSituations []WorkSituation
}

// Expertise (savoir-faire): TRE_R04 type and TRE_R01 code.
type Expertise struct {
	Type, Code string
}

// WorkSituation (situation d'exercice, "activity" on the wire): one job in one
// structure. All codes are the nomenclature's own values.
type WorkSituation struct {
	Mode              string // TRE_R23
	Sector            string // TRE_R02
	PharmacistSection string // TRE_G05
	Role              string // TRE_R85 or TRE_R21
	Genre             string // TRE_R22
	Structure         Structure
	Authority         string // autorité d'enregistrement
}

// Structure is the place of work as the register describes it on the row.
type Structure struct {
	SIRET, SIREN            string
	FINESSSite, FINESSLegal string // EG, EJ
	TechnicalID             string // identifiant technique de la structure: R..., F..., C...
	FormerID                string // ancien identifiant (struct_IdNat)
	Name, TradeName         string // raison sociale, enseigne
	Address                 Address
	Phone, Phone2, Fax      string
	Mail                    string
	Department              string
}

// Address is kept part by part, as the register and the wire do.
type Address struct {
	Recipient, GeoPoint, Number, RepeatIndex, StreetType string
	Street, Distribution, Cedex, PostalCode              string
	Commune, Country                                     string
}
