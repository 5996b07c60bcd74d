package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// cards: service, readers, then each card.
func (d *doctor) cards(t cardbridge.Transport, s settings) {
	ctx, cancel := context.WithTimeout(d.app.Ctx, 6*patience)
	defer cancel()
	seen, err := t.Readers(ctx)
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
		found = d.reader(ctx, t, r, s) || found
	}
	if !found {
		d.bad(what{"Carte", "Card"}, what{"insérez votre carte, puce vers l'avant.", "insert your card, chip first."})
	}
}

// reader looks at one reader; it tells whether a card stands in it.
func (d *doctor) reader(ctx context.Context, t cardbridge.Transport, r cardbridge.Reader, s settings) bool {
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
	if err := d.card(ctx, t, r, s); err != nil {
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
	case cps.CodeNotValidNow:
		return what{"la carte n'est pas encore valable : vérifiez la date et l'heure de l'ordinateur.", "the card is not valid yet: check the computer's date and time."}
	case cps.CodeNoReader:
		return what{"le service des cartes s'est arrêté : redémarrez pcscd.", "the card service has stopped: restart pcscd."}
	case cps.CodeUntrusted:
		return what{"la carte n'est d'aucune autorité du dossier « issuers » : complétez-le, ou insérez une autre carte.", "the card is of no authority in the folder “issuers”: complete it, or insert another card."}
	}
	return what{"erreur de lecture : retirez la carte, remettez-la, puis essayez un autre lecteur (" + err.Error() + ").", "reading error: take the card out, insert it again, then try another reader (" + err.Error() + ")."}
}

// card goes as far as a login does before the PIN.
func (d *doctor) card(ctx context.Context, t cardbridge.Transport, r cardbridge.Reader, s settings) (err error) {
	link, err := t.Connect(ctx, r.Name)
	if err != nil {
		return err
	}
	defer func() {
		if closing := link.Close(); err == nil {
			err = closing
		}
	}()
	session, err := card.Open(ctx, link)
	if err != nil {
		return err
	}
	tries, err := session.Tries(ctx)
	if err != nil {
		return err
	}
	if tries == 0 {
		return fault.New(fault.Denied, cps.CodePINBlocked, "the PIN is blocked")
	}
	der, err := session.Certificate(ctx)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	switch now := d.app.Clock.Now(); {
	case now.After(cert.NotAfter):
		return fault.New(fault.Denied, cps.CodeCardExpired, "the certificate has ended")
	case now.Before(cert.NotBefore):
		return fault.New(fault.Denied, cps.CodeNotValidNow, "the certificate has not begun")
	}
	if err := chain(cert, s.Issuers); err != nil {
		return err
	}
	const day = "2006-01-02"
	left := what{fmt.Sprintf("%d essais", tries), fmt.Sprintf("%d tries", tries)}
	if tries == 1 {
		left = what{"1 essai", "1 try"}
	}
	d.good(what{"Carte", "Card"}, d.say(what{
		fmt.Sprintf("%s, %s, valable jusqu'au %s", session.Kind(), left.fr, cert.NotAfter.Format(day)),
		fmt.Sprintf("%s, %s, valid until %s", session.Kind(), left.en, cert.NotAfter.Format(day)),
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
		for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
			issuer, err := x509.ParseCertificate(block.Bytes)
			if err == nil && cert.CheckSignatureFrom(issuer) == nil {
				return nil
			}
		}
	}
	return fault.New(fault.Denied, cps.CodeUntrusted, "no authority of the folder has issued the certificate")
}
