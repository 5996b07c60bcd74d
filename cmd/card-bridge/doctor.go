package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/pcsc"
	"github.com/egide-id/egide/internal/means/cps"
)

// patience is how long the doctor waits for one answer.
const patience = 5 * time.Second

type doctorCmd struct {
	settingsFlags
}

// Run checks link after link and says what to do about each fault. It never
// asks the PIN and costs no try.
func (c doctorCmd) Run(a *app) error {
	d := &doctor{app: a}
	s, err := c.load()
	if err != nil {
		d.bad(what{"Configuration", "Configuration"}, what{"corrigez le fichier : " + err.Error(), "correct the file: " + err.Error()})
		return d.verdict()
	}
	d.providers(s)
	d.ports(s)
	d.window(s)
	readers, err := pcsc.Open(a.Clock)
	if err != nil {
		d.bad(what{"Lecteurs", "Readers"}, what{"installez une version construite avec les lecteurs (étiquette pcsc).", "install a build with readers (tag pcsc)."})
		return d.verdict()
	}
	d.cards(readers, s)
	return d.verdict()
}

// what is one sentence in both languages.
type what struct{ fr, en string }

// doctor prints its findings as it goes.
type doctor struct {
	app    *app
	faults int
	err    error
}

func (d *doctor) say(w what) string {
	if d.app.French {
		return w.fr
	}
	return w.en
}

func (d *doctor) line(mark string, subject, rest string) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.app.Out, "%s %s: %s\n", mark, subject, rest)
	}
}

func (d *doctor) good(subject what, detail string) { d.line("ok ", d.say(subject), detail) }

func (d *doctor) bad(subject, action what) {
	d.faults++
	d.line("!! ", d.say(subject), d.say(action))
}

func (d *doctor) verdict() error {
	switch {
	case d.err != nil:
		return d.err
	case d.faults > 0:
		return errReported
	}
	return nil
}

// providers: somebody may ask, and his keys can be had and used.
func (d *doctor) providers(s settings) {
	subject := what{"Pages de connexion", "Login pages"}
	if len(s.Providers) == 0 {
		d.bad(subject, what{"ajoutez l'adresse de votre page de connexion à la configuration (providers).", "add the address of your login page to the configuration (providers)."})
		return
	}
	for _, p := range s.Providers {
		if err := d.keys(p); err != nil {
			d.bad(subject, what{"les clés de " + p.Origin + " ne servent pas : vérifiez le réseau et l'adresse de ses clés (" + err.Error() + ").",
				"the keys of " + p.Origin + " are of no use: check the network and the address of its keys (" + err.Error() + ")."})
			continue
		}
		d.good(subject, p.Origin)
	}
}

// maxKeySet bounds what is read of a provider.
const maxKeySet = 64 << 10

// keys reads a provider's keys as the bridge will.
func (d *doctor) keys(p providerFrom) error {
	if p.JWKSURL == "" {
		_, err := readKeys(p.JWKSFile)
		return err
	}
	ctx, cancel := context.WithTimeout(d.app.Ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.JWKSURL, nil)
	if err != nil {
		return err
	}
	res, err := caller().Do(req)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	_, err = parseKeys(b)
	return err
}

// ports: one of them is free, or a bridge already answers there.
func (d *doctor) ports(s settings) {
	subject := what{"Port", "Port"}
	for _, port := range s.Ports {
		l, err := new(net.ListenConfig).Listen(d.app.Ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close() // it was only a look
			d.good(subject, d.say(what{fmt.Sprintf("%d libre : démarrez « card-bridge run ».", port), fmt.Sprintf("%d is free: start “card-bridge run”.", port)}))
			return
		}
		if d.bridgeOn(port) {
			d.good(subject, d.say(what{fmt.Sprintf("un lien avec la carte répond sur %d.", port), fmt.Sprintf("a bridge answers on %d.", port)}))
			return
		}
	}
	d.bad(subject, what{"d'autres programmes occupent tous les ports : arrêtez-en un.", "other programs hold every port: stop one of them."})
}

// bridgeOn tells a bridge of ours by its refusal of a stranger: it needs no
// origin of anybody's.
func (d *doctor) bridgeOn(port int) bool {
	ctx, cancel := context.WithTimeout(d.app.Ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/v1/status", port), nil)
	if err != nil {
		return false
	}
	res, err := caller().Do(req)
	if err != nil {
		return false
	}
	var p cps.Problem
	err = errors.Join(json.NewDecoder(io.LimitReader(res.Body, cps.MaxBody)).Decode(&p), res.Body.Close())
	return err == nil && p.Error == cps.OriginNotAllowed
}

// window: a program that can show it is installed.
func (d *doctor) window(s settings) {
	subject := what{"Fenêtre du code", "PIN window"}
	name := s.Pinentry
	if name == "" {
		name = "pinentry"
	}
	if _, err := exec.LookPath(name); err != nil {
		d.bad(subject, what{"installez un programme pinentry (paquet pinentry-gtk2, pinentry-qt ou pinentry-gnome3).", "install a pinentry program (package pinentry-gtk2, pinentry-qt or pinentry-gnome3)."})
		return
	}
	d.good(subject, name)
}
