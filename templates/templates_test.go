package templates_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/templates"
)

func sources(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.html")
	if err != nil || len(names) < 5 {
		t.Fatalf("pages %v, %v", names, err)
	}
	list := map[string]string{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		list[n] = string(b)
	}
	return list
}

func TestEveryPageParses(t *testing.T) {
	s, err := templates.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(s.Names()), len(sources(t))-1; got != want {
		t.Errorf("%d pages, want %d", got, want)
	}
	if err := s.Execute(nil, "no-such-page", nil); err == nil {
		t.Error("an unknown page was executed")
	}
}

// Both languages of every sentence are there: .T with one word of one language
// would not parse, an empty or equal pair is a sentence somebody forgot.
func TestEverySentenceIsTranslated(t *testing.T) {
	pair := regexp.MustCompile(`\.T "([^"]*)" "([^"]*)"`)
	same := map[string]bool{"Code": true, "Profession": true}
	for name, text := range sources(t) {
		for _, m := range pair.FindAllStringSubmatch(text, -1) {
			if m[1] == "" || m[2] == "" || m[1] == m[2] && !same[m[1]] {
				t.Errorf("%s: %q and %q", name, m[1], m[2])
			}
		}
	}
}

// The policy of the pages (PG1) allows none of these; a page that used one
// would be broken for people and not for tests.
func TestNoPageNeedsWhatItsPolicyForbids(t *testing.T) {
	for name, text := range sources(t) {
		for what, pattern := range map[string]string{
			"inline style": `\sstyle=`, "inline handler": `\son[a-z]+="`, "inline script": `<script(>| type="module">)`,
			"third party": `(src|href|action)="(https?:)?//`, "frame": `<i?frame`, "base": `<base`,
		} {
			if name == "loggedout.html" && what == "frame" {
				continue // its policy is widened to these frames, and to no others (LO6)
			}
			if regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%s: %s", name, what)
			}
		}
	}
}

// Every form that changes something carries the token of its login.
func TestEveryFormCarriesItsToken(t *testing.T) {
	for name, text := range sources(t) {
		forms := strings.Count(text, `method="post"`)
		tokens := strings.Count(text, `name="csrf"`)
		if forms != tokens {
			t.Errorf("%s: %d forms, %d tokens", name, forms, tokens)
		}
	}
}

// None of the State's or ANS's marks and names of design (ux.md 5).
func TestNoBorrowedMarks(t *testing.T) {
	for name, text := range sources(t) {
		for _, mark := range []string{"dsfr", "marianne", "fr-header", "République", "bloc-marque"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(mark)) {
				t.Errorf("%s holds %q", name, mark)
			}
		}
	}
}
