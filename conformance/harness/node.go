package harness

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/provider"
)

// Node is one provider in a process of its own, in a declared sandbox.
type Node struct {
	*Process
	Addr                  string // its own, whoever stands before it
	Issuer, Authorization string
	Admin                 *provider.Admin
	TracesDir             string

	binary, file string
}

// NodeOptions place a node; nodes of one service share all but Name and Addr.
type NodeOptions struct {
	Binary   string // the built egide
	Name     string
	Dir      string   // state, configuration, clients, traces
	Register string   // where the register is published
	Addr     string   // host:port; a free port if empty
	Issuer   string   // derived from Addr if empty
	Database string   // a durable database shared with other nodes
	Keys     string   // signing keys shared with other nodes
	Redis    string   // address of a Redis server; SQLite if empty
	Front    string   // host:port of what stands before several nodes; Addr if empty
	Config   []string // more lines of configuration
	Services []Service
}

const realm = "/auth/realms/esante-wallet"

// Endpoint gives the address of one endpoint of the realm.
func (n *Node) Endpoint(path string) string { return n.Issuer + "/protocol/openid-connect" + path }

// StartNode writes configuration and clients, and starts the built program.
func StartNode(ctx context.Context, o NodeOptions) (*Node, error) {
	var err error
	if o.Addr == "" {
		if o.Addr, err = FreePort(ctx); err != nil {
			return nil, err
		}
	}
	front := cmp.Or(o.Front, o.Addr)
	if o.Issuer == "" {
		o.Issuer = "http://" + front + realm
	}
	clients := filepath.Join(o.Dir, "clients")
	if err := os.MkdirAll(clients, 0o700); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	for _, s := range o.Services {
		if err := os.WriteFile(filepath.Join(clients, s.ID+".yaml"), []byte(s.yaml()), 0o600); err != nil {
			return nil, fmt.Errorf("node: %w", err)
		}
	}
	n := &Node{Addr: o.Addr, Issuer: o.Issuer, Authorization: "http://" + front + "/auth", binary: o.Binary, file: filepath.Join(o.Dir, "egide.yaml")}
	n.TracesDir = filepath.Join(o.Dir, "traces", o.Name)
	if err := os.WriteFile(n.file, o.config(n, clients), 0o600); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	c := provider.Default()
	c.DataDir = o.Dir
	n.Admin = provider.NewAdmin(c)
	return n, n.Start(ctx)
}

// Start runs the program; again after it was killed, on what it left behind.
func (n *Node) Start(ctx context.Context) (err error) {
	n.Process, err = Run(ctx, n.binary, "serve", "--config", n.file, "--log-level", "warn")
	return err
}

func (o NodeOptions) config(n *Node, clients string) []byte {
	lines := []string{
		"environment: sandbox", "node: " + o.Name, "listen: " + o.Addr, "issuer: " + o.Issuer, "authorization_url: " + n.Authorization,
		"data_dir: " + o.Dir, "register_dir: " + o.Register, "clients_dir: " + clients,
	}
	if o.Database != "" {
		lines = append(lines, "database: "+o.Database)
	}
	lines = append(lines, "keys_dir: "+cmp.Or(o.Keys, filepath.Join(o.Dir, "keys")))
	if o.Redis != "" {
		lines = append(lines, "store:", "  backend: redis", "  redis:", "    addr: "+o.Redis)
	}
	lines = append(lines, o.Config...)
	return []byte(strings.Join(lines, "\n") + "\n")
}

// base is the realm on this node's own address: behind one issuer stand several nodes.
func (n *Node) base() string { return "http://" + n.Addr + realm }

// Behind is this node as its services see it: whoever stands before it answers.
func (n *Node) Behind(front string) *Node {
	seen := *n
	seen.Addr = front
	return &seen
}

// Listening waits for this node itself, whose issuer may be another's address.
func (n *Node) Listening(ctx context.Context) error { return n.answers(ctx, n.base()) }

// Ready waits for a good discovery answer.
func (n *Node) Ready(ctx context.Context) error { return n.answers(ctx, n.Issuer) }

func (n *Node) answers(ctx context.Context, realm string) error {
	c := http.Client{Timeout: 5 * time.Second}
	err := Until("provider", 20*time.Second, func() bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm+"/.well-known/openid-configuration", nil)
		if err != nil {
			return false
		}
		res, err := c.Do(req)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
	if err != nil {
		return fmt.Errorf("%w; it said: %s", err, n.Said())
	}
	return nil
}

// FreePort finds a loopback address nobody listens on.
func FreePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// Service is one registration of a node under test.
type Service struct {
	ID, Secret, Redirect              string
	Profile, IDTokenAlg, AccessFormat string
	JWKS                              string // the service proves itself by its key and has no secret
	Told                              string // where it is told of logouts; empty: nowhere
}

func (s Service) yaml() string {
	sum := sha256.Sum256([]byte(s.Secret))
	proof := "auth_method: client_secret_basic\nsecret_sha256: [" + hex.EncodeToString(sum[:]) + "]"
	if s.JWKS != "" {
		proof = "auth_method: private_key_jwt\njwks: " + s.JWKS
	}
	told := ""
	if s.Told != "" {
		told = "backchannel_logout_uri: \"" + s.Told + "\"\n"
	}
	return fmt.Sprintf(`id: %s
name: Service de mesure
owner: Égide, banc d'essai
contact: banc@exemple.invalid
purpose: mesure
profile: %s
%s
redirect_uris: ["%s"]
grant_types: [authorization_code, refresh_token, client_credentials]
scopes: [openid, profile, identity, scope_all]
id_token_alg: %s
access_token_format: %s
structure: "1990000119"
%s`, s.ID, s.Profile, proof, s.Redirect, s.IDTokenAlg, s.AccessFormat, told)
}
