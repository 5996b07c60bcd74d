package provider

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector in this process: it keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*otlp.Span
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var in collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &in)
		}
		if err != nil || q.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", q.URL.Path, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw.Write(body)
		for _, res := range in.ResourceSpans {
			for _, scope := range res.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// flush sends what the node has not sent yet.
func (r *receiver) flush(t *testing.T, p *Provider) []*otlp.Span {
	t.Helper()
	if err := p.res.tracer.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans
}

// followedBy is a node whose every request is followed.
func followedBy(t *testing.T, r *receiver, sample float64) *Provider {
	p, _ := node(t, Production, func(c *Config) {
		c.Tracing = TracingConfig{OTLPEndpoint: r.URL, Sample: sample}
		c.TrustedProxies = []string{"192.0.2.0/24"}
	})
	return p
}

const (
	parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
)

func attribute(s *otlp.Span, name string) string {
	for _, a := range s.Attributes {
		if a.Key == name {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

func TestRequestsAreFollowed(t *testing.T) {
	r := newReceiver(t)
	p := followedBy(t, r, 1)
	get(p, "/login/"+strings.Repeat("a", 43))
	spans := r.flush(t, p)
	i := slices.IndexFunc(spans, func(s *otlp.Span) bool { return s.Kind == otlp.Span_SPAN_KIND_SERVER })
	if i < 0 {
		t.Fatal("no span of the request")
	}
	top := spans[i]
	if top.Name != "GET /login/:handle" || attribute(top, "http.route") != "/login/:handle" || len(attribute(top, "egide.request_id")) != 16 {
		t.Errorf("%s", top)
	}
	if !slices.ContainsFunc(spans, func(s *otlp.Span) bool { return s.Name == "store.get" && bytes.Equal(s.ParentSpanId, top.SpanId) }) {
		t.Error("the store's part is not a step of the request")
	}
}

// A span goes to machines that hold no secrets: whatever a request brings, none of
// it is there.
func TestAttackIdentifiersAndTokensInSpans(t *testing.T) {
	r := newReceiver(t)
	p := followedBy(t, r, 1)
	const secret = "s3cret-899700000017"
	for _, path := range []string{"/auth?client_id=" + secret + "&state=" + secret, "/login/" + secret, "/" + secret, "/readyz?" + secret} {
		q := httptest.NewRequest(http.MethodPost, path, strings.NewReader("login="+secret+"&code="+secret))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Authorization", "Bearer "+secret)
		q.Header.Set("Cookie", "__Host-egide-session="+secret)
		q.Header.Set("User-Agent", secret)
		q.Header.Set("Tracestate", "x="+secret)
		q.Header.Set("Baggage", "who="+secret)
		q.Host = secret
		p.ServeHTTP(httptest.NewRecorder(), q)
	}
	if spans := r.flush(t, p); len(spans) < 4 {
		t.Fatalf("%d spans: the test tells nothing", len(spans))
	}
	if strings.Contains(r.raw.String(), secret) || strings.Contains(r.raw.String(), "899700000017") {
		t.Error("a span tells what a request brought")
	}
}

// D7: a place in a larger trace is taken from configured proxies, and from nobody
// else: strangers could have each of their requests recorded, or hang it into
// somebody's trace.
func TestD7TraceparentOnlyFromTrustedProxies(t *testing.T) {
	for peer, trusted := range map[string]bool{"192.0.2.7:443": true, "203.0.113.9:443": false} {
		r := newReceiver(t)
		p := followedBy(t, r, 0) // nothing is recorded but what a trusted proxy asks for
		q := httptest.NewRequest(http.MethodGet, "/readyz", nil)
		q.RemoteAddr = peer
		q.Header.Set("Traceparent", parent)
		p.ServeHTTP(httptest.NewRecorder(), q)
		spans := r.flush(t, p)
		if (len(spans) > 0) != trusted {
			t.Errorf("%s: %d spans", peer, len(spans))
		}
		for _, s := range spans {
			if got := hex.EncodeToString(s.TraceId); got != trace {
				t.Errorf("%s: trace %s", peer, got)
			}
		}
	}
}

// A collector that is away, or that answers nonsense, costs spans and nothing else.
func TestCollectorAwayStopsNobody(t *testing.T) {
	r := newReceiver(t)
	r.Close()
	p := followedBy(t, r, 1)
	for range 10 {
		if rec := get(p, "/readyz"); rec.Code != http.StatusNoContent {
			t.Fatalf("readyz: %d", rec.Code)
		}
	}
}

func TestNobodyFollowsByDefault(t *testing.T) {
	p, _ := node(t, Production)
	if p.res.tracer != nil {
		t.Error("a tracer was opened")
	}
	if _, plain := p.res.kv.(followed); plain {
		t.Error("the store is followed")
	}
}
