package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
	"github.com/egide-id/egide/internal/trust/signing/pkcs11"
)

// keysCmd looks after the signing keys. A running provider sees a change within
// a second and traces it.
type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"List the keys and their states."`
	Rotate keysRotateCmd `cmd:"" help:"Make the next key of an algorithm active, retire the active one, publish a new next."`
	Drop   keysDropCmd   `cmd:"" help:"After a theft or a loss: take a key out at once, and refuse what it signed."`
}

// keysListCmd shows what may be told about the keys.
type keysListCmd struct {
	Dir  string `help:"Key folder." default:"keys" env:"EGIDE_KEYS_DIR" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print JSON."`
	tokenFlags
}

// Run lists.
func (c keysListCmd) Run(a *app) error {
	keys, done, err := c.open(a, c.Dir)
	if err != nil {
		return err
	}
	defer done()
	if c.JSON {
		e := json.NewEncoder(a.Out)
		e.SetIndent("", "  ")
		return e.Encode(keys.List())
	}
	return writeKeys(a.Out, keys.List())
}

// tokenFlags name the PKCS#11 token of a provider that keeps its keys there.
type tokenFlags struct {
	Module  string `name:"pkcs11-module" help:"Library of the PKCS#11 token that holds the keys." env:"EGIDE_KEYS_PKCS11_MODULE" placeholder:"FILE"`
	Token   string `name:"pkcs11-token" help:"Label of the token." env:"EGIDE_KEYS_PKCS11_TOKEN"`
	PINFile string `name:"pkcs11-pin-file" help:"File that holds its PIN." env:"EGIDE_KEYS_PKCS11_PIN_FILE" placeholder:"FILE"`
}

// keysRotateCmd rotates one algorithm.
type keysRotateCmd struct {
	Alg string `arg:"" help:"RS256, PS256, ES256, EdDSA, or HS256 for the key of refresh tokens." enum:"RS256,PS256,ES256,EdDSA,HS256"`
	Dir string `help:"Key folder." default:"keys" env:"EGIDE_KEYS_DIR" placeholder:"DIR"`
	Now bool   `help:"Even if the next key was published less than an hour ago."`
	tokenFlags
}

// Run rotates.
func (c keysRotateCmd) Run(a *app) error {
	keys, done, err := c.open(a, c.Dir)
	if err != nil {
		return err
	}
	defer done()
	known := signing.KnownAfter
	if c.Now {
		known = 0
	}
	r, err := keys.Rotate(a.Ctx, jose.SignatureAlgorithm(c.Alg), known)
	if fault.Is(err, fault.Denied) {
		return fmt.Errorf("%w (--now rotates all the same)", err)
	}
	if err != nil {
		return err
	}
	changed := []signing.KeyInfo{r.Active, r.Retired}
	if r.Next.Kid != "" {
		changed = append(changed, r.Next)
	}
	return writeKeys(a.Out, changed)
}

// keysDropCmd retires a key in an emergency.
type keysDropCmd struct {
	Kid      string `arg:"" help:"Name of the key, see: egide keys list."`
	Reason   string `required:"" help:"compromised, lost or exercise." enum:"compromised,lost,exercise"`
	Operator string `help:"Who gives the order, for the traces; the login name by default."`
	Dir      string `help:"Key folder." default:"keys" env:"EGIDE_KEYS_DIR" placeholder:"DIR"`
	tokenFlags
}

// Run drops.
func (c keysDropCmd) Run(a *app) error {
	keys, done, err := c.open(a, c.Dir)
	if err != nil {
		return err
	}
	defer done()
	d, err := keys.Drop(a.Ctx, c.Kid, operator(c.Operator), signing.Reason(c.Reason))
	if err != nil {
		return err
	}
	p := &printer{w: a.Out}
	p.line("%s key %s is out of the set, and what it signed is refused within a second by every node.", d.Alg, d.Kid)
	p.line("Services learn it when they fetch the key set again: five minutes at most for those that heed our answer.")
	if p.err != nil {
		return p.err
	}
	return writeKeys(a.Out, keys.List())
}

// open opens the keys of a folder, and the token that holds them if one is named.
func (f tokenFlags) open(a *app, dir string) (*signing.Keys, func(), error) {
	o := signing.Options{Dir: dir, Clock: a.Clock, Rand: a.Rand, Log: a.Log, Existing: true}
	done := func() {}
	if f.Module != "" {
		pin, err := os.ReadFile(f.PINFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--pkcs11-pin-file: %w", err)
		}
		token, err := pkcs11.Open(pkcs11.Options{Module: f.Module, Label: f.Token, PIN: strings.TrimSpace(string(pin))})
		if err != nil {
			return nil, nil, err
		}
		o.Vault, done = token, func() { _ = token.Close() } // the act is done by then
	}
	keys, err := signing.Open(a.Ctx, o)
	if err != nil {
		done()
		return nil, nil, err
	}
	return keys, done, nil
}

func writeKeys(w io.Writer, keys []signing.KeyInfo) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	p := &printer{w: t}
	p.line("ALG\tSTATE\tKID\tCREATED\tACTIVE SINCE\tRETIRED\tGONE")
	for _, k := range keys {
		p.line("%s\t%s\t%s\t%s\t%s\t%s\t%s", k.Alg, k.State, k.Kid, stamp(k.Created), stamp(k.Activated), stamp(k.Retired), stamp(k.Gone))
	}
	if p.err != nil {
		return p.err
	}
	return t.Flush()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
