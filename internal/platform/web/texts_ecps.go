package web

// ecpsText holds what can happen to an e-CPS request or to the means itself.
// The texts about the means (013 to 016) are shown only in a browser that the
// holder has used (architecture, point 7).
func ecpsText(code string) (bilingual, bool) {
	switch code {
	case "PF-EC-010":
		return known(
			Text{"La demande a expiré", "La demande a expiré. Aucune donnée n'a été envoyée au service.", "Recommencez : une nouvelle demande part aussitôt."},
			Text{"The request has expired", "The request has expired. No data was sent to the service.", "Start again: a new request goes out at once."})
	case "PF-EC-011":
		return known(
			Text{"Téléphone non joint", "Votre téléphone n'a pas reçu la demande.", "Ouvrez l'application : la demande vous y attend."},
			Text{"Phone not reached", "Your phone has not received the request.", "Open the app: the request is waiting there."})
	case "PF-EC-012":
		return known(
			Text{"Nombre différent", "Le nombre choisi n'est pas celui de l'écran. La demande est refusée pour vous protéger.", "Recommencez depuis le service, puis recopiez le nombre affiché."},
			Text{"Numbers do not match", "The number chosen is not the one on the screen. The request was refused to protect you.", "Start again from the service, then enter the number on screen."})
	case "PF-EC-013":
		return known(
			Text{"e-CPS en cours d'ouverture", "Votre e-CPS est en cours d'ouverture : 48 h au plus après votre enregistrement.", "En attendant, utilisez votre carte."},
			Text{"e-CPS being opened", "Your e-CPS is being opened: 48 hours at most after your registration.", "In the meantime, use your card."})
	case "PF-EC-014":
		return known(
			Text{"e-CPS arrivée à son terme", "Votre e-CPS a pris fin.", "Réactivez-la avec votre carte ou vos coordonnées enregistrées."},
			Text{"e-CPS has ended", "Your e-CPS has come to its end date.", "Activate it again with your card or your registered contact details."})
	case "PF-EC-015":
		return known(
			Text{"e-CPS bloquée", "Trois codes faux de suite ont bloqué votre e-CPS.", "Utilisez votre carte, ou réactivez votre e-CPS avec vos coordonnées enregistrées."},
			Text{"e-CPS locked", "Three wrong codes in a row have locked your e-CPS.", "Use your card, or activate your e-CPS again with your registered contact details."})
	case "PF-EC-016":
		return known(
			Text{"e-CPS suspendue", "Votre e-CPS est suspendue.", "Utilisez votre carte. Si vous avez retrouvé votre téléphone, levez la suspension depuis votre espace."},
			Text{"e-CPS suspended", "Your e-CPS is suspended.", "Use your card. If you have found your phone, lift the suspension from your account."})
	}
	return ecpsEndText(code)
}

// ecpsEndText holds how a request may end, and what only the register can mend.
func ecpsEndText(code string) (bilingual, bool) {
	switch code {
	case "PF-EC-017":
		return known(
			Text{"Connexion impossible", "Votre enregistrement dans l'Annuaire Santé est clos : il ne permet plus de se connecter.", "Si c'est une erreur, adressez-vous à votre ordre professionnel ou à votre employeur."},
			Text{"Sign-in not possible", "Your record in the Annuaire Santé (the national register) is closed: it no longer lets you sign in.", "If this is a mistake, contact your professional order or your employer."})
	case "PF-EC-018":
		return known(
			Text{"Pas d'e-CPS active", "Aucune e-CPS n'est active pour cet identifiant.", "Activez-la avec votre carte ou vos coordonnées enregistrées, ou utilisez votre carte."},
			Text{"No active e-CPS", "No e-CPS is active for this identifier.", "Activate one with your card or your registered contact details, or use your card."})
	case "PF-EC-019":
		return known(
			Text{"Demande refusée", "La demande a été refusée sur le téléphone. Aucune donnée n'a été envoyée au service.", "Si ce n'était pas voulu, recommencez depuis le service."},
			Text{"Request refused", "The request was refused on the phone. No data was sent to the service.", "If that was not intended, start again from the service."})
	case "PF-EC-020":
		return known(
			Text{"Demande remplacée", "Une demande plus récente de ce navigateur a remplacé celle-ci.", "Continuez dans l'autre onglet, ou recommencez ici."},
			Text{"Request replaced", "A newer request from this browser replaced this one.", "Go on in the other tab, or start again here."})
	case "PF-EC-021":
		return known(
			Text{"Connexion annulée", "Vous avez annulé la connexion. Aucune donnée n'a été envoyée au service.", "Vous pouvez recommencer depuis le service."},
			Text{"Sign-in cancelled", "You cancelled the sign-in. No data was sent to the service.", "You can start again from the service."})
	}
	return ecpsLifeText(code)
}

// ecpsLifeText has the words around activation, loss and the ways without a push.
func ecpsLifeText(code string) (bilingual, bool) {
	switch code {
	case "PF-EC-022":
		return known(
			Text{"e-CPS gelée", "Vous avez signalé une connexion qui n'était pas la vôtre : tout a été arrêté.", "Levez le gel dans « Mon e-CPS » avec votre carte, ou activez de nouveau l'e-CPS avec vos deux codes."},
			Text{"e-CPS frozen", "You reported a sign-in that was not yours: everything was stopped.", "Undo it in “My e-CPS” with your card, or activate the e-CPS again with your two codes."})
	case "PF-EC-023":
		return known(
			Text{"Téléphone à confirmer", "Ce téléphone attend votre confirmation sur l'ordinateur.", "Comparez les deux chiffres dans « Mon e-CPS », puis confirmez."},
			Text{"Phone to be confirmed", "This phone waits for your confirmation on the computer.", "Compare the two digits in “My e-CPS”, then confirm."})
	case "PF-EC-024":
		return known(
			Text{"Code sans réseau refusé", "Ce code n'est pas bon, a déjà servi, ou trop d'essais ont été faits.", "Attendez le code suivant et vérifiez votre identifiant ; votre carte et l'e-CPS avec réseau fonctionnent toujours."},
			Text{"Offline code refused", "This code is wrong, was used already, or too many were tried.", "Wait for the next code and check your identifier; your card and the e-CPS with a network still work."})
	case "PF-EC-041":
		return known(
			Text{"Code faux", "Ce code d'activation n'est pas le bon.", "Vérifiez le courriel et le SMS les plus récents, puis réessayez."},
			Text{"Wrong code", "This activation code is wrong.", "Check the latest e-mail and text message, then try again."})
	case "PF-EC-042":
		return known(
			Text{"Activation terminée", "Cette activation est trop ancienne, déjà utilisée, ou trop d'essais ont été faits.", "Recommencez l'activation."},
			Text{"Activation over", "This activation is too old, used already, or too many codes were tried.", "Start the activation again."})
	case "PF-EC-043":
		return known(
			Text{"Code à scanner trop ancien", "Ce code ou ce lien de connexion est trop ancien, ou a déjà servi.", "Scannez le code affiché maintenant, ou recommencez."},
			Text{"Code too old", "This sign-in code or link is too old, or was used already.", "Scan the code shown now, or start again."})
	case "PF-EC-044":
		return known(
			Text{"Un autre moyen est nécessaire", "Ce qui est arrêté ne peut pas être remis en route par le même moyen.", "Connectez-vous avec votre carte, ou activez de nouveau l'e-CPS avec vos deux codes."},
			Text{"Another means is needed", "What is stopped cannot be resumed with the same means.", "Sign in with your card, or activate the e-CPS again with your two codes."})
	}
	return bilingual{}, false
}
