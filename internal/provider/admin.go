package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/metrics"
	"runtime/pprof"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/fault"
)

// The admin socket is how operator commands reach a running node: one writer
// of truth (architecture, point 13). It is a Unix socket in the data folder;
// who may open the file may command the node, nobody else can reach it.

const (
	adminSocket = "admin.sock"
	maxAdmin    = 256 << 10 // a request: a client file within JSON
	maxAnswer   = 8 << 20   // thousands of registrations
	profileSpan = 10 * time.Second
)

func (c Config) socket() string { return filepath.Join(c.withDefaults().DataDir, adminSocket) }

func (p *Provider) adminListener(ctx context.Context) ([]listener, error) {
	path := p.config.socket()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return []listener{{"admin", l, p.adminHandler()}}, nil
}

func (p *Provider) adminHandler() http.Handler {
	mux := http.NewServeMux()
	p.mountECPS(mux)
	p.mountSessions(mux)
	p.mountClients(mux)
	mux.HandleFunc("POST /card/oppose", p.adminOppose)
	mux.HandleFunc("POST /card/reinstate", p.adminReinstate)
	mux.HandleFunc("POST /card/list", p.adminCards)
	mux.HandleFunc("GET /ready", p.adminReady)
	mux.Handle("GET /metrics", p.res.metrics.Handler())
	mux.HandleFunc("GET /runtime", adminRuntime)
	mux.HandleFunc("GET /profile", p.adminProfile)
	return mux
}

// Runtime is what the node's own runtime counts, for measurements.
type Runtime struct {
	AllocatedObjects, AllocatedBytes, HeapBytes uint64
}

func adminRuntime(w http.ResponseWriter, _ *http.Request) {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	adminAnswer(w, Runtime{AllocatedObjects: samples[0].Value.Uint64(), AllocatedBytes: samples[1].Value.Uint64(), HeapBytes: samples[2].Value.Uint64()})
}

// adminProfile writes a CPU profile of the next ten seconds (pprof format):
// curl --unix-socket admin.sock http://admin/profile
func (p *Provider) adminProfile(w http.ResponseWriter, r *http.Request) {
	if err := pprof.StartCPUProfile(w); err != nil {
		adminFail(w, fault.Wrap(fault.Conflict, "", "a profile is being taken", err))
		return
	}
	defer pprof.StopCPUProfile()
	over, stop := p.deps.Clock.After(profileSpan)
	defer stop()
	select {
	case <-over:
	case <-r.Context().Done():
	}
}

type adminError struct {
	Kind   string `json:"kind"`
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail"`
}

func adminFail(w http.ResponseWriter, err error) {
	out := adminError{Kind: fault.KindOf(err).String(), Code: fault.CodeOf(err), Detail: "the node could not do this; its log says why"}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		out.Detail = f.Detail
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(out) // the peer may be gone; nothing depends on it
}

func adminAnswer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the peer may be gone; nothing depends on it
}

// Admin is the other end of the socket: what operator commands use.
type Admin struct {
	http *http.Client
}

// NewAdmin reaches the node that runs with this configuration.
func NewAdmin(c Config) *Admin {
	path := c.socket()
	return &Admin{http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

// Invite asks for an invitation for one phone (sandbox only).
func (a *Admin) Invite(ctx context.Context, id rpps.NationalID) (wallet.Invitation, error) {
	return adminAsk[wallet.Invitation](ctx, a, "/ecps/invite", inviteRequest{ID: id})
}

// Runtime reads the node's runtime counters.
func (a *Admin) Runtime(ctx context.Context) (Runtime, error) {
	var out Runtime
	return out, a.call(ctx, http.MethodGet, "/runtime", nil, &out)
}

func (a *Admin) call(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "the provider does not run with this data folder", err)
	}
	defer func() { _ = res.Body.Close() }()
	limited := io.LimitReader(res.Body, maxAnswer)
	if res.StatusCode != http.StatusOK {
		var e adminError
		if err := json.NewDecoder(limited).Decode(&e); err != nil {
			return fault.Wrap(fault.Unavailable, "", "the provider's answer cannot be read", err)
		}
		return fault.New(fault.Denied, e.Code, e.Detail)
	}
	if err := json.NewDecoder(limited).Decode(out); err != nil {
		return fault.Wrap(fault.Unavailable, "", "the provider's answer cannot be read", err)
	}
	return nil
}
