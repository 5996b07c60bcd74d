package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// cardLogins is how many logins a median is taken of.
const cardLogins = 50

// typing is how long the sandbox's holder takes for his PIN.
const typing = 300 * time.Millisecond

// cards measures login by card: from the moment the bridge is asked to the page
// of the DMP, less the time of typing; and what a bridge weighs at rest.
func cards(ctx context.Context, bridge string) error {
	if err := cardLogin(ctx); err != nil {
		return err
	}
	return bridgeAtRest(ctx, bridge)
}

// stopper is what a browser of the harness tells of a failure: the bench has no test.
type stopper struct{}

// failed carries the failure up to cardLogin.
type failed struct{ error }

func (stopper) Helper() {}
func (stopper) Fatal(args ...any) {
	panic(failed{errors.New(strings.TrimSpace(fmt.Sprintln(args...)))})
}
func (stopper) Fatalf(format string, args ...any) { panic(failed{fmt.Errorf(format, args...)}) }

func cardLogin(ctx context.Context) (err error) {
	defer func() {
		if f, ok := recover().(failed); ok {
			err = f
		}
	}()
	d, err := harness.Open(ctx, io.Discard)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close(context.WithoutCancel(ctx))) }()
	for model, persona := range map[string]string{"CPS3": "P1", "CPS4": "P2"} {
		if err := moveCard(ctx, d, persona, "insert"); err != nil {
			return err
		}
		var took []time.Duration
		for range cardLogins {
			took = append(took, oneCardLogin(d))
		}
		if err := moveCard(ctx, d, persona, "remove"); err != nil {
			return err
		}
		slices.Sort(took)
		fmt.Printf("login by %s, PIN typed to DMP page: median %d ms, slowest %d ms of %d\n",
			model, took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds(), len(took))
	}
	return nil
}

// moveCard has the demonstration's hand move a persona's card.
func moveCard(ctx context.Context, d *harness.Demo, persona, order string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Sheet.CardsURL+"cards/"+persona+"/"+order, http.NoBody)
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("card: %s %s: %s", order, persona, res.Status), res.Body.Close())
	}
	return res.Body.Close()
}

func oneCardLogin(d *harness.Demo) time.Duration {
	var c clock.System
	b := harness.NewBrowser(stopper{}, func(*url.URL) bool { return false })
	b.Get(d.Sheet.DMPURL)
	b.Submit("login-egide", nil)
	b.Submit("submit-card", nil)
	from := c.Now()
	if refused := b.ByCard(d.Sheet.BridgePorts[0]); refused.Error != "" {
		panic(failed{fmt.Errorf("the bridge refused: %s", refused.Error)})
	}
	b.Finish("")
	if b.Page.Has("situation") {
		b.Submit("submit-situation", map[string]string{"situation": b.Page.Attr("situation-0", "value")})
	}
	if !b.Page.Has("consult") {
		panic(failed{errors.New("not inside the DMP")})
	}
	return c.Now().Sub(from) - typing
}

// bridgeAtRest starts the bridge as installed and reads what it holds.
func bridgeAtRest(ctx context.Context, bridge string) error {
	if _, err := os.Stat(bridge); err != nil {
		return fmt.Errorf("the bridge is not built (make bridge): %w", err)
	}
	p, err := harness.Run(ctx, bridge, "run", "--port", "0", "--allow-origin", "http://127.0.0.1:1=http://127.0.0.1:1/keys")
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := harness.Until("the bridge", 10*time.Second, func() bool { return strings.Contains(p.Said(), "listens") }); err != nil {
		return fmt.Errorf("%w: %s", err, p.Said())
	}
	held, err := p.Resident()
	if err != nil {
		return err
	}
	fmt.Printf("card-bridge at rest: %.1f MB\n", float64(held)/(1<<20))
	return nil
}
