package web

// cardText holds what can stand between a card and a login: what the page finds
// on the person's computer, then what the provider finds on the card. Each says
// the cause, one action, and who can act.
func cardText(code string) (bilingual, bool) {
	for _, texts := range []func(string) (bilingual, bool){cardPlaceText, cardCodeText, cardBridgeText, cardProofText, cardHolderText} {
		if b, ok := texts(code); ok {
			return b, true
		}
	}
	return bilingual{}, false
}

// cardPlaceText: the bridge, the reader, the card in it.
func cardPlaceText(code string) (bilingual, bool) {
	switch code {
	case "PF-CA-018":
		return known(
			Text{"Accès au lecteur non autorisé", "Le navigateur n'a pas été autorisé à joindre le lien avec la carte sur cet ordinateur.", "Ouvrez les réglages de ce site (à gauche de l'adresse), autorisez l'accès aux programmes de cet ordinateur. La page continue toute seule."},
			Text{"Reader access not allowed", "The browser was not allowed to reach the card bridge on this computer.", "Open this site's settings (left of the address), allow access to programs on this computer. The page goes on by itself."})
	case "PF-CA-019":
		return known(
			Text{"Lien avec la carte absent", "Le programme qui relie la carte au navigateur ne répond pas sur cet ordinateur.", "Démarrez « card-bridge », ou demandez à votre service informatique de l'installer. La page continue toute seule."},
			Text{"Card bridge missing", "The program that links the card to the browser does not answer on this computer.", "Start “card-bridge”, or ask your IT department to install it. The page goes on by itself."})
	case "PF-CA-020":
		return known(
			Text{"Aucun lecteur", "Aucun lecteur détecté.", "Branchez-le puis réessayez."},
			Text{"No reader", "No card reader was found.", "Plug it in, then try again."})
	case "PF-CA-024":
		return known(
			Text{"Aucune carte", "Il n'y a pas de carte dans le lecteur.", "Insérez votre carte, puce vers l'avant."},
			Text{"No card", "There is no card in the reader.", "Insert your card, chip first."})
	case "PF-CA-025":
		return known(
			Text{"Carte non reconnue", "La carte ne répond pas, ou n'est pas une carte CPS, CPF, CPE, CPA ou CDE.", "Retirez-la, vérifiez le sens et la puce, puis remettez-la."},
			Text{"Card not recognised", "The card does not answer, or is not a CPS, CPF, CPE, CPA or CDE card.", "Take it out, check its side and chip, then insert it again."})
	case "PF-CA-026":
		return known(
			Text{"Carte posée sans contact", "La lecture sans contact prouve la carte, pas la personne : elle ne permet pas de se connecter.", "Insérez la carte dans un lecteur à contact."},
			Text{"Contactless card", "Contactless reading proves the card, not the person: it cannot sign in.", "Insert the card into a contact reader."})
	}
	return bilingual{}, false
}

// cardCodeText: the holder's code and what he does in the bridge's window.
func cardCodeText(code string) (bilingual, bool) {
	switch code {
	case "PF-CA-021":
		return known(
			Text{"Code faux", "Le code saisi n'est pas celui de la carte.", "Réessayez ; au troisième code faux la carte se bloque."},
			Text{"Wrong PIN", "The PIN typed is not the card's.", "Try again; a third wrong PIN blocks the card."})
	case "PF-CA-027":
		return known(
			Text{"Carte bloquée", "Trois codes faux ont bloqué la carte.", "Débloquez-la avec votre code de déblocage, ou choisissez un autre moyen si la page en propose un."},
			Text{"Card blocked", "Three wrong PINs have blocked the card.", "Unblock it with your unblocking code, or choose another means if the page offers one."})
	case "PF-CA-028":
		return known(
			Text{"Carte retirée", "La carte a été retirée avant la fin.", "Remettez-la et laissez-la dans le lecteur, puis réessayez."},
			Text{"Card removed", "The card was taken out before the end.", "Insert it again and leave it in the reader, then try again."})
	case "PF-CA-029":
		return known(
			Text{"Saisie annulée", "La saisie du code a été annulée. Rien n'a été envoyé.", "Réessayez quand vous voulez, ou choisissez un autre moyen si la page en propose un."},
			Text{"Entry cancelled", "The PIN entry was cancelled. Nothing was sent.", "Try again whenever you like, or choose another means if the page offers one."})
	case "PF-CA-030":
		return known(
			Text{"Temps écoulé", "Le code n'a pas été saisi à temps. Rien n'a été envoyé.", "Réessayez : une nouvelle fenêtre s'ouvrira."},
			Text{"Time is up", "The PIN was not typed in time. Nothing was sent.", "Try again: a new window will open."})
	case "PF-CA-031":
		return known(
			Text{"Carte occupée", "Un autre logiciel ou une autre fenêtre utilise la carte en ce moment.", "Terminez là-bas, ou fermez ce logiciel, puis réessayez."},
			Text{"Card in use", "Another program or window is using the card right now.", "Finish there, or close that program, then try again."})
	}
	return bilingual{}, false
}

