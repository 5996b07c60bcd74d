package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/provider"
)

// configFlags say where the configuration comes from; flags win over
// environment, environment over file.
type configFlags struct {
	Config string   `help:"Configuration file (YAML)." type:"path" env:"EGIDE_CONFIG"`
	Set    []string `help:"Override one key: --set store.backend=redis." placeholder:"KEY=VALUE" sep:"none"`
}

// load reads the whole configuration and reports every fault at once.
func (f configFlags) load() (provider.Config, error) {
	c := provider.Default()
	set := map[string]string{}
	for _, s := range f.Set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return c, fmt.Errorf("--set %s: write KEY=VALUE", s)
		}
		set[key] = value
	}
	err := config.Load(&c, config.Source{File: f.Config, Env: environment(), Prefix: "EGIDE_", Set: set})
	return c, err
}

// environment leaves out the variables that are flags of the program itself.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "EGIDE_CONFIG", "EGIDE_LOG_LEVEL", "EGIDE_LOG_FORMAT", "EGIDE_BIN", "EGIDE_TEST_REQUIRE":
		default:
			env = append(env, kv)
		}
	}
	return env
}

type serveCmd struct {
	configFlags
	Check bool `help:"Validate the configuration, the client files, the card authorities and the certificates, and exit."`
}

// Run serves until the context ends. SIGHUP reads the configuration again; a
// broken file keeps the old one and says so.
func (s serveCmd) Run(a *app) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	if s.Check {
		if err := errors.Join(provider.CheckClients(c), provider.CheckCards(c, a.Clock.Now()), provider.CheckServices(c, a.Clock.Now()), provider.CheckListeners(c, a.Clock), provider.CheckAdmin(c)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.Out, "configuration is good")
		return err
	}
	p, err := provider.New(a.Ctx, c, provider.Deps{Clock: a.Clock, Rand: a.Rand, Log: a.Log, Version: version()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(a.Ctx)
	defer cancel()
	go s.reloadOnHangup(ctx, p)
	return errors.Join(p.Serve(ctx), p.Close(context.WithoutCancel(a.Ctx)))
}

func (s serveCmd) reloadOnHangup(ctx context.Context, p *provider.Provider) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			c, err := s.load()
			p.Reload(ctx, c, err)
		}
	}
}
