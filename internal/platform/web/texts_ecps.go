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
	return bilingual{}, false
}
