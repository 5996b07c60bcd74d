package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/trust/audit"
)

// rig is the API as it is served, behind a TLS layer that the test plays.
type rig struct {
	echo   *echo.Echo
	events *audit.Memory
	desk   *desk.Desk
	failed []error
}

func newRig(t testing.TB) *rig {
	t.Helper()
	base, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "egide.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = base.Close() })
	now := clock.NewManual(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
	r := &rig{echo: echo.New(), events: new(audit.Memory)}
	r.desk = desk.New(desk.Deps{
		DB: base, Clients: client.New(client.Options{Clock: now, Kept: desk.NewTable(base)}), Audit: r.events, Clock: now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	New(Deps{
		Desk: r.desk, Operators: Operators{"CN=Anna": Registrar, "CN=Rose": Reader}, Failures: r.events.Failure, Healthy: func() error { return nil },
		Log: func(_ context.Context, err error) { r.failed = append(r.failed, err) },
	}).Mount(r.echo)
	return r
}

// call is a request by the holder of a verified certificate.
func (r *rig) call(req *http.Request, name string) *httptest.ResponseRecorder {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	req.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
	w := httptest.NewRecorder()
	r.echo.ServeHTTP(w, req)
	return w
}

// FuzzAdminAPI makes requests from openapi.yaml, valid ones and nearly valid
// ones, and holds every answer to the description: only statuses that are
// declared, bodies that fit their schema, no failure of ours, no secret twice.
func FuzzAdminAPI(f *testing.F) {
	c := newCaller(f)
	for seed := range uint64(100) {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { c.try(t, a, b) })
}

// The fuzzer is worth something only if what it makes goes through, too.
func TestFuzzerReachesEveryOperation(t *testing.T) {
	c := newCaller(t)
	for seed := range uint64(2000) {
		c.try(t, seed, 1)
	}
	for _, o := range new(API).operations() {
		if c.good[o.id] == 0 || c.bad[o.id] == 0 && o.method != http.MethodGet {
			t.Errorf("%s: %d times done, %d times refused", o.id, c.good[o.id], c.bad[o.id])
		}
	}
}

// caller sends what a maker makes, and judges the answers.
type caller struct {
	*rig
	spec      *spec
	shown     map[string]bool
	rights    []string          // initial tokens that there are
	tags      map[string]string // ETag of each client, as it was last told
	good, bad map[string]int
}

func newCaller(t testing.TB) *caller {
	return &caller{rig: newRig(t), spec: readSpec(t), shown: map[string]bool{}, tags: map[string]string{}, good: map[string]int{}, bad: map[string]int{}}
}

func (c *caller) try(t *testing.T, a, b uint64) {
	m := &maker{Rand: mathrand.New(mathrand.NewPCG(a, b)), spec: c.spec, rights: c.rights, tags: c.tags}
	o, method, path := m.operation()
	req := m.request(o, method, path)
	w := c.call(req, "Anna")
	got, ok := o.Responses[strconv.Itoa(w.Code)]
	if w.Code >= 500 || !ok {
		t.Fatalf("%s %s answered %d: %s", method, req.URL, w.Code, w.Body)
	}
	if strings.HasPrefix(got.Ref, "#") {
		c.bad[o.OperationID]++
		got = c.spec.Components.Responses["Problem"]
	} else {
		c.good[o.OperationID]++
	}
	if tag := w.Header().Get("ETag"); tag != "" {
		c.tags[strings.Split(req.URL.Path, "/")[4]] = tag
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	content, ok := got.Content[media]
	if !ok {
		t.Fatalf("%s %s: %d of %s", method, req.URL, w.Code, media)
	}
	if media == "application/yaml" {
		return
	}
	c.judge(t, content.Schema, w.Body.Bytes())
}

func (c *caller) judge(t *testing.T, s *schema, body []byte) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if wrong := c.spec.fits(s, v, "body"); len(wrong) > 0 {
		t.Fatalf("%v\n%s", wrong, body)
	}
	if id, ok := v["id"].(string); ok && v["initial_access_token"] != nil {
		c.rights = append(c.rights, id)
	}
	for _, secret := range secretIn.FindAllString(string(body), -1) {
		if c.shown[secret] {
			t.Fatalf("a secret was shown twice: %s", body)
		}
		c.shown[secret] = true
	}
}

// secretIn finds what is as long as a secret, whatever member it stands in.
var secretIn = regexp.MustCompile(`"[A-Za-z0-9_-]{43}"`)

// maker makes requests from the description.
type maker struct {
	*mathrand.Rand
	spec   *spec
	rights []string
	tags   map[string]string
}

func (m *maker) one(in int) bool { return m.IntN(in) == 0 }

func pick[T any](m *maker, from ...T) T { return from[m.IntN(len(from))] }

func (m *maker) operation() (described, string, string) {
	o := pick(m, new(API).operations()...)
	return m.spec.Paths[o.path][strings.ToLower(o.method)], o.method, o.path
}

func (m *maker) request(o described, method, path string) *http.Request {
	q, header, id := url.Values{}, http.Header{}, ""
	for _, ref := range o.Parameters {
		p := m.spec.Components.Parameters[ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]]
		switch {
		case p.In == "path":
			id = pick(m, "c1", "c2", "c3", "c4", "nobody", "a b", "é", strings.Repeat("x", 120), "..", "%2f")
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(id))
			if strings.Contains(path, "initial-tokens") && len(m.rights) > 0 && m.one(2) {
				path = "/initial-tokens/" + pick(m, m.rights...) + "/revoke"
			}
		case p.In == "query" && m.one(2):
			q.Set(p.Name, pick(m, "1", "500", "501", "0", "-1", "x", "", "c2", "é\x00"))
		case p.Name == "If-None-Match" && header.Get("If-Match") == "" && !m.one(4):
			header.Set(p.Name, "*")
		case p.Name == "If-Match" && m.one(2):
			header.Set(p.Name, m.tags[id])
		case p.In == "header" && m.one(6):
			header.Set(p.Name, pick(m, `"v1"`, `"v2"`, `"v3"`, "*", `W/"v1"`, `"v01"`, `"v99999999999999999999"`, "v1", ""))
		}
	}
	if m.one(30) {
		q.Set("debug", "1")
	}
	var body io.Reader = http.NoBody
	if o.RequestBody != nil {
		text := m.body(o.RequestBody.Content["application/json"].Schema)
		body = strings.NewReader(text)
		header.Set("Content-Type", "application/json")
		if m.one(30) {
			header.Set("Content-Type", pick(m, "text/plain", "", "application/json; charset=latin1", "application/merge-patch+json"))
		}
	}
	req := httptest.NewRequest(method, Base+path+"?"+q.Encode(), body)
	req.Header = header
	return req
}

// body is a valid document, or one with something wrong.
func (m *maker) body(s *schema) string {
	v := m.object(m.spec.resolve(s))
	if m.one(6) {
		v[pick(m, "role", "client_secret", "id", "Reason", "__proto__")] = "x"
	}
	if m.one(8) {
		for name := range v {
			delete(v, name)
			break
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	text := string(out)
	switch m.IntN(40) {
	case 0:
		return text[:m.IntN(len(text))]
	case 1:
		return text + text
	case 2:
		return strings.Replace(text, `{`, `{"reason":"twice",`, 1)
	case 3:
		return strings.Repeat("[", 10000)
	}
	return text
}

func (m *maker) value(s *schema, name string) any {
	s = m.spec.resolve(s)
	if m.one(60) {
		return pick[any](m, nil, true, -1, 1e300, "", []any{}, map[string]any{}, "\u0000", strings.Repeat("é", 5000), "😀")
	}
	switch types(s)[0] {
	case "boolean":
		return m.one(2)
	case "integer":
		least, most := int64(0), int64(1000)
		if s.Minimum != nil {
			least = *s.Minimum
		}
		if s.Maximum != nil {
			most = *s.Maximum
		}
		return least + m.Int64N(most-least+1)
	case "array":
		out := make([]any, 0, 2)
		for range max(s.MinItems, m.IntN(3)) {
			out = append(out, m.value(s.Items, name))
		}
		return out
	case "object":
		return m.object(s)
	}
	if len(s.Enum) > 0 {
		return pick(m, s.Enum...)
	}
	return m.text(name)
}

func (m *maker) object(s *schema) map[string]any {
	out := map[string]any{}
	for name, p := range s.Properties {
		// Most of a registration is optional; what makes it good comes below.
		if slices.Contains(s.Required, name) || m.one(max(2, len(s.Properties)/3)) {
			out[name] = m.value(p, name)
		}
	}
	if s == m.spec.Components.Schemas["Registration"] && !m.one(4) {
		delete(out, "id")
		out["name"], out["profile"], out["redirect_uris"] = "Essai", "oidc", []any{"https://essai.example/cb"}
		if m.one(2) {
			for name := range out {
				if name != "name" && name != "profile" && name != "redirect_uris" {
					delete(out, name)
				}
			}
		}
	}
	return out
}

func (m *maker) text(name string) string {
	if strings.Contains(name, "uri") {
		return pick(m, "https://essai.example/cb", "http://essai.example/", "javascript:alert(1)", "https://essai.example/#f", "://")
	}
	return pick(m, "case-7", "essai", "RS256", "client_secret_basic", "none", "2026-11-26", "60s", "\u2028", "<script>", "a: b\n- c", "&x *x", "'", "", "!!binary x", "{", "😀")
}
