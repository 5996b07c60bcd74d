package provider

import (
	"fmt"

	"github.com/egide-id/egide/internal/means/ecps/wallet"
)

// letterOf puts news of an e-CPS into words: French, with a line in English. No
// link stands in them: who is used to following links in such mails is an easy
// catch (ux.md 3.5).
func letterOf(n wallet.News) (subject, body string) {
	date := n.At.Format("02/01/2006 à 15:04 UTC")
	switch n.Kind {
	case wallet.NewsPhone:
		return "Un téléphone a été ajouté à votre e-CPS", fmt.Sprintf(`Bonjour,

Le téléphone « %s » a été activé pour votre e-CPS le %s (%s).

Si c'est vous, il n'y a rien à faire.
Si ce n'est pas vous : ouvrez « Mon e-CPS » avec votre carte, ou votre application, et pressez « Ce n'est pas moi ». Tout sera arrêté aussitôt.

English: the phone “%s” was activated for your e-CPS. If it was not you, press “This is not me” in “My e-CPS”.
`, n.Label, date, wayInWords(n.Way), n.Label)
	case wallet.NewsFrozen:
		return "Votre e-CPS est gelée", fmt.Sprintf(`Bonjour,

Le %s, une connexion a été signalée comme n'étant pas la vôtre. Vos téléphones, vos sessions et vos accès en cours ont été arrêtés.

Pour lever le gel : connectez-vous à « Mon e-CPS » avec votre carte, ou activez de nouveau l'e-CPS avec vos deux codes.

English: a sign-in was reported as not yours; everything was stopped. Undo it in “My e-CPS” with your card, or activate again with your two codes.
`, date)
	case wallet.NewsEnding:
		return fmt.Sprintf("Votre e-CPS prend fin dans %d jours", n.Days), fmt.Sprintf(`Bonjour,

L'e-CPS de votre téléphone « %s » prend fin le %s.

Renouvelez-la quand vous voulez avant cette date : dans l'application, « Renouveler », avec votre carte ou avec vos deux codes. Votre téléphone actuel sert jusqu'au bout.

English: the e-CPS of your phone “%s” ends on %s. Renew it in the app, with your card or your two codes.
`, n.Label, n.At.Format("02/01/2006"), n.Label, n.At.Format("2006-01-02"))
	}
	return "", ""
}

func wayInWords(w wallet.Way) string {
	switch w {
	case wallet.WayCard:
		return "avec votre carte"
	case wallet.WayContact:
		return "avec vos deux codes, reçus par courriel et par SMS"
	case wallet.WayTransfer:
		return "depuis un téléphone que vous aviez déjà"
	case wallet.WaySandbox:
	}
	return "dans le bac à sable"
}
