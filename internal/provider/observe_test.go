package provider

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// scrape asks a door of the node by its own address.
func scrape(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// The numbers are the operator's: on the admin socket always, on a port of their
// own when there is one, never among the public's paths.
func TestMetricsAreTheOperatorsAlone(t *testing.T) {
	p, _ := node(t, Production, func(c *Config) { c.Metrics.Listen = "127.0.0.1:0" })
	if rec := get(p, "/metrics"); rec.Code != http.StatusNotFound {
		t.Errorf("a stranger asked for the metrics: %d", rec.Code)
	}
	admin := serving(t, p)
	for _, want := range []string{"egide_ready 1", "egide_register_persons 1", "egide_build_info{", `egide_outbox_messages{outbox="letters",state="waiting"} 0`, "process_open_fds"} {
		if status, body := scrape(t, admin.http, "http://admin/metrics"); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("no %s among the metrics: %d", want, status)
		}
	}
	if ready, err := admin.Ready(t.Context()); err != nil || !ready.Ready {
		t.Errorf("%+v, %v", ready, err)
	}
	doors, err := p.metricsListener(t.Context())
	if err != nil || len(doors) != 1 {
		t.Fatalf("%v, %v", doors, err)
	}
	s := &http.Server{Handler: doors[0].handler}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(doors[0].Listener) }()
	defer func() { _ = s.Close(); <-done }()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/metrics": http.StatusOK, "/readyz": http.StatusNoContent, "/runtime": http.StatusNotFound} {
		if status, _ := scrape(t, c, "http://"+doors[0].Addr().String()+path); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Two doors of one node, each by its own address; a place that is taken is told.
func TestSeveralListeners(t *testing.T) {
	p, _ := node(t, Sandbox, func(c *Config) {
		c.Listeners = []ListenerConfig{{Address: "127.0.0.1:0"}, {Address: "localhost:0"}, {Address: "127.0.0.1:0", Redirect: true}}
	})
	names := map[string]int{}
	for _, l := range p.config.listeners() {
		door, err := p.openPublic(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		names[door.name]++
		taken := ListenerConfig{Address: door.Addr().String()}
		if again, err := p.openPublic(t.Context(), taken); err == nil {
			t.Errorf("%s was opened twice", again.Addr())
		}
		if err := door.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
	if names["public"] != 2 || names["redirect"] != 1 {
		t.Errorf("%v", names)
	}
}
