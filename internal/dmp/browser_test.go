package dmp

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/platform/clock"
)

// stage is the service before its provider, with one browser looking at it.
type stage struct {
	*testing.T
	op      *fakeOP
	service *Service
	clock   *clock.Manual
	base    string
	browser *http.Client
	log     *strings.Builder

	arrived func() // called for each request to the service, when set
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, op: newOP(t), clock: clock.NewManual(clock.System{}.Now()), log: &strings.Builder{}}
	server := httptest.NewUnstartedServer(nil)
	s.base = "http://" + server.Listener.Addr().String()
	service, err := New(
		Config{Issuer: s.op.issuer, ClientID: testClient, ClientSecret: testSecret, PublicURL: s.base},
		Deps{Clock: s.clock, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(&lockedWriter{w: s.log}, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	s.service = service
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.arrived != nil {
			s.arrived()
		}
		service.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	s.browser = newBrowser(t, s.base)
	return s
}

// newBrowser follows redirects within the service only, so that a test sees
// each visit to the provider.
func newBrowser(t *testing.T, base string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), base+"/") || len(via) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// seen is what the browser ends up with.
type seen struct {
	status   int
	body     string
	location string
	path     string
	header   http.Header
}

func (s *stage) do(b *http.Client, r *http.Request) seen {
	s.Helper()
	resp, err := b.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return seen{resp.StatusCode, string(body), resp.Header.Get("Location"), resp.Request.URL.RequestURI(), resp.Header}
}

func (s *stage) get(target string) seen { return s.getBy(s.browser, target) }

func (s *stage) getBy(b *http.Client, target string) seen {
	s.Helper()
	if strings.HasPrefix(target, "/") {
		target = s.base + target
	}
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, target, nil)
	if err != nil {
		s.Fatal(err)
	}
	return s.do(b, r)
}

func (s *stage) post(path string, form url.Values) seen {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(s.browser, r)
}

// login goes from a page to the provider and back.
func (s *stage) login(from string) seen {
	s.Helper()
	v := s.get(from)
	if v.status != http.StatusSeeOther {
		s.Fatalf("%s answered %d, not a redirect to the provider:\n%s", from, v.status, v.body)
	}
	return s.get(s.op.authorize(s.T, v.location))
}

func attr(body, id, name string) string {
	tag := regexp.MustCompile(`<[^>]* id="` + regexp.QuoteMeta(id) + `"[^>]*>`).FindString(body)
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func hidden(body, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1]
}

// expect checks the decision on a page.
func (v seen) expect(t *testing.T, decision, code string) {
	t.Helper()
	if got, c := attr(v.body, "dmp-decision", "data-decision"), attr(v.body, "dmp-decision", "data-code"); got != decision || c != code {
		t.Fatalf("decision %q code %q (status %d at %s), want %q %q", got, c, v.status, v.path, decision, code)
	}
}

// expectFailure checks the code of a failure page.
func (v seen) expectFailure(t *testing.T, status int, code string) {
	t.Helper()
	if c := attr(v.body, "dmp-failure", "data-code"); v.status != status || c != code {
		t.Fatalf("status %d code %q at %s, want %d %q", v.status, c, v.path, status, code)
	}
}
