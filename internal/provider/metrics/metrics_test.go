package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"

	"log/slog"
	"path/filepath"
)

// filled gives an instrument of every kind a value.
func filled(t *testing.T) *Metrics {
	t.Helper()
	m := New("test")
	for _, e := range []audit.Event{
		audit.LoginSucceeded{Means: "card"}, audit.LoginRefused{Means: "ecps", Reason: "PF-EC-012"}, audit.TokenIssued{Client: "dmp", Grant: "authorization_code"},
		audit.TokenRefreshed{Client: "dmp"}, audit.FamilyRevoked{Reason: "logout"}, audit.SessionEnded{Reason: "logout"}, audit.ConfigChanged{Accepted: true},
	} {
		m.Recorded(e, time.Millisecond, nil)
	}
	m.Recorded(audit.ServiceStopped{}, time.Millisecond, errors.New("disk"))
	m.Refused(audit.Failure{Kind: audit.FailureCode})
	m.Signed("ES256", time.Microsecond)
	m.Pushed("accepted")
	m.Outbox(func(context.Context) (map[string]Depth, error) { return map[string]Depth{"letters": {2, 1}}, nil })
	ask(m, http.MethodGet, "/login/abc", nil)
	return m
}

// ask sends one request through the middleware to a handler that answers err.
func ask(m *Metrics, method, path string, err error) {
	e := echo.New()
	e.Pre(m.HTTP)
	e.Any("/login/:handle", func(c echo.Context) error {
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Method = method
	e.ServeHTTP(httptest.NewRecorder(), r)
}

func TestNamesFollowTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(filled(t).Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func expect(t *testing.T, m *Metrics, lines ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, l := range lines {
		if !strings.Contains(w.Body.String(), "\n"+l+"\n") {
			t.Errorf("no %s", l)
		}
	}
}

func TestWhatHappensIsCounted(t *testing.T) {
	expect(t, filled(t),
		`egide_logins_total{means="card",outcome="succeeded"} 1`,
		`egide_logins_total{means="ecps",outcome="refused"} 1`,
		`egide_login_refusals_total{reason="PF-EC-012"} 1`,
		`egide_tokens_issued_total{client="dmp",grant="authorization_code"} 1`,
		`egide_tokens_issued_total{client="dmp",grant="refresh_token"} 1`,
		`egide_refusals_total{kind="code"} 1`,
		`egide_audit_write_failures_total 1`,
		`egide_audit_records_total{event="token.issued"} 1`,
		`egide_signature_duration_seconds_count{alg="ES256"} 1`,
		`egide_pushes_total{outcome="accepted"} 1`,
		`egide_outbox_messages{outbox="letters",state="dead"} 1`,
		`egide_config_changes_total{outcome="refused"} 0`,
		`egide_http_requests_total{code="204",method="GET",route="/login/:handle"} 1`,
	)
}

func TestStatusOfAnErrorIsTheOneThatIsAnswered(t *testing.T) {
	m := New("test")
	ask(m, http.MethodGet, "/login/abc", fault.New(fault.Unavailable, "", "store"))
	ask(m, http.MethodGet, "/login/abc", echo.ErrNotFound)
	expect(t, m,
		`egide_http_requests_total{code="503",method="GET",route="/login/:handle"} 1`,
		`egide_http_requests_total{code="404",method="GET",route="/login/:handle"} 1`)
}

// Who can send requests must not be able to make series: that is the memory of
// the node and of Prometheus.
func TestAttackSeriesMadeByStrangers(t *testing.T) {
	m := New("test")
	ask(m, http.MethodGet, "/login/first", nil)
	ask(m, "BREW", "/login/abc", nil)
	ask(m, http.MethodGet, "/nowhere", nil)
	count := func() int {
		n, err := testutil.GatherAndCount(m.Gatherer(), "egide_http_requests_total", "egide_http_request_duration_seconds", "egide_tokens_issued_total", "egide_refusals_total")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	for i := range 500 {
		ask(m, http.MethodGet, fmt.Sprintf("/login/%d", i), nil)
		ask(m, fmt.Sprintf("BREW%d", i), "/login/abc", nil)
		ask(m, http.MethodGet, fmt.Sprintf("/%d.php", i), nil)
	}
	if after := count(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
	for i := range 2000 { // registered ones are many, too
		m.Recorded(audit.TokenIssued{Client: fmt.Sprintf("client-%d", i), Grant: "client_credentials"}, 0, nil)
	}
	if after := count(); after > before+257 {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestStoreIsTimedAndUnchanged(t *testing.T) {
	m := New("test")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	kv := m.Store(s)
	ctx := t.Context()
	if err := kv.Put(ctx, "a", []byte("1"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := kv.Put(ctx, "a", []byte("1"), time.Minute); !fault.Is(err, fault.Conflict) {
		t.Errorf("put again: %v", err)
	}
	item, err := kv.Get(ctx, "a")
	if err != nil || string(item.Value) != "1" {
		t.Errorf("%s, %v", item.Value, err)
	}
	if _, err := kv.Update(ctx, "a", item.Version, []byte("2"), time.Minute); err != nil {
		t.Error(err)
	}
	if v, err := kv.Take(ctx, "a"); err != nil || string(v) != "2" {
		t.Errorf("%s, %v", v, err)
	}
	if err := kv.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var gone store.Item
	if gone, err = kv.Get(ctx, "a"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v, %v", gone, err)
	}
	expect(t, m, `egide_store_operation_duration_seconds_count{operation="put"} 2`, `egide_store_operation_duration_seconds_count{operation="update"} 1`,
		`egide_store_failures_total{operation="get"} 1`, `egide_store_failures_total{operation="put"} 0`)
}

// The instruments stand on every request's way: they must not make garbage there.
func TestCountingAllocatesNothing(t *testing.T) {
	m := filled(t)
	e := echo.New()
	c := e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	c.SetPath("/login/:handle")
	h := m.HTTP(func(echo.Context) error { return nil })
	var issued audit.Event = audit.TokenIssued{Client: "dmp", Grant: "authorization_code"}
	for what, f := range map[string]func(){
		"request":   func() { _ = h(c) },
		"trace":     func() { m.Recorded(issued, time.Millisecond, nil) },
		"signature": func() { m.Signed("ES256", time.Microsecond) },
		"refusal":   func() { m.Refused(audit.Failure{Kind: audit.FailureCode}) },
	} {
		f()
		if n := testing.AllocsPerRun(200, f); n > 0 {
			t.Errorf("%s: %.0f allocations", what, n)
		}
	}
}
