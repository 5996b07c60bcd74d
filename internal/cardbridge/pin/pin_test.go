package pin

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWindowSaysWhatIsLeft(t *testing.T) {
	for _, c := range []struct {
		w      Window
		fr, en string
	}{
		{Window{Tries: 3}, "", ""},
		{Window{Tries: 2}, "", ""},
		{Window{Tries: 1}, "Il reste 1 essai avant blocage.", "1 try left before the card is blocked."},
		{Window{Tries: 2, Wrong: true}, "Code faux : il reste 2 essais avant blocage.", "Wrong PIN: 2 tries left before the card is blocked."},
		{Window{Tries: 1, Wrong: true}, "Code faux : il reste 1 essai avant blocage.", "Wrong PIN: 1 try left before the card is blocked."},
		{Window{Tries: 3, Length: true, Shortest: 4, Longest: 8}, "Le code a 4 à 8 chiffres. Il n'a pas été envoyé.", "A PIN has 4 to 8 digits. It was not sent."},
	} {
		if en := c.w.warning(); en != c.en {
			t.Errorf("%+v: %q", c.w, en)
		}
		c.w.French = true
		if fr := c.w.warning(); fr != c.fr {
			t.Errorf("%+v: %q", c.w, fr)
		}
	}
}

func TestWindowNamesWhoAsksAndWhatIsLeft(t *testing.T) {
	w := Window{Service: "Mon espace", Provider: "https://idp.example", Reader: "Lecteur", Tries: 2, French: true}
	if got := w.description(); got != "Service : Mon espace\nPage de connexion : https://idp.example\nLecteur : Lecteur\nEssais restants : 2" {
		t.Errorf("%q", got)
	}
	w.French = false
	if got := w.description(); got != "Service: Mon espace\nSign-in page: https://idp.example\nReader: Lecteur\nTries left: 2" {
		t.Errorf("%q", got)
	}
	w.Reader = "" // before a reader is chosen nothing is known of its card
	if got := w.description(); got != "Service: Mon espace\nSign-in page: https://idp.example" {
		t.Errorf("%q", got)
	}
}

// hostile are names that try to write a line of their own into the window.
func hostile() map[string]string {
	return map[string]string{
		"newline":         "Service\nLecteur : sûr",
		"carriage return": "Service\rLecteur : sûr",
		"escaped newline": "Service%0ALecteur : sûr",
		"escaped command": "Service%0D%0ASETPROMPT Mot de passe",
		"command":         "Service\nSETPROMPT Mot de passe\nGETPIN",
		"line separator":  "Service\u2028Lecteur : sûr",
		"next line":       "Service\u0085Lecteur : sûr",
		"vertical tab":    "Service\vLecteur : sûr",
		"escape code":     "Service\x1b[2JLecteur : sûr",
		"backspaces":      "Service\b\b\b\b\b\b\bBanque",
		"nul":             "Service\x00Lecteur",
		"right to left":   "Service\u202e\u2066tnemges",
		"invisible":       "Ser\u200bvice\ufeff",
		"markup":          "<b>Service</b>",
		"no UTF-8":        "Service\xff\xfe\n",
		"long":            strings.Repeat("é", 10000),
		"long of percent": strings.Repeat("%0A", 10000),
	}
}

func TestForeignTextsStayOnOneLine(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) { oneLine(t, clean(text)) })
	}
	if got := clean("Hôpital Saint-Éloi (92 %)"); got != "Hôpital Saint-Éloi (92 %)" {
		t.Errorf("%q", got)
	}
}

// oneLine wants what cannot break, repaint, reverse or flood a window.
func oneLine(t *testing.T, s string) {
	t.Helper()
	bad := func(r rune) bool { return !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) || r == '<' || r == '>' }
	if strings.ContainsFunc(s, bad) || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxShown+1 {
		t.Errorf("%q", s)
	}
}

func FuzzClean(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cleaned := clean(s)
		oneLine(t, cleaned)
		if utf8.RuneCountInString(cleaned) <= maxShown && clean(cleaned) != cleaned {
			t.Errorf("%q cleaned twice is another", s)
		}
		w := Window{Service: s, Provider: s, Reader: "R" + s}
		if n := strings.Count(w.description(), "\n"); n != 3 {
			t.Errorf("%q makes %d lines", s, n+1)
		}
	})
}
