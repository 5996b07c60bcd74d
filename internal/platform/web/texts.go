package web

import "strings"

// Public codes that this package gives by itself. All others come with the
// fault that carries them.
const (
	CodeBadClient = "PF-SV-040" // the asking service is badly configured
	CodeSlow      = "PF-SV-041" // a part of ours cannot confirm
	CodeLoginOver = "PF-SV-042" // this login is over: finished, expired or already used
	CodeForeign   = "PF-SV-043" // this login began in another browser
	CodeNoPage    = "PF-SV-044" // no such page
	CodeMalformed = "PF-SV-045" // the request cannot be understood
	CodeTooLarge  = "PF-SV-046" // the request is larger than we take
	CodeTooMany   = "PF-SV-047" // too many requests
	CodeForbidden = "PF-SV-048" // understood and refused
	CodeInternal  = "PF-SV-049" // our fault
)

// Text is what a person reads about a failure: what happened, why, and what
// can be done now (ux.md 3.5: cause, then action, then code).
type Text struct {
	Title, Cause, Action string
}

// TextOf gives the text of a public code in "fr" or "en". A code without a text
// of its own reads like a failure of ours: a person never sees a bare code.
func TextOf(code, lang string) Text {
	t, ok := catalogue(code)
	if !ok {
		t, _ = catalogue(CodeInternal)
	}
	if lang == English {
		return t.en
	}
	return Text{typeset(t.fr.Title), typeset(t.fr.Cause), typeset(t.fr.Action)}
}

// typeset keeps French punctuation on the line of its word.
func typeset(fr string) string {
	return strings.NewReplacer(" :", "\u00a0:", " ?", "\u00a0?", " !", "\u00a0!", " ;", "\u00a0;", "« ", "«\u00a0", " »", "\u00a0»").Replace(fr)
}

type bilingual struct{ fr, en Text }

func catalogue(code string) (bilingual, bool) {
	for _, area := range []func(string) (bilingual, bool){identityText, ecpsText, cardText, rightsText, serviceText} {
		if t, ok := area(code); ok {
			return t, true
		}
	}
	return bilingual{}, false
}

func known(fr, en Text) (bilingual, bool) { return bilingual{fr, en}, true }

func identityText(code string) (bilingual, bool) {
	switch code {
	case "PF-ID-001":
		return known(
			Text{"Identifiant à vérifier", "Cet identifiant n'a pas 12 chiffres. Il commence par 8, suivi de votre numéro RPPS à 11 chiffres.", "Corrigez-le puis réessayez."},
			Text{"Check the identifier", "This identifier does not have 12 digits. It starts with 8, followed by your 11-digit RPPS number.", "Correct it and try again."})
	case "PF-ID-002":
		return known(
			Text{"Identifiant introuvable", "Nous ne trouvons pas cet identifiant.", "Si vous venez d'être enregistré, il faut jusqu'à un jour. Réessayez demain."},
			Text{"Identifier not found", "We cannot find this identifier.", "If you have just been registered it may take up to a day. Try again tomorrow."})
	case "PF-ID-004":
		return known(
			Text{"Connexion arrêtée", "Vous avez signalé que ce n'était pas vous. Aucune donnée n'a été envoyée au service.", "Si quelqu'un a pu approuver à votre place, changez le code de votre e-CPS."},
			Text{"Sign-in stopped", "You said that this was not you. No data was sent to the service.", "If somebody may have approved in your place, change the code of your e-CPS."})
	case "PF-ID-005":
		return known(
			Text{"Accord refusé", "Vous n'avez pas accepté que ce service reçoive des informations sur vous. Rien ne lui a été transmis.", "Vous pouvez recommencer depuis le service si vous changez d'avis."},
			Text{"Agreement refused", "You did not agree that this service is told about you. Nothing was sent to it.", "You can start again from the service if you change your mind."})
	}
	return bilingual{}, false
}

func rightsText(code string) (bilingual, bool) {
	switch code {
	case "PF-DR-030":
		return known(
			Text{"Accès refusé par le service", "Vous êtes bien identifié, mais ce service demande une profession que vous n'avez pas dans cette situation d'exercice.", "Votre employeur ou votre ordre peut corriger votre situation dans l'Annuaire Santé."},
			Text{"The service refused access", "You are identified, but this service requires a profession you do not have in this work situation.", "Your employer or your order can correct your situation in the national register."})
	case "PF-DR-031":
		return known(
			Text{"Une personne doit se connecter", "Le certificat de structure permet d'alimenter le DMP, pas de le consulter.", "Connectez-vous avec votre carte ou e-CPS."},
			Text{"A person must sign in", "An organisation certificate may add to the shared record, not read it.", "Sign in with your card or e-CPS."})
	}
	return bilingual{}, false
}
