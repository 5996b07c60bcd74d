package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

type pkiIssueCmd struct {
	Card pkiIssueCardCmd `cmd:"" help:"Issue a card of an invented person, as a file for card-bridge softcard."`
	Org  pkiIssueOrgCmd  `cmd:"" help:"Issue the certificate of an organisation's application or server."`
}

type pkiIssueCardCmd struct {
	pkiFlags
	Type       string `help:"CPS, CPF, CPE, CPA or CDE." enum:"CPS,CPF,CPE,CPA,CDE" default:"CPS"`
	Model      string `help:"cps3, cps4 or cps3-contactless." enum:"cps3,cps4,cps3-contactless" default:"cps3"`
	Number     string `help:"Ten digits; the next free number by default."`
	Holder     string `help:"National identifier: 8 + RPPS, or the employer's and the internal one for staff." required:""`
	Family     string `help:"Family name." required:""`
	Given      string `help:"Given name." required:""`
	Profession int    `help:"Code of TRE_G15, 10 for a doctor; CPS and CPF only."`
	Title      string `help:"Label of the profession; the official one by default."`

	Structure    string `help:"Employer: 1 + FINESS or 3 + SIRET; staff cards only."`
	Organisation string `help:"Name of the employer; staff cards only."`
	Department   string `help:"Of the employer, such as \"Paris (75)\"; staff cards only."`

	Out string `help:"Card file to write." required:"" type:"path" placeholder:"FILE"`
}

// Run issues a card.
func (c pkiIssueCardCmd) Run(a *app) error {
	order, err := c.order()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Out); err == nil {
		return fault.New(fault.Conflict, "", c.Out+" exists: a card is never overwritten")
	}
	authority, err := c.open(a)
	if err != nil {
		return err
	}
	card, err := authority.IssueCard(order)
	if err != nil {
		return err
	}
	if err := card.Save(c.Out); err != nil {
		return err
	}
	serials, err := serialsOf(card)
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("%s %s of %s: %s", card.Type, card.Number, card.Holder, c.Out)
	p.line("authentication certificate %s", serials[0])
	p.line("signature certificate      %s", serials[1])
	p.line("PIN %s, unblocking code %s", card.PIN, card.PUK)
	return p.err
}

// order is what the authority is asked for: professionals have a profession on
// their certificate, staff an employer.
func (c pkiIssueCardCmd) order() (pki.CardOrder, error) {
	o := pki.CardOrder{Type: c.Type, Model: c.Model, Number: c.Number, Holder: c.Holder, Family: c.Family, Given: c.Given}
	if _, err := rpps.ParseNationalID(c.Holder); err != nil {
		return o, err
	}
	professional := c.Type == "CPS" || c.Type == "CPF"
	switch {
	case professional && c.Structure != "":
		return o, fault.New(fault.Invalid, "", "--structure is for staff cards: a professional's card names no employer")
	case professional:
		concept, known := rpps.Find(rpps.SystemProfession, strconv.Itoa(c.Profession))
		if !known {
			return o, fault.New(fault.Invalid, "", "--profession must be a code of TRE_G15, such as 10, 40, 50 or 60")
		}
		o.Profession, o.Title = c.Profession, cmp.Or(c.Title, concept.Label)
	case c.Profession != 0 || c.Title != "":
		return o, fault.New(fault.Invalid, "", "staff cards carry no profession")
	case c.Structure == "" || c.Organisation == "":
		return o, fault.New(fault.Invalid, "", "a staff card names its employer: --structure and --organisation")
	default:
		o.Structure, o.Organisation, o.Department = c.Structure, c.Organisation, c.Department
	}
	return o, nil
}

type pkiIssueOrgCmd struct {
	pkiFlags
	Profile      string `help:"auth-cli (an application's client authentication), sign, or server." enum:"auth-cli,sign,server" required:""`
	Range        string `help:"fort, standard or elementaire." enum:"fort,standard,elementaire" default:"elementaire"`
	Structure    string `help:"1 + FINESS or 3 + SIRET." required:""`
	Organisation string `help:"Name of the organisation."`
	Department   string `help:"Of the organisation, such as \"Paris (75)\"."`
	CN           string `help:"Name of the application, or of the host." required:""`
	Out          string `help:"Folder for the key and the certificate." required:"" type:"path" placeholder:"DIR"`
}

// fileName is what may become part of a path.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Run issues an organisation's certificate.
func (c pkiIssueOrgCmd) Run(a *app) error {
	if !fileName.MatchString(c.CN) {
		return fault.New(fault.Invalid, "", "--cn is letters, digits, dots and dashes")
	}
	key, certificate := filepath.Join(c.Out, c.CN+".key"), filepath.Join(c.Out, c.CN+".pem")
	if _, err := os.Stat(key); err == nil {
		return fault.New(fault.Conflict, "", key+" exists: a key is never overwritten")
	}
	authority, err := c.open(a)
	if err != nil {
		return err
	}
	pair, err := authority.IssueOrganisation(pki.OrganisationOrder{
		Profile: c.Profile, Range: igc.Range(c.Range), Structure: c.Structure, Organisation: c.Organisation, Department: c.Department, Common: c.CN,
	})
	if err != nil {
		return err
	}
	serial, err := pki.Serial(pair.Certificate)
	if err != nil {
		return err
	}
	err = errors.Join(os.MkdirAll(c.Out, 0o700), os.WriteFile(key, []byte(pair.Key), 0o600), os.WriteFile(certificate, []byte(pair.Certificate), 0o600))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	p := &printer{w: a.Out}
	p.line("%s %s: %s, %s", c.Profile, c.CN, certificate, key)
	p.line("certificate %s", serial)
	return p.err
}
