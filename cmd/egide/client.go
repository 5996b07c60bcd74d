package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/oidc/client"
)

// clientCmd looks after the registrations of relying parties.
type clientCmd struct {
	Lint   clientLintCmd   `cmd:"" help:"Explain every fault of client files; exit 0 if there is none."`
	Secret clientSecretCmd `cmd:"" help:"Make a client secret and the hash that goes into the client file."`
}

// clientLintCmd checks files as the provider would read them.
type clientLintCmd struct {
	Files []string `arg:"" name:"file" help:"Client files (YAML)." type:"existingfile"`
}

// Run prints each fault as file:line: path: message.
func (c clientLintCmd) Run(a *app) error {
	faults := 0
	owners := map[string]string{} // a client identifier must be in one file only
	for _, name := range c.Files {
		found, id, err := lintFile(name)
		if err != nil {
			return err
		}
		if other, taken := owners[id]; taken && id != "" {
			found = append(found, client.Fault{File: name, Path: "id", Message: "is taken by " + other})
		}
		owners[id] = name
		for _, f := range found {
			if _, err := fmt.Fprintln(a.Out, f); err != nil {
				return err
			}
		}
		if len(found) == 0 {
			if _, err := fmt.Fprintf(a.Out, "%s: good (client %s)\n", name, id); err != nil {
				return err
			}
		}
		faults += len(found)
	}
	if faults > 0 {
		return errReported
	}
	return nil
}

func lintFile(name string) ([]client.Fault, string, error) {
	data, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, "", err
	}
	c, faults := client.Parse(name, data)
	if c == nil {
		return faults, "", nil
	}
	return faults, c.ID, nil
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
