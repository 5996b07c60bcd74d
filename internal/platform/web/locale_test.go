package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/web"
)

func TestLocale(t *testing.T) {
	for _, tc := range []struct{ ui, accept, want string }{
		{"", "", "fr"},
		{"", "en-GB,en;q=0.9", "en"},
		{"", "de,en;q=0.5,fr;q=0.4", "en"},
		{"", "en;q=0.3,fr;q=0.8", "fr"},
		{"", "en;q=0", "fr"},
		{"", "en;q=nonsense,de", "fr"},
		{"", "*", "fr"},
		{"fr-CA en", "en", "fr"},
		{"de en-US", "fr", "en"},
		{"xx", "en", "en"},
		{"EN_us", "", "en"},
		{"<script>", "en;q=2", "fr"},
		{strings.Repeat("xx ", 1000) + "en", "", "fr"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", tc.accept)
		if got := web.Locale(echo.New().NewContext(r, httptest.NewRecorder()), tc.ui); got != tc.want {
			t.Errorf("ui_locales %.20q, Accept-Language %q: %q, want %q", tc.ui, tc.accept, got, tc.want)
		}
	}
}

// Every code the house may show has words of its own in both languages.
func TestEveryPublicCodeHasATextInBothLanguages(t *testing.T) {
	unknown := web.TextOf("PF-XX-999", web.French)
	for _, code := range codesOf(t, "../../means/ecps/codes.go", "// Codes that only a phone sees.") {
		checkText(t, code, unknown)
	}
	for _, code := range codesOf(t, "texts.go", "// Text is what") {
		if code != web.CodeInternal {
			checkText(t, code, unknown)
		}
	}
	for _, code := range []string{"PF-ID-001", "PF-ID-002", "PF-ID-004", "PF-ID-005", "PF-CA-023", "PF-DR-030", "PF-DR-031"} {
		checkText(t, code, unknown)
	}
}

func checkText(t *testing.T, code string, unknown web.Text) {
	t.Helper()
	fr, en := web.TextOf(code, web.French), web.TextOf(code, web.English)
	if fr == unknown || fr == en {
		t.Errorf("%s has no text of its own in both languages", code)
	}
	for _, s := range []string{fr.Title, fr.Cause, fr.Action, en.Title, en.Cause, en.Action} {
		if s == "" {
			t.Errorf("%s lacks title, cause or action", code)
		}
	}
}

// codesOf reads the codes of a source file up to a mark, so that a new one
// cannot be forgotten here.
func codesOf(t *testing.T, file, until string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part, _, found := strings.Cut(string(source), until)
	codes := regexp.MustCompile(`"(PF-[A-Z]{2}-\d{3})"`).FindAllStringSubmatch(part, -1)
	if !found || len(codes) < 5 {
		t.Fatalf("%s: cannot find its codes", file)
	}
	list := make([]string, len(codes))
	for i, c := range codes {
		list[i] = c[1]
	}
	return list
}