// cardBridgeText: the bridge and the provider do not understand one another.
func cardBridgeText(code string) (bilingual, bool) {
	switch code {
	case "PF-CA-032":
		return known(
			Text{"Erreur de lecture", "La carte ou le lecteur a répondu par une erreur.", "Retirez la carte, remettez-la, puis réessayez. Si cela se répète, essayez un autre lecteur."},
			Text{"Reading error", "The card or the reader answered with an error.", "Take the card out, insert it again, then retry. If it happens again, try another reader."})
	case "PF-CA-033":
		return known(
			Text{"Lien avec la carte non réglé", "Le lien avec la carte n'est pas réglé pour cette page de connexion.", "Demandez à votre service informatique d'ajouter cette adresse à sa configuration."},
			Text{"Card bridge not set up", "The card bridge is not set up for this sign-in page.", "Ask your IT department to add this address to its configuration."})
	case "PF-CA-034":
		return known(
			Text{"Demande non reconnue", "Le lien avec la carte n'a pas reconnu la demande de cette page.", "Réessayez. Si cela se répète, donnez ce code à votre service informatique."},
			Text{"Request not recognised", "The card bridge did not recognise this page's request.", "Try again. If it happens again, give this code to your IT department."})
	case "PF-CA-035":
		return known(
			Text{"Demande trop ancienne", "La demande a expiré avant d'atteindre la carte.", "Réessayez. Si cela se répète, vérifiez la date et l'heure de l'ordinateur."},
			Text{"Request too old", "The request expired before it reached the card.", "Try again. If it happens again, check the computer's date and time."})
	case "PF-CA-037":
		return known(
			Text{"Fenêtre du code impossible", "Le lien avec la carte ne peut pas ouvrir sa fenêtre de saisie du code.", "Demandez à votre service informatique d'installer un programme « pinentry », puis réessayez."},
			Text{"No PIN window", "The card bridge cannot open its window for the PIN.", "Ask your IT department to install a “pinentry” program, then try again."})
	case "PF-CA-036", "PF-CA-046":
		return known(
			Text{"Carte expirée", "Cette carte n'est plus, ou pas encore, valable à cette date.", "Utilisez votre nouvelle carte ou votre e-CPS. Sans nouvelle carte, adressez-vous à votre ordre ou à votre employeur."},
			Text{"Card expired", "This card is no longer valid, or not yet.", "Use your new card or your e-CPS. Without a new card, contact your professional order or your employer."})
	}
	return bilingual{}, false
}

