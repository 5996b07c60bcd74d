package login

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/web"
)

// codeIdentifier: what was typed cannot be an identifier. It says nothing about
// who exists, so it may be said to anybody.
const codeIdentifier = "PF-ID-001"

const rppsDigits = 11

// problem is what is wrong with a typed identifier, and what to show in its place.
type problem struct {
	fr, en string
	offer  string // a better text for the field, empty to keep what was typed
}

func (p problem) text(lang string) string {
	if lang == web.English {
		return p.en
	}
	return p.fr
}

// readIdentifier understands what people type: with spaces, dots or dashes, with
// 11 digits where 12 are meant (S-67), or an identifier of another type.
//
// Eleven digits whose key is right are an RPPS number: the 8 is added. When the
// key is wrong a digit was mistyped: then the 8 is only offered, for a human to
// look at.
func readIdentifier(typed string) (rpps.NationalID, *problem) {
	s := squeeze(typed)
	if s == "" {
		return rpps.NationalID{}, &problem{fr: "Tapez votre identifiant : 8 suivi de vos 11 chiffres RPPS.", en: "Type your identifier: 8 followed by your 11 RPPS digits."}
	}
	if wrong := foreign(s); wrong != nil {
		return rpps.NationalID{}, wrong
	}
	if allDigits(s) {
		if wrong := digitsOnly(s); wrong != nil {
			return rpps.NationalID{}, wrong
		}
		if len(s) == rppsDigits && !strings.ContainsRune("345", rune(s[0])) {
			s = "8" + s
		}
	}
	id, err := rpps.ParseNationalID(s)
	if err != nil {
		return rpps.NationalID{}, unreadable()
	}
	return id, nil
}

// squeeze drops what people put between groups of digits.
func squeeze(typed string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, typed)
	bare := strings.NewReplacer(".", "", "-", "").Replace(s)
	if allDigits(bare) {
		return bare
	}
	if strings.HasPrefix(strings.ToUpper(s), "ANS") {
		return strings.ToUpper(s)
	}
	return s
}

// digitsOnly judges identifiers without letter or slash.
func digitsOnly(s string) *problem {
	switch {
	case s[0] == '0' && len(s) == 10, strings.ContainsRune("345", rune(s[0])) && len(s) >= 10:
		return nil
	case s[0] == '8' && len(s) == rppsDigits+1:
		return nil
	case s[0] == '0' || s[0] == '8': // with 11 digits after an 8, one is missing
		return count(len(s))
	case len(s) == rppsDigits && rpps.Luhn(s):
		return nil
	case len(s) == rppsDigits:
		return &problem{
			fr:    "Vous avez tapé 11 chiffres : nous avons ajouté le 8. Vérifiez aussi le dernier chiffre, puis continuez.",
			en:    "You typed 11 digits: we added the 8. Please also check the last digit, then continue.",
			offer: "8" + s,
		}
	case len(s) == rppsDigits+1:
		return &problem{
			fr: fmt.Sprintf("Un identifiant RPPS commence par 8 ; celui-ci commence par %c.", s[0]),
			en: fmt.Sprintf("An RPPS identifier starts with 8; this one starts with %c.", s[0]),
		}
	}
	return count(len(s))
}

func count(n int) *problem {
	return &problem{
		fr: fmt.Sprintf("Cet identifiant a %d %s au lieu de 12. Il commence par 8, suivi de votre numéro RPPS à 11 chiffres.", n, plural(n, "chiffre", "chiffres")),
		en: fmt.Sprintf("This identifier has %d %s instead of 12. It starts with 8, followed by your 11-digit RPPS number.", n, plural(n, "digit", "digits")),
	}
}

func unreadable() *problem {
	t := web.TextOf(codeIdentifier, web.French)
	e := web.TextOf(codeIdentifier, web.English)
	return &problem{fr: t.Cause, en: e.Cause}
}

// foreign names the first character that does not belong: in an RPPS number
// anything but a digit, elsewhere anything that no identifier holds.
func foreign(s string) *problem {
	numeric := looksRPPS(s)
	for i, r := range []rune(s) {
		if r >= '0' && r <= '9' || !numeric && (r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("/-._", r)) {
			continue
		}
		return &problem{
			fr: fmt.Sprintf("Le caractère « %c » en position %d n'est pas attendu ici. Un identifiant RPPS n'a que des chiffres.", printable(r), i+1),
			en: fmt.Sprintf("The character “%c” in position %d does not belong here. An RPPS identifier has digits only.", printable(r), i+1),
		}
	}
	return nil
}

// looksRPPS tells that somebody means to type an RPPS identifier: it starts with
// 8 or has its length, and most of it are digits. Other types may hold letters.
func looksRPPS(s string) bool {
	n, all := 0, 0
	for _, r := range s {
		all++
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return (s[0] == '8' || s[0] == '1' || s[0] == '9') && all <= 13 && n*2 > all
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
