package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/pcsc"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

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

// providers: somebody may ask, and his keys can be had.
func (d *doctor) providers(s settings) {
	subject := what{"Pages de connexion", "Login pages"}
	if len(s.Providers) == 0 {
		d.bad(subject, what{"ajoutez l'adresse de votre page de connexion à la configuration (providers).", "add the address of your login page to the configuration (providers)."})
		return
	}
	list, err := s.providers(d.app.Clock)
	if err != nil {
		d.bad(subject, what{"corrigez le fichier de clés : " + err.Error(), "correct the key file: " + err.Error()})
		return
	}
	for i, p := range list {
		if url := s.Providers[i].JWKSURL; url != "" && !d.reachable(url) {
			d.bad(subject, what{"les clés de " + p.Origin + " ne répondent pas à " + url + " : vérifiez le réseau et l'adresse.", "the keys of " + p.Origin + " do not answer at " + url + ": check network and address."})
			continue
		}
		d.good(subject, p.Origin)
	}
}

func (d *doctor) reachable(url string) bool {
	ctx, cancel := context.WithTimeout(d.app.Ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := caller().Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// ports: one of them is free, or a bridge of ours already has it.
func (d *doctor) ports(s settings) {
	subject := what{"Port", "Port"}
	for _, port := range s.Ports {
		l, err := new(net.ListenConfig).Listen(d.app.Ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close() // it was only a look
			d.good(subject, d.say(what{fmt.Sprintf("%d libre : démarrez « card-bridge run ».", port), fmt.Sprintf("%d is free: start “card-bridge run”.", port)}))
			return
		}
	}
	d.good(subject, d.say(what{"tous pris : un lien avec la carte tourne déjà, ou un autre programme les occupe.", "all taken: a bridge already runs, or another program holds them."}))
}

// cards: service, readers, then each card.
func (d *doctor) cards(t cardbridge.Transport, s settings) {
	seen, err := t.Readers(d.app.Ctx)
	if err != nil {
		d.bad(what{"Service des cartes", "Card service"}, what{"démarrez pcscd (systemctl start pcscd.socket), ou installez le paquet pcscd.", "start pcscd (systemctl start pcscd.socket), or install the package pcscd."})
		return
	}
	d.good(what{"Service des cartes", "Card service"}, "pcscd")
	if len(seen) == 0 {
		d.bad(what{"Lecteur", "Reader"}, what{"branchez un lecteur ; s'il est branché, essayez une autre prise ou installez son pilote.", "plug in a reader; if it is plugged in, try another socket or install its driver."})
		return
	}
	found := false
	for _, r := range seen {
		found = d.reader(t, r, s) || found
	}
	if !found {
		d.bad(what{"Carte", "Card"}, what{"insérez votre carte, puce vers l'avant.", "insert your card, chip first."})
	}
}

// reader looks at one reader; it tells whether a card stands in it.
func (d *doctor) reader(t cardbridge.Transport, r cardbridge.Reader, s settings) bool {
	subject := what{"Lecteur « " + r.Name + " »", "Reader “" + r.Name + "”"}
	switch r.State {
	case cardbridge.Empty:
		d.good(subject, d.say(what{"vide", "empty"}))
		return false
	case cardbridge.Mute:
		d.bad(subject, what{"la carte ne répond pas : retirez-la, vérifiez le sens et la puce.", "the card does not answer: take it out, check its side and chip."})
		return true
	case cardbridge.Busy:
		d.bad(subject, what{"un autre logiciel tient la carte : fermez-le, puis recommencez.", "another program holds the card: close it, then try again."})
		return true
	case cardbridge.Present:
	}
	if err := d.card(t, r, s); err != nil {
		d.bad(subject, obstacle(err))
	}
	return true
}

// obstacle says what to do about a card that cannot log in.
func obstacle(err error) what {
	switch fault.CodeOf(err) {
	case cps.CodeContactless:
		return what{"carte sans contact : insérez-la dans un lecteur à contact.", "contactless card: insert it into a contact reader."}
	case cps.CodeCardUnknown:
		return what{"ce n'est pas une carte CPS, CPF, CPE, CPA ou CDE : insérez la bonne carte.", "this is no CPS, CPF, CPE, CPA or CDE card: insert the right one."}
	case cps.CodeBusy:
		return what{"un autre logiciel utilise la carte : fermez-le, puis recommencez.", "another program uses the card: close it, then try again."}
	case cps.CodePINBlocked:
		return what{"code bloqué : débloquez la carte avec votre code de déblocage.", "PIN blocked: unblock the card with your unblocking code."}
	case cps.CodeCardExpired:
		return what{"carte expirée : utilisez votre nouvelle carte.", "card expired: use your new card."}
	case cps.CodeUntrusted:
		return what{"la carte n'est d'aucune autorité du dossier « issuers » : complétez-le, ou insérez une autre carte.", "the card is of no authority in the folder “issuers”: complete it, or insert another card."}
	}
	return what{"erreur de lecture : retirez la carte, remettez-la, puis essayez un autre lecteur (" + err.Error() + ").", "reading error: take the card out, insert it again, then try another reader (" + err.Error() + ")."}
}

// card goes as far as a login does before the PIN.
func (d *doctor) card(t cardbridge.Transport, r cardbridge.Reader, s settings) (err error) {
	link, err := t.Connect(d.app.Ctx, r.Name)
	if err != nil {
		return err
	}
	defer func() {
		if closing := link.Close(); err == nil {
			err = closing
		}
	}()
	session, err := card.Open(d.app.Ctx, link)
	if err != nil {
		return err
	}
	tries, err := session.Tries(d.app.Ctx)
	if err != nil {
		return err
	}
	if tries == 0 {
		return fault.New(fault.Denied, cps.CodePINBlocked, "the PIN is blocked")
	}
	der, err := session.Certificate(d.app.Ctx)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if now := d.app.Clock.Now(); now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
		return fault.New(fault.Denied, cps.CodeCardExpired, "the certificate is not valid now")
	}
	if err := chain(cert, s.Issuers); err != nil {
		return err
	}
	const day = "2006-01-02"
	d.good(what{"Carte", "Card"}, d.say(what{
		fmt.Sprintf("%s, %d essais, valable jusqu'au %s", session.Kind(), tries, cert.NotAfter.Format(day)),
		fmt.Sprintf("%s, %d tries, valid until %s", session.Kind(), tries, cert.NotAfter.Format(day)),
	}))
	return nil
}

// chain looks for the card's authority in a folder of PEM files; without a
// folder the provider alone judges.
func chain(cert *x509.Certificate, folder string) error {
	if folder == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.pem"))
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		block, _ := pem.Decode(b)
		if block == nil || block.Type != "CERTIFICATE" {
			continue
		}
		issuer, err := x509.ParseCertificate(block.Bytes)
		if err == nil && cert.CheckSignatureFrom(issuer) == nil {
			return nil
		}
	}
	return fault.New(fault.Denied, cps.CodeUntrusted, "no authority of the folder has issued the certificate")
}
