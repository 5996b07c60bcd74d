package assets

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, a *App, path string, zipped bool) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if zipped {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

var link = regexp.MustCompile(`(?:src|href)="(/[^"#]+)"`)

// Under 100 KB for everything a phone transfers, and nothing that its page names
// is missing.
func TestAppIsSmallAndWhole(t *testing.T) {
	a := LoadApp()
	total := 0
	for address := range a.files {
		total += get(t, a, address, true).Body.Len()
	}
	if total > 100<<10 {
		t.Errorf("the app transfers %d bytes", total)
	}
	t.Logf("%d bytes in %d files", total, len(a.files))
	for _, m := range link.FindAllStringSubmatch(get(t, a, "/", false).Body.String(), -1) {
		if !a.Has(m[1]) {
			t.Errorf("the page names %s, which is not there", m[1])
		}
	}
	if w := get(t, a, "/app/x/main.js", false); w.Code != http.StatusNotFound {
		t.Errorf("an unknown file: %d", w.Code)
	}
}

// Modules import one another by names that exist.
func TestAppModulesFindOneAnother(t *testing.T) {
	a := LoadApp()
	for address, f := range a.files {
		for _, m := range regexp.MustCompile(`(?:from|import\() ?"\./([a-z-]+\.js)"`).FindAllStringSubmatch(string(f.body), -1) {
			if !a.Has(address[:strings.LastIndex(address, "/")+1] + m[1]) {
				t.Errorf("%s imports %s, which is not there", address, m[1])
			}
		}
	}
}

// The origin that holds the keys takes no inline script or style and no text that
// becomes a page; only its worker's address is trusted by name.
func TestAppHoldsItsPolicy(t *testing.T) {
	a := LoadApp()
	w := get(t, a, "/", false)
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	for address, f := range a.files {
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=", "onclick=\"", "<script>"} {
			if strings.Contains(string(f.body), bad) {
				t.Errorf("%s holds %q", address, bad)
			}
		}
	}
}

// A phone keeps the shell by its version and never the API.
func TestWorkerKeepsTheShell(t *testing.T) {
	a := LoadApp()
	w := get(t, a, "/sw.js", false)
	body := w.Body.String()
	if strings.Contains(body, "{{") || strings.Contains(body, "/* shell */") || !strings.Contains(body, "main.js") || !strings.Contains(body, `startsWith("/ecps/")`) {
		t.Errorf("the worker says %s", body)
	}
	if w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%v", w.Header())
	}
}
