package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// clientCmd looks after the registrations of relying parties.
type clientCmd struct {
	Lint         clientLintCmd     `cmd:"" help:"Explain every fault of client files; exit 0 if there is none. Warnings are told and do not count."`
	Secret       clientSecretCmd   `cmd:"" help:"Make a client secret and the hash that goes into the client file."`
	Add          clientAddCmd      `cmd:"" help:"Register a service in the database, by a client file or by flags; its secret is shown once."`
	Change       clientChangeCmd   `cmd:"" help:"Replace the registration of a service in the database; its secret stays."`
	List         clientListCmd     `cmd:"" help:"List the services, wherever they are registered."`
	Show         clientShowCmd     `cmd:"" help:"Show one registration."`
	Disable      clientDisableCmd  `cmd:"" help:"Refuse a service everywhere, within two seconds."`
	Enable       clientEnableCmd   `cmd:"" help:"Undo disable."`
	RotateSecret clientRotateCmd   `cmd:"" help:"Make a new secret, shown once; the old one stays good for a while."`
	Matrix       clientMatrixCmd   `cmd:"" help:"For the auditor: which scope tells which claim to which service (PG-40)."`
	Invite       clientInviteCmd   `cmd:"" help:"Give a right to register (initial access token), shown once."`
	Invitations  clientInvitesCmd  `cmd:"" help:"List the rights to register."`
	Uninvite     clientUninviteCmd `cmd:"" name:"uninvite" help:"Take a right to register back."`
}

// clientLintCmd checks files as the provider would read them.
type clientLintCmd struct {
	Sectors bool `help:"Ask the sector identifier URIs too, over the network."`

	Files []string `arg:"" name:"file" help:"Client files (YAML)." type:"existingfile"`
}

// Run prints each fault as file:line: path: message.
func (c clientLintCmd) Run(a *app) error {
	faults := 0
	owners := map[string]string{} // a client identifier must be in one file only
	for _, name := range c.Files {
		found, read, err := lintFile(name)
		if err != nil {
			return err
		}
		id := ""
		if read != nil {
			id = read.ID
		}
		if other, taken := owners[id]; taken && id != "" {
			found = append(found, client.Fault{File: name, Path: "id", Message: "is taken by " + other})
		}
		owners[id] = name
		if c.Sectors && len(found) == 0 {
			of, err := checkSector(a, read)
			if err != nil {
				return err
			}
			found = append(found, of...)
		}
		for _, f := range found {
			if _, err := fmt.Fprintln(a.Out, f); err != nil {
				return err
			}
		}
		if len(found) == 0 {
			if _, err := fmt.Fprintf(a.Out, "%s: good (client %s)\n", name, id); err != nil {
				return err
			}
			for _, w := range desk.Warnings(read) {
				if _, err := fmt.Fprintf(a.Out, "%s: warning: %s %s\n", name, w.Path, w.Message); err != nil {
					return err
				}
			}
		}
		faults += len(found)
	}
	if faults > 0 {
		return errReported
	}
	return nil
}

// checkSector asks what a sector says of a client, as the provider would: public
// addresses over https only.
func checkSector(a *app, c *client.Client) ([]client.Fault, error) {
	out, err := outbound.New(outbound.Options{Clock: a.Clock})
	if err != nil {
		return nil, err
	}
	return client.CheckSector(a.Ctx, out, c), nil
}

func lintFile(name string) ([]client.Fault, *client.Client, error) {
	data, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, nil, err
	}
	c, faults := client.Parse(name, data)
	return faults, c, nil
}

// clientSecretCmd makes a secret. It is shown once and stored nowhere.
type clientSecretCmd struct{}

// Run prints the secret, for the service, and its hash, for the client file.
func (clientSecretCmd) Run(a *app) error {
	secret, err := client.NewSecret(a.Rand)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "client_secret: %s\nsecret_sha256: [%s]\n", secret, client.HashSecret(secret))
	return err
}
