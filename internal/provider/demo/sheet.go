package demo

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Sheet is what an integrator needs to know of a running demonstration. Its
// JSON form is one line and a contract: fields are only ever added.
type Sheet struct {
	Issuer                string    `json:"issuer"`
	AuthorizationEndpoint string    `json:"authorization_endpoint"`
	DMPURL                string    `json:"dmp_url"`
	Clients               []Client  `json:"clients"`
	Personas              []Persona `json:"personas"`
	CardsURL              string    `json:"cards_url"`    // where cards are put in and pulled
	BridgePorts           []int     `json:"bridge_ports"` // of the card bridge in this process; empty when there is none
	AppURL                string    `json:"app_url"`      // the e-CPS app; empty when the demonstration serves none
	InboxURL              string    `json:"inbox_url"`    // what would have been sent; .json beside it for programs
	PortalURL             string    `json:"portal_url"`   // « Mon e-CPS »
	MTLSURL               string    `json:"mtls_url"`     // stands in place of the issuer where services show certificates
	DMPAPIURL             string    `json:"dmp_api_url"`  // the DMP for programs that do
	CAFile                string    `json:"ca_file"`      // what both are trusted by
}

// Client is a registration the integrator may use. A public one has no secret.
type Client struct {
	ID                     string   `json:"client_id"`
	Secret                 string   `json:"client_secret,omitempty"`
	Profile                string   `json:"profile"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris"`
	Certificate            string   `json:"certificate,omitempty"` // file, PEM, of a client that authenticates by one
	Key                    string   `json:"key,omitempty"`
}

// Persona is one row of the table of test persons.
type Persona struct {
	Login     string `json:"login"`
	Name      string `json:"name"`
	Means     string `json:"means"`
	Behaviour string `json:"behaviour"`
	Card      string `json:"card"` // cps3 | cps4, empty without a card
}

// Print writes the sheet for a person.
func (s Sheet) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) }
	row("")
	row("Égide is ready. Everything here is invented and listens on loopback only.")
	row("")
	row("Open the DMP", s.DMPURL)
	row("Issuer", s.Issuer)
	row("Discovery", s.Issuer+"/.well-known/openid-configuration")
	row("Authorization", s.AuthorizationEndpoint)
	row("e-CPS app (a phone)", orDash(s.AppURL))
	row("Inbox (mail, SMS)", s.InboxURL)
	row("Mon e-CPS", orDash(s.PortalURL))
	row("Certificates (mTLS)", s.MTLSURL)
	row("DMP for programs (mTLS)", s.DMPAPIURL)
	row("CA of both", s.CAFile)
	row("Cards", s.CardsURL)
	row("Card bridge", s.bridge())
	row("")
	row("CLIENT", "SECRET OR CERTIFICATE", "PROFILE", "REDIRECT URI")
	for _, c := range s.Clients {
		row(c.ID, orDash(cmp.Or(c.Secret, c.Certificate)), c.Profile, orDash(strings.Join(c.RedirectURIs, " ")))
	}
	row("")
	row("LOGIN", "NAME", "MEANS", "CARD", "BEHAVIOUR")
	for _, p := range s.Personas {
		row(orDash(p.Login), p.Name, p.Means, orDash(p.Card), p.Behaviour)
	}
	row("")
	row("899700999990 belongs to nobody. Stop with Ctrl-C.")
	if err := t.Flush(); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return nil
}

// bridge tells where cards are read.
func (s Sheet) bridge() string {
	if len(s.BridgePorts) == 0 {
		return "none here: start card-bridge to log in by card"
	}
	return fmt.Sprintf("http://127.0.0.1:%d", s.BridgePorts[0])
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
