package dmp

import (
	"encoding/json"
	"html/template"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestEveryTextIsThere: a page that lacks a text in one language would fail
// only when somebody meets it.
func TestEveryTextIsThere(t *testing.T) {
	var texts map[string]struct{ FR, EN string }
	if err := readJSON("pages/texts.json", &texts); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	files, _ := filepath.Glob("pages/*.html")
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\{\{t "([^"]+)"\}\}`).FindAllStringSubmatch(string(src), -1) {
			used[m[1]] = true
		}
	}
	for _, code := range []string{"PF-DM-000", codeLoginLost, codeLoginRefused, codeUntrusted, codeNoRecord, codeForged, codeProviderDown} {
		used["failure."+code] = true
	}
	for key := range used {
		if texts[key].FR == "" || texts[key].EN == "" {
			t.Errorf("%s is not said in both languages", key)
		}
		delete(texts, key)
	}
	for key := range maps.Keys(texts) {
		t.Errorf("%s is said nowhere", key)
	}
}

func TestLanguage(t *testing.T) {
	s := newStage(t)
	for accept, want := range map[string]string{"": "fr", "en-GB,en;q=0.8": "en", "de": "fr", "fr-CA": "fr", "de, en;q=0.5": "en", "\x00;;": "fr"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if accept != "\x00;;" {
			r.Header.Set("Accept-Language", accept)
		} else {
			r.Header.Set("Accept-Language", ";;q=x")
		}
		if v := s.do(s.browser, r); !strings.Contains(v.body, `<html lang="`+want+`">`) {
			t.Errorf("%q: not %s", accept, want)
		}
	}
}

func TestHeadersAndNoScript(t *testing.T) {
	s := newStage(t)
	s.op.user = person("899700991021", educator, coordinator)
	s.login("/login")
	for _, path := range []string{"/", "/situation", "/nowhere", "/callback"} {
		v := s.get(path)
		csp := v.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
		// Chromium checks the whole redirect chain of the logout form.
		if !strings.Contains(csp, "form-action 'self' "+s.op.URL+" "+testAuthHost) {
			t.Errorf("%s: %s", path, csp)
		}
		if v.header.Get("Cache-Control") != "no-store" || v.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, v.header)
		}
		if strings.Contains(v.body, "<script") || regexp.MustCompile(` on[a-z]+=| style=`).MatchString(v.body) {
			t.Errorf("%s needs a script or inline style", path)
		}
		for _, id := range regexp.MustCompile(`<input type="radio"[^>]* id="([^"]+)"`).FindAllStringSubmatch(v.body, -1) {
			if !strings.Contains(v.body, `<label for="`+id[1]+`"`) {
				t.Errorf("%s: %s has no label", path, id[1])
			}
		}
	}
}

// TestNamesAreEscaped: the register may hold any character, the page none that acts.
func TestNamesAreEscaped(t *testing.T) {
	s := newStage(t)
	bad := `"><script>alert(1)</script>`
	s.op.user = person("899700990015", job{"10", "C", bad, bad, bad})
	s.op.user["family_name"] = bad
	if v := s.login("/login"); strings.Contains(v.body, "<script") || !strings.Contains(v.body, template.HTMLEscapeString(bad)) {
		t.Error(v.body)
	}
}

func TestUnknownPagesAndMethods(t *testing.T) {
	s := newStage(t)
	s.get("/nowhere").expectFailure(t, http.StatusNotFound, codeNoRecord)
	s.get("/patient/nobody").expectFailure(t, http.StatusNotFound, codeNoRecord)
	if v := s.post("/patient/fictif-1", nil); v.status < 400 || v.status >= 500 {
		t.Errorf("POST: %d", v.status)
	}
	if v := s.post("/situation", nil); v.status != http.StatusSeeOther {
		t.Errorf("form without a session: %d", v.status)
	}
}

// TestContrast: every text colour stands 4.5:1 from what is behind it, in both
// themes (WCAG 2.2, 1.4.3); edges and the focus ring 3:1 (1.4.11).
func TestContrast(t *testing.T) {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(themes) != 2 {
		t.Fatalf("%d themes", len(themes))
	}
	for _, theme := range themes {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(theme[1], -1) {
			colour[m[1]] = luminance(m[2])
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "paper", 4.5}, {"ink", "shade", 4.5}, {"soft", "paper", 4.5}, {"soft", "shade", 4.5}, {"key", "paper", 4.5},
			{"key", "shade", 4.5}, {"on-key", "key", 4.5}, {"good", "shade", 4.5}, {"bad", "shade", 4.5}, {"edge", "paper", 3}, {"ink", "paper", 3},
		} {
			a, b := colour[pair.front], colour[pair.back]
			if ratio := (math.Max(a, b) + .05) / (math.Min(a, b) + .05); ratio < pair.least {
				t.Errorf("%s on %s: %.2f", pair.front, pair.back, ratio)
			}
		}
	}
}

// luminance is the relative luminance of WCAG 2.
func luminance(hex string) float64 {
	part := func(s string) float64 {
		n, _ := strconv.ParseUint(s, 16, 8)
		v := float64(n) / 255
		if v <= .04045 {
			return v / 12.92
		}
		return math.Pow((v+.055)/1.055, 2.4)
	}
	return .2126*part(hex[:2]) + .7152*part(hex[2:4]) + .0722*part(hex[4:])
}

// TestRecordsAreInvented: nothing in them could be taken for a person.
func TestRecordsAreInvented(t *testing.T) {
	var list []record
	if err := json.Unmarshal(recordsFile, &list); err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	if regexp.MustCompile(`[12]\d{12}`).Match(recordsFile) {
		t.Error("something like an identity number of the State")
	}
	for _, r := range list {
		if !strings.HasPrefix(r.ID, "fictif-") {
			t.Errorf("%s does not say that it is invented", r.ID)
		}
	}
}

// TestNoStructureNoCareTeam: two empty identifiers are not the same place.
func TestNoStructureNoCareTeam(t *testing.T) {
	if (record{CareTeam: []string{""}}).caredForBy(&situation{}) || (record{CareTeam: []string{"R1"}}).caredForBy(nil) {
		t.Error("inside a care team without a structure")
	}
}
