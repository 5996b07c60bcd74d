package provider

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"gopkg.in/yaml.v3"
)

// described reads the name and the labels out of a description of an instrument.
var described = regexp.MustCompile(`fqName: "([a-z_]+)".*variableLabels: \{([a-z,_]*)\}`)

// instruments are the names that a node can show, with their labels.
func instruments(t *testing.T, p *Provider) map[string][]string {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); p.res.metrics.Gatherer().(*prometheus.Registry).Describe(descs) }()
	names := map[string][]string{"up": nil}
	for d := range descs {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		labels := strings.Split(m[2], ",")
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			names[m[1]+suffix] = append(labels, "instance", "job", "le")
		}
	}
	// The runtime's own collectors describe more than they name.
	for _, n := range []string{"go_goroutines", "go_memstats_heap_inuse_bytes", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"} {
		if names[n] == nil {
			names[n] = []string{"instance"}
		}
	}
	return names
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
	ranges   = regexp.MustCompile(`\[[^\]]*\]`)
	matchers = regexp.MustCompile(`\{([^}]*)\}`)
	word     = regexp.MustCompile(`[a-z_][a-z0-9_]*`)
	call     = regexp.MustCompile(`\b(histogram_quantile|rate|increase|delta|sum|min|max|count|time)\b`)
)

// holds compares one expression with the instruments that exist.
func holds(t *testing.T, where, expr string, known map[string][]string) {
	t.Helper()
	bare := quoted.ReplaceAllString(expr, "")
	var labels []string
	for _, g := range grouping.FindAllStringSubmatch(bare, -1) {
		labels = append(labels, word.FindAllString(g[1], -1)...)
	}
	for _, m := range matchers.FindAllStringSubmatch(bare, -1) {
		labels = append(labels, word.FindAllString(m[1], -1)...)
	}
	for _, drop := range []*regexp.Regexp{grouping, ranges, matchers, call} {
		bare = drop.ReplaceAllString(bare, " ")
	}
	found, has := 0, map[string]bool{}
	for _, name := range word.FindAllString(bare, -1) {
		if name == "and" || name == "or" {
			continue
		}
		found++
		if known[name] == nil && name != "up" {
			t.Errorf("%s: no metric %s", where, name)
		}
		for _, l := range known[name] {
			has[l] = true
		}
	}
	if found == 0 {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	for _, l := range labels {
		if !has[l] && !strings.Contains(expr, "up{") && !strings.Contains(expr, "egide_build_info") {
			t.Errorf("%s: no label %s in %s", where, l, expr)
		}
	}
}

// The dashboard and the alerts name nothing that the node does not count.
func TestDashboardAndAlertsNameWhatExists(t *testing.T) {
	p, _ := node(t, Production)
	known := instruments(t, p)

	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	read(t, "grafana/egide.json", func(b []byte) error { return json.Unmarshal(b, &board) })
	shown := map[string]bool{}
	for _, panel := range board.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("%s shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			holds(t, panel.Title, target.Expr, known)
			for _, name := range word.FindAllString(target.Expr, -1) {
				shown[strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")] = true
			}
		}
	}
	for name := range known {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "egide_") && !shown[base] {
			t.Errorf("%s is on no panel", base)
		}
	}

	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	read(t, "prometheus/alerts.yaml", func(b []byte) error { return yaml.Unmarshal(b, &alerts) })
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			holds(t, r.Alert, r.Expr, known)
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" || r.Annotations["action"] == "" {
				t.Errorf("%s does not say how urgent it is, what happened and what to do", r.Alert)
			}
		}
	}
}

func read(t *testing.T, path string, decode func([]byte) error) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(path)))
	if err == nil {
		err = decode(b)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
