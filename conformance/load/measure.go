package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/provider"
)

// workers is how many callers press at once: enough for group commits to
// gather, few enough that two cores are not only switching.
const workers = 8

// result is what one operation cost the process that was asked.
type result struct {
	operations int64
	cpu        time.Duration // of the asked process, per operation
	wall       time.Duration // of the whole round
	allocs     float64       // objects per operation; 0 where unknown
}

// measure repeats one operation from several callers for a while and divides
// what the process used by how often it was done.
func measure(ctx context.Context, p *harness.Process, admin *provider.Admin, span time.Duration, op func(ctx context.Context, worker int) error) (result, error) {
	var r result
	if err := repeat(ctx, span/4, op, new(atomic.Int64)); err != nil { // warm caches and connections
		return r, err
	}
	var count atomic.Int64
	objects := func() (uint64, error) {
		if admin == nil {
			return 0, nil
		}
		now, err := admin.Runtime(ctx)
		return now.AllocatedObjects, err
	}
	objectsBefore, err := objects()
	if err != nil {
		return r, err
	}
	cpuBefore, err := p.CPU()
	if err != nil {
		return r, err
	}
	var c clock.System
	from := c.Now()
	if err := repeat(ctx, span, op, &count); err != nil {
		return r, err
	}
	r.wall = c.Now().Sub(from)
	cpuAfter, err := p.CPU()
	if err != nil {
		return r, err
	}
	objectsAfter, err := objects()
	if err != nil {
		return r, err
	}
	r.operations = count.Load()
	if r.operations == 0 {
		return r, fmt.Errorf("nothing was done within %s", span)
	}
	r.cpu = (cpuAfter - cpuBefore) / time.Duration(r.operations)
	r.allocs = float64(objectsAfter-objectsBefore) / float64(r.operations)
	return r, nil
}

func repeat(ctx context.Context, span time.Duration, op func(ctx context.Context, worker int) error, count *atomic.Int64) error {
	var c clock.System
	end := c.Now().Add(span)
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for c.Now().Before(end) && failed.Load() == nil {
				if err := op(ctx, w); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	if e := failed.Load(); e != nil {
		return *e
	}
	return nil
}

// caller is an HTTP client that keeps its connections and follows nothing.
type caller struct{ http *http.Client }

func newCaller() *caller {
	return &caller{http: &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 4 * workers, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is what came back.
type answer struct {
	status   int
	location string
	body     []byte
	cookies  []*http.Cookie
}

func (c *caller) do(ctx context.Context, method, address string, form url.Values, change func(*http.Request)) (answer, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return answer{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return answer{status: res.StatusCode, location: res.Header.Get("Location"), body: text, cookies: res.Cookies()}, err
}
