package activation

import (
	"fmt"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
)

// letters are the two secrets as they go out: French, with a line in English.
// They name neither the person nor his identifier: a mailbox or a phone that is
// not his any more must not learn whose it was.
func letters(id string, who addressee, s secrets, till time.Time, tooMany bool) []Letter {
	void := who.void || tooMany
	minutes := int(life / time.Minute)
	shown := s.mail[:4] + "-" + s.mail[4:]
	mail := Letter{
		Channel: Mail, To: who.mail, Kind: "activation", Subject: "Votre code d'activation e-CPS",
		Body: fmt.Sprintf(`Bonjour,

Code du courriel : %s

Tapez-le dans l'application e-CPS, avec le code reçu par SMS. Il est valable %d minutes et ne sert qu'une fois.

Si vous n'avez rien demandé, ne faites rien et ne donnez ce code à personne : ni un service d'assistance, ni une administration ne vous le demandera.

English: your e-mail activation code is %s. It is valid for %d minutes. If you asked for nothing, do nothing.
`, shown, minutes, shown, minutes),
	}
	sms := Letter{
		Channel: SMS, To: who.mobile, Kind: "activation",
		Body: fmt.Sprintf("e-CPS : code SMS %s %s, valable %d min. Ne le donnez à personne. Rien demandé ? Ne faites rien.", s.sms[:4], s.sms[4:], minutes),
	}
	list := []Letter{mail, sms}
	for i := range list {
		list[i].Key = ecps.Hash("egide.ecps.letter " + id + " " + list[i].Channel)
		list[i].Holder, list[i].Void, list[i].GoodTill = who.holder, void, till
	}
	return list
}
