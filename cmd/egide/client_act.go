package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/provider"
)

// clientOrder is what every act on a registration shares: who and why, for the traces.
type clientOrder struct {
	runningFlags
	Case     string `required:"" help:"Reference of the case, for the traces."`
	Operator string `help:"Who gives the order; the login name by default."`
}

func (c clientOrder) act() desk.Act { return desk.Act{Operator: operator(c.Operator), Reason: c.Case} }

// do acts and shows what the registration has become.
func (c clientOrder) do(a *app, act string, o provider.ClientOrder) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	o.Act = c.act()
	done, err := admin.Client(a.Ctx, act, o)
	if err != nil {
		return err
	}
	return printClient(a, done)
}

// printClient shows a registration and, once, its secret.
func printClient(a *app, c provider.ClientResult) error {
	p := &printer{w: a.Out}
	state := "enabled"
	if c.Disabled {
		state = "disabled"
	}
	p.line("client %s, %s, in the %s, version %d", c.ID, state, c.Place, c.Version)
	if c.OldSecretsUntil != nil {
		p.line("the old secret is good until %s", stamp(*c.OldSecretsUntil))
	}
	for _, w := range c.Warnings {
		p.line("warning: %s", w)
	}
	if c.Secret != "" {
		p.line("client_secret: %s", c.Secret)
		p.line("It is shown this once: only its hash is kept.")
	}
	return p.err
}

type clientAddCmd struct {
	clientOrder
	File     string   `help:"Client file (YAML); the flags below are for a service that needs no more." type:"existingfile" xor:"how" required:""`
	ID       string   `help:"Identifier of the client." xor:"how" required:""`
	Name     string   `help:"As the login page names it."`
	Owner    string   `help:"Legal person answerable for the service."`
	Contact  string   `help:"Whom the operator calls."`
	Purpose  string   `help:"What the service does with the identity."`
	Profile  string   `help:"oidc, or psc for a real Pro Santé Connect client." enum:"oidc,psc" default:"oidc"`
	Redirect []string `help:"Redirect URI, exactly as it is sent; may be given several times." sep:"none"`
	Scope    []string `help:"Scopes the service may ask for."`
	Auth     string   `help:"How it authenticates." default:"client_secret_basic"`
}

// Run registers.
func (c clientAddCmd) Run(a *app) error {
	document, err := c.document()
	if err != nil {
		return err
	}
	return c.do(a, "add", provider.ClientOrder{Document: document})
}

func (c clientAddCmd) document() (string, error) {
	if c.File != "" {
		data, err := os.ReadFile(filepath.Clean(c.File))
		return string(data), err
	}
	fields := map[string]any{"id": c.ID, "profile": c.Profile, "auth_method": c.Auth}
	for key, value := range map[string]string{"name": c.Name, "owner": c.Owner, "contact": c.Contact, "purpose": c.Purpose} {
		if value != "" {
			fields[key] = value
		}
	}
	for key, value := range map[string][]string{"redirect_uris": c.Redirect, "scopes": c.Scope} {
		if len(value) > 0 {
			fields[key] = value
		}
	}
	document, err := json.Marshal(fields) // a client file: JSON is a part of YAML
	return string(document), err
}

type clientChangeCmd struct {
	clientOrder
	ID   string `arg:"" help:"Identifier of the client."`
	File string `required:"" help:"Client file (YAML) with the whole new registration." type:"existingfile"`
}

// Run replaces.
func (c clientChangeCmd) Run(a *app) error {
	data, err := os.ReadFile(filepath.Clean(c.File))
	if err != nil {
		return err
	}
	return c.do(a, "change", provider.ClientOrder{ID: c.ID, Document: string(data)})
}

type clientDisableCmd struct {
	clientOrder
	ID string `arg:"" help:"Identifier of the client."`
}

// Run disables.
func (c clientDisableCmd) Run(a *app) error {
	return c.do(a, "disable", provider.ClientOrder{ID: c.ID})
}

type clientEnableCmd struct {
	clientOrder
	ID string `arg:"" help:"Identifier of the client."`
}

// Run enables.
func (c clientEnableCmd) Run(a *app) error {
	return c.do(a, "enable", provider.ClientOrder{ID: c.ID})
}

type clientRotateCmd struct {
	clientOrder
	ID      string        `arg:"" help:"Identifier of the client."`
	Overlap time.Duration `help:"How long the old secret stays good beside the new one." default:"168h"`
	Now     bool          `help:"The old secret ends now: after a leak."`
}

// Run makes a new secret.
func (c clientRotateCmd) Run(a *app) error {
	if c.Now {
		c.Overlap = 0
	}
	return c.do(a, "rotate", provider.ClientOrder{ID: c.ID, Overlap: c.Overlap})
}

type clientListCmd struct{ runningFlags }

// Run lists.
func (c clientListCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	all, err := admin.Clients(a.Ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	t := &printer{w: w}
	t.line("CLIENT\tNAME\tPROFILE\tPLACE\tVERSION\tSTATE\tWARNINGS")
	for _, v := range all {
		var r struct{ Name, Profile string }
		if err := json.Unmarshal(v.Registration, &r); err != nil {
			return err
		}
		state := "enabled"
		if v.Disabled {
			state = "disabled"
		}
		t.line("%s\t%s\t%s\t%s\t%d\t%s\t%d", v.ID, r.Name, r.Profile, v.Place, v.Version, state, len(v.Warnings))
	}
	if t.err != nil {
		return t.err
	}
	return w.Flush()
}

type clientShowCmd struct {
	runningFlags
	ID string `arg:"" help:"Identifier of the client."`
}

// Run shows the registration as JSON, which is a client file too.
func (c clientShowCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	v, err := admin.Client(a.Ctx, "show", provider.ClientOrder{ID: c.ID})
	if err != nil {
		return err
	}
	if err := printClient(a, v); err != nil {
		return err
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Registration); err != nil {
		return err
	}
	_, err = fmt.Fprint(a.Out, out.String())
	return err
}
