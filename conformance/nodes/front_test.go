package nodes

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
)

// watchEvery is how often the front asks the nodes; load balancers ask each second
// or two, and nodes wait for them as long as drain.delay says.
const watchEvery = 50 * time.Millisecond

// front is a load balancer of the plainest kind: it turns among the nodes whose
// /readyz says yes, and tries nothing twice.
type front struct {
	addr  string
	turn  atomic.Uint64
	mu    sync.Mutex
	nodes []*backend
	broke atomic.Int64 // answers that a node did not give
}

type backend struct {
	addr  string
	ready atomic.Bool
	proxy *httputil.ReverseProxy
}

func newFront(t *testing.T) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{addr: l.Addr().String()}
	s := &http.Server{Handler: f}
	var running sync.WaitGroup
	running.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { _ = s.Close(); running.Wait() })
	return f
}

// add puts a node behind the front; it counts once it is ready. Each is watched by
// itself: one that answers late must not hide that another says no.
func (f *front) add(t *testing.T, n *harness.Node) {
	u := &url.URL{Scheme: "http", Host: n.Addr}
	b := &backend{addr: n.Addr, proxy: httputil.NewSingleHostReverseProxy(u)}
	b.proxy.FlushInterval = -1 // streams of phones
	b.proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	b.proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, _ error) {
		if r.Context().Err() == nil { // the client is there still: the node failed it
			f.broke.Add(1)
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	watched := make(chan struct{})
	go func() { defer close(watched); b.watch(t) }()
	t.Cleanup(func() { <-watched })
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = append(f.nodes, b)
}

func (f *front) all() []*backend {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*backend(nil), f.nodes...)
}

func (b *backend) watch(t *testing.T) {
	c := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for t.Context().Err() == nil {
		res, err := c.Get("http://" + b.addr + "/readyz")
		b.ready.Store(err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusNoContent)
		tick, _ := clock.System{}.After(watchEvery)
		<-tick
	}
}

// ready waits until a node is in the round.
func (f *front) ready(t *testing.T, n *harness.Node) {
	t.Helper()
	err := harness.Until("node behind the front", 20*time.Second, func() bool {
		for _, b := range f.all() {
			if b.addr == n.Addr {
				return b.ready.Load()
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("%v; it said: %s", err, n.Said())
	}
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nodes, first := f.all(), f.turn.Add(1)
	for i := range nodes { // from one's own turn: others move it meanwhile
		if b := nodes[(first+uint64(i))%uint64(len(nodes))]; b.ready.Load() {
			b.proxy.ServeHTTP(w, r)
			return
		}
	}
	f.broke.Add(1)
	w.WriteHeader(http.StatusServiceUnavailable)
}
