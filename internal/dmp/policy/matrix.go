package policy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

//go:embed matrix.json
var defaultMatrix []byte

// Fact names what a decision turned on.
type Fact string

// The facts, in the order in which Decide asks for them.
const (
	FactPerson     Fact = "person"
	FactLevel      Fact = "level"
	FactFactors    Fact = "factors"
	FactRecency    Fact = "recency"
	FactIdentifier Fact = "identifier"
	FactSituation  Fact = "situation"
	FactProfession Fact = "profession"
	FactActivity   Fact = "activity"
	FactCareTeam   Fact = "care_team"

	FactWriter      Fact = "writer" // of an addition: neither a person nor a structure
	FactCertificate Fact = "certificate"
	FactService     Fact = "service" // what the certificate was made for
	FactStructure   Fact = "structure"
	FactStaff       Fact = "staff"
)

// Text is one sentence in the two languages of the service.
type Text struct {
	FR string `json:"fr"`
	EN string `json:"en"`
}

// In gives the sentence in a language, French unless English is asked for.
func (t Text) In(lang string) string {
	if lang == "en" {
		return t.EN
	}
	return t.FR
}

// Policy is a matrix that was checked.
type Policy struct{ matrix matrix }

type matrix struct {
	Status  string   `json:"status"`
	Subject string   `json:"subject"`
	Sources []string `json:"sources"`
	Note    string   `json:"note"`

	Levels                 []string `json:"levels"`
	AMRAll                 []string `json:"amr_all"`
	AMRAny                 []string `json:"amr_any"`
	MaxAgeSeconds          int      `json:"max_age_seconds"`
	IdentifierTypesRefused []string `json:"identifier_types_refused"`
	Categories             []string `json:"categories"`
	Professions            []string `json:"professions"`
	ByRole                 byRole   `json:"by_role"`
	Adding                 adding   `json:"adding"`

	Granted map[Fact]reason  `json:"granted"`
	Refused map[Fact]refusal `json:"refused"`
}

type byRole struct {
	Profession           string   `json:"profession"`
	Activities           []string `json:"activities"`
	ActivitiesInCareTeam []string `json:"activities_in_care_team"`
}

type adding struct {
	CertificatesRefused []string `json:"certificates_refused"` // beginnings of their names
}

type reason struct {
	Rule string `json:"rule"`
}

type refusal struct {
	Code    string `json:"code"`
	Rule    string `json:"rule"`
	StepUp  bool   `json:"step_up"`
	Message Text   `json:"message"`
	Missing Text   `json:"missing"`
	Who     Text   `json:"who"`
}

// Default is the matrix that ships with the demonstration.
func Default() (*Policy, error) { return Load(defaultMatrix) }

// Load reads a matrix. It is strict: a misspelt key in a file of rights would
// otherwise silently widen or close them. All faults come at once.
func Load(data []byte) (*Policy, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var m matrix
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("policy: read matrix: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("policy: more than one value in the matrix")
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &Policy{matrix: m}, nil
}

func (m matrix) check() error {
	var faults []error
	bad := func(when bool, what string) {
		if when {
			faults = append(faults, errors.New("policy: "+what))
		}
	}
	bad(m.Status == "", "status is empty: say whose reading this is")
	bad(len(m.Levels) == 0, "levels is empty")
	bad(len(m.AMRAny) == 0, "amr_any is empty: no login would ever do")
	bad(m.MaxAgeSeconds <= 0, "max_age_seconds is not above zero: no login would ever be new enough")
	bad(len(m.Categories) == 0, "categories is empty")
	bad(m.ByRole.Profession == "", "by_role.profession is empty: a record without profession would be read as a role")
	bad(len(m.Adding.CertificatesRefused) == 0, "adding.certificates_refused is empty: a certificate made for INSi would do")
	bad(slices.Contains(m.Professions, m.ByRole.Profession), "by_role.profession is also among professions: the role would not count")
	for _, f := range []Fact{FactProfession, FactActivity, FactCareTeam, FactStructure, FactPerson} {
		bad(m.Granted[f].Rule == "", "granted."+string(f)+" names no rule")
	}
	for _, f := range []Fact{
		FactPerson, FactLevel, FactFactors, FactRecency, FactIdentifier, FactSituation, FactProfession, FactActivity, FactCareTeam,
		FactWriter, FactCertificate, FactService, FactStaff,
	} {
		bad(!m.Refused[f].complete(), "refused."+string(f)+" lacks its code, rule or a sentence")
	}
	return errors.Join(faults...)
}

func (r refusal) complete() bool {
	for _, s := range []string{r.Code, r.Rule, r.Message.FR, r.Message.EN, r.Missing.FR, r.Missing.EN, r.Who.FR, r.Who.EN} {
		if s == "" {
			return false
		}
	}
	return true
}
