package cardpage

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/sandbox"
	"github.com/egide-id/egide/internal/trust/pki"
)

const (
	port = 8482
	host = "127.0.0.1:8482"
)

// desk is a page over real cards.
func desk(t *testing.T) (http.Handler, *sandbox.Cards) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	authority, err := pki.New(pki.Options{Clock: clock.System{}, Bits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	cards := sandbox.NewCards(sandbox.CardDeps{Authority: authority, Dir: t.TempDir(), Clock: clock.System{}, Log: log})
	t.Cleanup(cards.Close)
	page, err := New(Deps{Cards: cards, Authority: authority.Handler(), Port: port, Rand: rand.Reader, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return page.Handler(), cards
}

func do(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const form = "application/x-www-form-urlencoded"

func csrf(t *testing.T, h http.Handler) string {
	t.Helper()
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(do(h, http.MethodGet, "/", "").Body.String())
	if found == nil {
		t.Fatal("the page has no token")
	}
	return found[1]
}

// wrongNext is a change that costs no card: the next PIN of P1 is wrong.
func wrongNext(c *sandbox.Cards) bool { return c.Desk().Cards[0].WrongNext }

// Attack: DNS rebinding. A foreign name bound to the loopback address neither
// reads nor moves anything.
func TestForeignHostIsRefused(t *testing.T) {
	h, cards := desk(t)
	for _, name := range []string{"evil.example", "evil.example:8482", "127.0.0.1", "127.0.0.1:8483", "localhost.evil.example:8482", ""} {
		for _, w := range []*httptest.ResponseRecorder{
			do(h, http.MethodGet, "/", "", "Host", name), do(h, http.MethodGet, "/cards", "", "Host", name),
			do(h, http.MethodPost, "/cards/P1/wrong-pin", "", "Host", name, Header, "1"),
		} {
			if w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "899700991013") {
				t.Errorf("%q: %d", name, w.Code)
			}
		}
	}
	if wrongNext(cards) {
		t.Error("a rebound name gave an order")
	}
	for _, name := range []string{host, "localhost:8482", "[::1]:8482"} {
		if w := do(h, http.MethodGet, "/cards", "", "Host", name); w.Code != http.StatusOK {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// Attack: CSRF. Another page presses a button, as a form or as a script without
// preflight.
func TestOtherPagesCannotPressButtons(t *testing.T) {
	h, cards := desk(t)
	good := url.Values{"csrf": {csrf(t, h)}}.Encode()
	for name, c := range map[string]struct {
		body    string
		headers []string
	}{
		"no token":                      {"", []string{"Content-Type", form}},
		"wrong token":                   {"csrf=AAAA", []string{"Content-Type", form}},
		"stolen token, foreign origin":  {good, []string{"Content-Type", form, "Origin", "https://evil.example"}},
		"stolen token, null origin":     {good, []string{"Content-Type", form, "Origin", "null"}},
		"stolen token, other port":      {good, []string{"Content-Type", form, "Origin", "http://127.0.0.1:8480"}},
		"stolen token, other site":      {good, []string{"Content-Type", form, "Sec-Fetch-Site", "cross-site"}},
		"stolen token, same site":       {good, []string{"Content-Type", form, "Sec-Fetch-Site", "same-site"}},
		"simple request":                {"{}", []string{"Content-Type", "text/plain"}},
		"simple request, no type":       {"{}", nil},
		"script with a header, foreign": {"", []string{Header, "1", "Origin", "https://evil.example"}},
		"JSON, foreign":                 {"{}", []string{"Content-Type", "application/json", "Origin", "https://evil.example"}},
	} {
		w := do(h, http.MethodPost, "/cards/P1/wrong-pin", c.body, c.headers...)
		if w.Code != http.StatusForbidden || wrongNext(cards) {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := do(h, http.MethodOptions, "/cards/P1/insert", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"); w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a preflight passed: %d", w.Code)
	}
	if w := do(h, http.MethodGet, "/cards/P1/wrong-pin", ""); w.Code < 400 || wrongNext(cards) {
		t.Errorf("a GET gave an order: %d", w.Code)
	}
	w := do(h, http.MethodPost, "/cards/P1/wrong-pin", good, "Content-Type", form, "Origin", "http://"+host, "Sec-Fetch-Site", "same-origin")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/#P1" || !wrongNext(cards) {
		t.Errorf("our own form: %d to %s", w.Code, w.Header().Get("Location"))
	}
}

// Attack: the page is framed, or another one reads it.
func TestPageIsClosedToOthers(t *testing.T) {
	h, _ := desk(t)
	w := do(h, http.MethodGet, "/", "", "Origin", "https://evil.example")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("%v", w.Header())
	}
	for _, outside := range []string{"http://", "https://", "<script", "style="} {
		if strings.Contains(w.Body.String(), outside) {
			t.Errorf("the page has %q", outside)
		}
	}
}

func TestCardsByJSON(t *testing.T) {
	h, _ := desk(t)
	order := func(path string) (int, sandbox.Desk) {
		w := do(h, http.MethodPost, path, "", "Content-Type", "application/json")
		var d sandbox.Desk
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil && w.Code != http.StatusNotFound {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Code, d
	}
	for _, c := range []struct {
		path    string
		status  int
		readers [2]string
	}{
		{"/cards/P1/insert", 200, [2]string{"P1", ""}},
		{"/cards/500099900000029%2FING012/insert", 200, [2]string{"P1", "P7"}},
		{"/cards/3990000119/RH0007/insert", http.StatusConflict, [2]string{}},
		{"/cards/899700991013/remove", 200, [2]string{"", "P7"}},
		{"/cards/P1/remove", 200, [2]string{"", "P7"}},
		{"/cards/3990000119/RH0007/insert", 200, [2]string{"P5", "P7"}},
		{"/cards/P3/insert", http.StatusNotFound, [2]string{}}, // holds no card
		{"/cards/nobody/insert", http.StatusNotFound, [2]string{}},
		{"/cards/P1/burn", http.StatusNotFound, [2]string{}},
		{"/cards/insert", http.StatusNotFound, [2]string{}},
	} {
		status, d := order(c.path)
		if status != c.status || status == 200 && (d.Readers[0].Persona != c.readers[0] || d.Readers[1].Persona != c.readers[1]) {
			t.Errorf("%s: %d %+v", c.path, status, d.Readers)
		}
	}
}

func TestPageInBothLanguages(t *testing.T) {
	h, cards := desk(t)
	if err := cards.Insert("P2"); err != nil {
		t.Fatal(err)
	}
	for language, says := range map[string][]string{
		"":      {`lang="fr"`, "Insérer", "Retirer", "Prochain code faux", "Basile DOUBLE", "Lecteur 1", "cps4"},
		"en-GB": {`lang="en"`, "Insert", "Remove", "Next PIN wrong"},
	} {
		body := do(h, http.MethodGet, "/", "", "Accept-Language", language).Body.String()
		for _, want := range says {
			if !strings.Contains(body, want) {
				t.Errorf("%q lacks %q", language, want)
			}
		}
	}
	w := do(h, http.MethodPost, "/cards/nobody/insert", url.Values{"csrf": {csrf(t, h)}}.Encode(), "Content-Type", form)
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `role="alert"`) {
		t.Errorf("a refused order: %d", w.Code)
	}
}

func TestAuthorityPublishesOnTheSamePort(t *testing.T) {
	h, cards := desk(t)
	if err := cards.Insert("P1"); err != nil {
		t.Fatal(err)
	}
	if w := do(h, http.MethodGet, "/CRL/ACI-FO-PP-TEST.crl", ""); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/pkix-crl" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if w := do(h, http.MethodGet, "/nothing", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}
