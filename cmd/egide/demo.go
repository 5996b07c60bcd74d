package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/egide-id/egide/internal/provider/demo"
)

type demoCmd struct {
	Addr             string        `help:"Where the provider listens. Every other port is free to choose." default:"127.0.0.1:8480"`
	DMPAddr          string        `help:"Where the DMP listens; by default any free port." default:"localhost:0"`
	Data             string        `help:"Keep the data here; by default a temporary folder that goes with the demo." type:"path"`
	ClientFile       []string      `help:"Register your own service too (see egide client lint)." type:"existingfile" sep:"none"`
	TLSCert          string        `help:"Certificate for https." name:"tls-cert" type:"existingfile"`
	TLSKey           string        `help:"Its key." name:"tls-key" type:"existingfile"`
	Issuer           string        `help:"Issuer, when it is not derived from the address."`
	AuthorizationURL string        `help:"Authorization endpoint, when it lives on another host." name:"authorization-url"`
	BridgePort       int           `help:"Where the card bridge listens; 0 is any free port, as with a provider on port 0." name:"bridge-port" default:"17651"`
	NoBridge         bool          `help:"No card bridge in this process: a real one is expected on its ports." name:"no-bridge"`
	RequestLife      time.Duration `help:"How long a login waits for the phone, 30s to 10m; short to try what comes after." name:"request-life"`
	Cards            string        `help:"Write every persona's card into this folder, for card-bridge softcard." type:"path"`
	JSON             bool          `help:"Print one line of JSON when ready." name:"json"`
}

// Run serves the demonstration until the context ends, then exits without error.
func (d demoCmd) Run(a *app) error {
	running, err := demo.Start(a.Ctx, demo.Options{
		Addr: d.Addr, DMPAddr: d.DMPAddr, DataDir: d.Data, ClientFiles: d.ClientFile,
		TLSCert: d.TLSCert, TLSKey: d.TLSKey, Issuer: d.Issuer, AuthorizationURL: d.AuthorizationURL,
		BridgePort: d.BridgePort, NoBridge: d.NoBridge, CardsDir: d.Cards, RequestLife: d.RequestLife,
		Clock: a.Clock, Rand: a.Rand, Log: a.Log, Version: version(),
	})
	if err != nil {
		return err
	}
	if d.JSON {
		err = json.NewEncoder(a.Out).Encode(running.Sheet())
	} else {
		err = running.Sheet().Print(a.Out)
	}
	if err != nil {
		return errors.Join(err, running.Close(context.WithoutCancel(a.Ctx)))
	}
	return errors.Join(running.Wait(a.Ctx), running.Close(context.WithoutCancel(a.Ctx)))
}
