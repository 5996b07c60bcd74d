package courier

import (
	"net/mail"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

const maxAddress = 254 // RFC 5321 4.5.3.1.3

// MailAddress accepts one bare address that a secret may be written to, in ASCII
// (an international domain in its xn-- form): letters that look like others must
// not lead around a rule about domains. A professional mailbox of MSSanté is refused: it is opened with the very
// means that the secret is to activate.
// Errors: fault.Invalid.
func MailAddress(s string) (string, error) {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > maxAddress || strings.ContainsFunc(s, outsideAddress) {
		return "", fault.Wrap(fault.Invalid, "", "this is no mail address", err)
	}
	_, domain, _ := strings.Cut(strings.ToLower(s), "@")
	if !strings.Contains(domain, ".") || domain[0] == '[' || domain == "mssante.fr" || strings.HasSuffix(domain, ".mssante.fr") {
		return "", fault.New(fault.Invalid, "", "no secret is written to this domain")
	}
	return s, nil
}

// outsideAddress: what is no visible ASCII, or quotes.
func outsideAddress(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }

// overseas are the calling codes of the territories and the first digits of
// their mobiles, as dialled at home.
var overseas = []struct{ prefix, code string }{
	{"0690", "590"}, {"0691", "590"}, // Guadeloupe, Saint-Martin, Saint-Barthélemy
	{"0694", "594"},                  // Guyane
	{"0696", "596"}, {"0697", "596"}, // Martinique
	{"0692", "262"}, {"0693", "262"}, {"0639", "262"}, // La Réunion, Mayotte
}

var codes = []string{"33", "590", "594", "596", "262"}

// home is how a French number in E.164 begins when dialled at home: "06 ".
func home(number string) string {
	for _, code := range codes {
		if rest, ok := strings.CutPrefix(number, "+"+code); ok && len(rest) == 9 {
			return "0" + rest[:1] + " "
		}
	}
	return ""
}

// MobileNumber accepts a French mobile in any usual writing and gives it in E.164.
// A landline is refused: a code that is read aloud in an office reaches anybody (S-35).
// Numbers of the range kept for fiction (06 39 98) are mobiles of the mainland.
// Errors: fault.Invalid.
func MobileNumber(s string) (string, error) {
	no := fault.New(fault.Invalid, "", "this is no French mobile number")
	digits := strings.NewReplacer(" ", "", "\u00a0", "", ".", "", "-", "", "(0)", "", "(", "", ")", "").Replace(strings.TrimSpace(s))
	digits = strings.Replace(digits, "+", "00", 1)
	for _, code := range codes {
		if rest, ok := strings.CutPrefix(digits, "00"+code); ok {
			digits = "0" + strings.TrimPrefix(rest, "0")
			break
		}
	}
	if len(digits) != 10 || strings.Trim(digits, "0123456789") != "" || digits[:2] != "06" && digits[:2] != "07" {
		return "", no
	}
	if !strings.HasPrefix(digits, "063998") {
		for _, o := range overseas {
			if strings.HasPrefix(digits, o.prefix) {
				return "+" + o.code + digits[1:], nil
			}
		}
	}
	return "+33" + digits[1:], nil
}

// Masked is an address as a page or support may show it: "c•••••@exemple.invalid",
// "06 •• •• •• 21". A number is E.164, as MobileNumber gives it.
func Masked(c Channel, address string) string {
	if address == "" {
		return ""
	}
	if c == SMS {
		if len(address) < 4 {
			return "••••"
		}
		return home(address) + "•• •• •• " + address[len(address)-2:]
	}
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" {
		return "•••••"
	}
	return name[:1] + "•••••@" + domain
}
