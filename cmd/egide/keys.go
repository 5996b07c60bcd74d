package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/signing"
)

// keysCmd looks after the signing keys. A running provider sees a change within
// a second and traces it.
type keysCmd struct {
	List   keysListCmd   `cmd:"" help:"List the keys and their states."`
	Rotate keysRotateCmd `cmd:"" help:"Make the next key of an algorithm active, retire the active one, publish a new next."`
}

// keysListCmd shows what may be told about the keys.
type keysListCmd struct {
	Dir  string `help:"Key folder." default:"keys" env:"EGIDE_KEYS_DIR" placeholder:"DIR"`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists.
func (c keysListCmd) Run(a *app) error {
	keys, err := openKeys(a, c.Dir)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(a.Out)
		e.SetIndent("", "  ")
		return e.Encode(keys.List())
	}
	return writeKeys(a.Out, keys.List())
}

// keysRotateCmd rotates one algorithm.
type keysRotateCmd struct {
	Alg string `arg:"" help:"RS256, PS256, ES256, EdDSA, or HS256 for the key of refresh tokens." enum:"RS256,PS256,ES256,EdDSA,HS256"`
	Dir string `help:"Key folder." default:"keys" env:"EGIDE_KEYS_DIR" placeholder:"DIR"`
	Now bool   `help:"Even if the next key was published less than an hour ago: after a theft."`
}

// knownAfter is how long a next key must have been published: services may keep
// the key set that long, and would refuse a key that is not in it.
const knownAfter = time.Hour

// Run rotates.
func (c keysRotateCmd) Run(a *app) error {
	keys, err := openKeys(a, c.Dir)
	if err != nil {
		return err
	}
	alg := jose.SignatureAlgorithm(c.Alg)
	if !c.Now {
		if err := publishedLongEnough(a.Clock, keys.List(), alg); err != nil {
			return err
		}
	}
	r, err := keys.Rotate(a.Ctx, alg)
	if err != nil {
		return err
	}
	changed := []signing.KeyInfo{r.Active, r.Retired}
	if r.Next.Kid != "" {
		changed = append(changed, r.Next)
	}
	return writeKeys(a.Out, changed)
}

func publishedLongEnough(c clock.Clock, keys []signing.KeyInfo, alg jose.SignatureAlgorithm) error {
	for _, k := range keys {
		if age := c.Now().Sub(k.Created); k.Alg == alg && k.State == signing.Next && age < knownAfter {
			return fault.New(fault.Denied, "", fmt.Sprintf(
				"the next %s key was published %s ago; services that keep the key set for an hour do not know it yet (--now rotates all the same)",
				alg, age.Round(time.Second)))
		}
	}
	return nil
}

func openKeys(a *app, dir string) (*signing.Keys, error) {
	return signing.Open(a.Ctx, signing.Options{Dir: dir, Clock: a.Clock, Rand: a.Rand, Log: a.Log, Existing: true})
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
