package psc

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider/demo"
)

// One demonstration serves all tests; each brings its own browser.
var (
	running *harness.Demo
	today   later
)

// later is the machine's clock, moved on by tests about lifetimes.
type later struct {
	clock.System
	ahead atomic.Int64
}

func (l *later) Now() time.Time { return l.System.Now().Add(time.Duration(l.ahead.Load())) }

func (l *later) move(d time.Duration) { l.ahead.Add(int64(d)) }

// neighbour is a second registered service. Its secret reads differently with
// and without form-urlencoding, and cannot be decoded at all as it stands.
var neighbour = demo.Client{
	ID: "autre-logiciel", Secret: "a+b%2Fc:&=é 100%", Profile: string(client.ProfilePSC),
	RedirectURIs:           []string{"http://127.0.0.1:9411/retour?outil=autre"},
	PostLogoutRedirectURIs: []string{"http://127.0.0.1:9411/fin?outil=autre"},
}

func TestMain(m *testing.M) {
	code, err := withDemo(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func withDemo(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if running, err = harness.Open(ctx, os.Stderr, func(o *demo.Options) { o.Clock = &today }); err != nil {
		return 1, err
	}
	err = running.Provider.Clients().Add(&client.Client{
		ID: neighbour.ID, Name: "Autre logiciel", Owner: "Essai", Contact: "essai@exemple.invalid", Purpose: "essai",
		Profile: client.ProfilePSC, AuthMethod: client.AuthPost, SecretHashes: []string{client.HashSecret(neighbour.Secret)},
		RedirectURIs: neighbour.RedirectURIs, PostLogoutRedirectURIs: neighbour.PostLogoutRedirectURIs, PKCEException: "2026-11-22",
	})
	if err == nil {
		code = m.Run()
	} else {
		code = 1
	}
	if closed := running.Close(ctx); closed != nil {
		return 1, closed
	}
	return code, err
}
