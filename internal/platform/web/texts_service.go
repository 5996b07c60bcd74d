package web

// serviceText holds what can happen to the service or to the way of the request.
func serviceText(code string) (bilingual, bool) {
	switch code {
	case CodeBadClient:
		return known(
			Text{"Service mal configuré", "Le service demandeur est mal configuré. Votre accès n'est pas en cause.", "Prévenez-le avec ce code."},
			Text{"Badly configured service", "The asking service is badly configured. Your access is not at fault.", "Give the service this code."})
	case CodeSlow:
		return known(
			Text{"Service ralenti", "Le service d'identification est ralenti. Rien n'a été envoyé au service.", "Réessayez dans quelques secondes."},
			Text{"Service is slow", "The identification service is slow at the moment. Nothing was sent to the service.", "Try again in a few seconds."})
	case CodeLoginOver:
		return known(
			Text{"Connexion terminée", "Cette connexion a expiré ou a déjà servi. Aucune donnée n'a été envoyée depuis.", "Retournez au service et connectez-vous de nouveau."},
			Text{"This sign-in is over", "This sign-in has expired or was already used. No data has been sent since.", "Go back to the service and sign in again."})
	case CodeForeign:
		return known(
			Text{"Autre navigateur", "Cette connexion a commencé dans un autre navigateur : elle ne peut pas continuer ici.", "Retournez au service dans ce navigateur et connectez-vous de nouveau."},
			Text{"Another browser", "This sign-in began in another browser: it cannot go on here.", "Go back to the service in this browser and sign in again."})
	case CodeNoPage:
		return known(
			Text{"Page introuvable", "Il n'y a pas de page à cette adresse.", "Retournez au service et connectez-vous depuis son bouton."},
			Text{"No such page", "There is no page at this address.", "Go back to the service and sign in from its button."})
	case CodeMalformed:
		return known(
			Text{"Demande incomprise", "Cette demande n'est pas complète ou pas lisible.", "Retournez au service et recommencez. Si cela se répète, donnez-lui ce code."},
			Text{"Request not understood", "This request is incomplete or unreadable.", "Go back to the service and start again. If it happens again, give the service this code."})
	case CodeTooLarge:
		return known(
			Text{"Demande trop grande", "Cette demande dépasse la taille admise.", "Retournez au service et donnez-lui ce code."},
			Text{"Request too large", "This request is larger than allowed.", "Go back to the service and give it this code."})
	case CodeTooMany:
		return known(
			Text{"Trop de demandes", "Trop de demandes sont venues d'ici en peu de temps.", "Patientez une minute, puis réessayez. Votre carte fonctionne."},
			Text{"Too many requests", "Too many requests came from here in a short time.", "Wait a minute, then try again. Your card still works."})
	case CodeForbidden:
		return known(
			Text{"Action refusée", "Cette action n'est pas permise ici.", "Retournez au service et recommencez."},
			Text{"Action refused", "This action is not allowed here.", "Go back to the service and start again."})
	case CodeInternal:
		return known(
			Text{"Un incident de notre côté", "Une erreur est survenue de notre côté. Aucune donnée n'a été envoyée au service.", "Réessayez. Si cela se répète, donnez la référence ci-dessous à l'assistance."},
			Text{"A fault on our side", "An error happened on our side. No data was sent to the service.", "Try again. If it happens again, give the reference below to support."})
	}
	return bilingual{}, false
}