// cardProofText: what the provider finds when it judges the answer.
func cardProofText(code string) (bilingual, bool) {
	switch code {
	case "PF-CA-040", "PF-CA-041":
		return known(
			Text{"Connexion à reprendre", "Cette lecture de carte a expiré, a déjà servi ou appartient à une autre page.", "Réessayez avec la carte depuis cette page."},
			Text{"Start again", "This card reading has expired, was already used or belongs to another page.", "Try again with the card from this page."})
	case "PF-CA-042", "PF-CA-043", "PF-CA-049":
		return known(
			Text{"Réponse de la carte refusée", "La réponse de la carte n'a pas pu être vérifiée.", "Réessayez. Si cela se répète, donnez ce code à votre service informatique."},
			Text{"Card answer refused", "The card's answer could not be verified.", "Try again. If it happens again, give this code to your IT department."})
	case "PF-CA-044":
		return known(
			Text{"Carte d'une autre autorité", "Cette carte n'a pas été émise par une autorité que ce service reconnaît.", "Utilisez votre carte CPS, CPF, CPE, CPA ou CDE."},
			Text{"Card of another authority", "This card was not issued by an authority that this service recognises.", "Use your CPS, CPF, CPE, CPA or CDE card."})
	case "PF-CA-045":
		return known(
			Text{"Carte de test", "Une carte de test ne permet pas de se connecter ici.", "Utilisez votre carte réelle, ou le bac à sable pour vos essais."},
			Text{"Test card", "A test card cannot sign in here.", "Use your real card, or the sandbox for your trials."})
	case "PF-CA-047":
		return known(
			Text{"Mauvais certificat", "Le certificat présenté n'est pas celui d'authentification de la carte.", "Mettez à jour le lien avec la carte, ou donnez ce code à votre service informatique."},
			Text{"Wrong certificate", "The certificate presented is not the card's authentication certificate.", "Update the card bridge, or give this code to your IT department."})
	case "PF-CA-048":
		return known(
			Text{"Carte non acceptée", "Ce service d'identification n'accepte pas ce type de carte.", "Utilisez une carte CPS ou CPF, ou votre e-CPS."},
			Text{"Card not accepted", "This identification service does not accept this type of card.", "Use a CPS or CPF card, or your e-CPS."})
	}
	return bilingual{}, false
}

// cardHolderText: the card's standing and its holder's.
func cardHolderText(code string) (bilingual, bool) {
	switch code {
	case "PF-CA-022":
		return known(
			Text{"Carte en opposition", "Cette carte est en opposition : elle ne permet plus de se connecter.", "Si vous l'avez retrouvée, contactez votre employeur ou le service qui a enregistré l'opposition."},
			Text{"Card blocked by opposition", "This card was reported and no longer lets anybody sign in.", "If you have found it, contact your employer or the service that recorded the report."})
	case "PF-CA-023":
		return known(
			Text{"Une carte est nécessaire", "Pour cette connexion, ce service demande la carte professionnelle ; le moyen utilisé ne suffit pas.", "Connectez-vous avec votre carte. Sans carte, revenez au service et donnez-lui ce code."},
			Text{"A card is required", "For this sign-in the service asks for the professional card; the means used is not enough.", "Sign in with your card. Without one, go back to the service and give it this code."})
	case "PF-CA-050":
		return known(
			Text{"Carte révoquée", "L'autorité qui a émis cette carte l'a révoquée.", "Utilisez votre nouvelle carte ou votre e-CPS, ou adressez-vous à votre ordre ou à votre employeur."},
			Text{"Card revoked", "The authority that issued this card has revoked it.", "Use your new card or your e-CPS, or contact your professional order or your employer."})
	case "PF-CA-051":
		return known(
			Text{"Vérification impossible", "La validité de la carte ne peut pas être vérifiée en ce moment. Votre carte n'est pas en cause.", "Réessayez dans quelques minutes, ou choisissez un autre moyen si la page en propose un."},
			Text{"Cannot be checked now", "The card's validity cannot be checked at the moment. Your card is not at fault.", "Try again in a few minutes, or choose another means if the page offers one."})
	case "PF-CA-052":
		return known(
			Text{"Titulaire introuvable", "Le titulaire de cette carte n'est pas dans l'Annuaire Santé.", "Si vous venez d'être enregistré, il faut jusqu'à un jour. Sinon, adressez-vous à votre ordre ou à votre employeur."},
			Text{"Holder not found", "The holder of this card is not in the Annuaire Santé (the national register).", "If you have just been registered it may take up to a day. Otherwise contact your professional order or your employer."})
	case "PF-CA-053":
		return known(
			Text{"Connexion impossible", "L'enregistrement du titulaire dans l'Annuaire Santé est clos : il ne permet plus de se connecter.", "Si c'est une erreur, adressez-vous à votre ordre professionnel ou à votre employeur."},
			Text{"Sign-in not possible", "The holder's record in the Annuaire Santé (the national register) is closed: it no longer allows signing in.", "If this is a mistake, contact your professional order or your employer."})
	case "PF-CA-054":
		return known(
			Text{"Carte retirée", "La carte a été retirée avant la fin de la connexion : rien n'est resté ouvert.", "Remettez-la dans le lecteur et réessayez."},
			Text{"Card removed", "The card was taken out before the sign-in was finished: nothing stayed open.", "Insert it again and retry."})
	}
	return bilingual{}, false
}
