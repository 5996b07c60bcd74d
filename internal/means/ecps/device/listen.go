package device

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	firstPause  = 200 * time.Millisecond
	longPause   = 15 * time.Second
	brokenAfter = 2                // streams in a row that gave nothing: this network breaks them
	polls       = 20               // long polls before a stream is tried again
	pollFor     = 25 * time.Second // of one long poll
	quiet       = 40 * time.Second // a stream that says nothing for so long is dead (the provider speaks every 15 s)
)

// listen reads lists until ctx is done or the provider disowns the phone.
func (p *Phone) listen(ctx context.Context, handle func(ecps.Requests)) error {
	pause, broken := firstPause, 0
	for ctx.Err() == nil {
		var got bool
		var err error
		if broken < brokenAfter {
			if got, err = p.stream(ctx, handle); got {
				broken = 0
			} else {
				broken++
			}
		} else {
			got, err = p.pollSome(ctx, handle)
			broken = 0
		}
		if CodeOf(err) == ecps.CodeCall {
			return err
		}
		if got {
			pause = firstPause
		}
		if err != nil && ctx.Err() == nil {
			p.o.Log.DebugContext(ctx, "listening again", slog.Any("error", err), slog.Duration("after", pause))
			p.sleep(ctx, pause)
			pause = min(2*pause, longPause)
		}
	}
	return nil
}

// stream reads server-sent events until the stream ends. got tells whether it
// brought any.
func (p *Phone) stream(ctx context.Context, handle func(ecps.Requests)) (got bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	alive := make(chan struct{}, 1)
	go p.watchdog(ctx, cancel, alive)
	resp, err := p.connect(ctx)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Problem.Code == ecps.CodeClock {
		p.setClock(r.Problem.Time)
		resp, err = p.connect(ctx)
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return false, fault.New(fault.Unavailable, "", "the stream is not a stream of events")
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), maxAnswer)
	for lines.Scan() {
		select {
		case alive <- struct{}{}:
		default:
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var list ecps.Requests
		if err := json.Unmarshal([]byte(data), &list); err != nil {
			return got, err
		}
		got = true
		handle(list)
	}
	return got, lines.Err()
}

// connect asks for the stream.
func (p *Phone) connect(ctx context.Context) (*http.Response, error) {
	proof, err := p.proof(http.MethodGet, ecps.PathEvents, nil)
	if err != nil {
		return nil, err
	}
	return p.send(ctx, http.MethodGet, ecps.PathEvents, proof, nil)
}

// watchdog ends a stream that has gone silent: a proxy that swallows events, a
// network that vanished without a word.
func (p *Phone) watchdog(ctx context.Context, cancel func(), alive <-chan struct{}) {
	for {
		fired, stop := p.o.Clock.After(quiet)
		select {
		case <-alive:
			stop()
		case <-fired:
			cancel()
			return
		case <-ctx.Done():
			stop()
			return
		}
	}
}

// pollSome follows by long polls for a while.
func (p *Phone) pollSome(ctx context.Context, handle func(ecps.Requests)) (got bool, err error) {
	seen := ""
	for range polls {
		path := ecps.PathRequests + "?wait=" + strconv.Itoa(int(pollFor/time.Second)) + "&seen=" + seen
		var raw []byte
		if err := p.call(ctx, http.MethodGet, path, nil, &raw); err != nil {
			return got, err
		}
		var list ecps.Requests
		if err := json.Unmarshal(raw, &list); err != nil {
			return got, err
		}
		got, seen = true, ecps.BodyHash(raw)
		handle(list)
	}
	return got, nil
}
