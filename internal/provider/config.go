// Package provider wires the house: the only room that knows all others, used
// the same way by the program, the demonstration and the tests.
package provider

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/platform/config"
)

// Environments. The sandbox is declared, never the absence of production
// (architecture, point 14).
const (
	Production = "production"
	Sandbox    = "sandbox"
)

// Config is the whole configuration of one node.
type Config struct {
	Environment      string           `yaml:"environment"`       // production | sandbox
	Node             string           `yaml:"node"`              // names this node's traces; unique among nodes
	Listen           string           `yaml:"listen"`            // host:port
	Issuer           string           `yaml:"issuer"`            // byte for byte what every token says
	AuthorizationURL string           `yaml:"authorization_url"` // may live on another host than the issuer
	DataDir          string           `yaml:"data_dir"`          // state, database and admin socket
	RegisterDir      string           `yaml:"register_dir"`      // default: data_dir/register
	KeysDir          string           `yaml:"keys_dir"`          // signing keys; made at first start
	TracesDir        string           `yaml:"traces_dir"`        // default: data_dir/traces/<node>
	TracesRetention  config.Duration  `yaml:"traces_retention"`  // whole days older than this are purged (PG-66)
	ClientsDir       string           `yaml:"clients_dir"`       // one YAML file per relying party
	Database         string           `yaml:"database"`          // default: data_dir/egide.db
	TrustedProxies   []string         `yaml:"trusted_proxies"`   // networks whose forwarding headers count
	TLS              TLSConfig        `yaml:"tls"`
	Listeners        []ListenerConfig `yaml:"listeners"` // several doors, instead of listen and tls
	MTLS             MTLSConfig       `yaml:"mtls"`      // the door where services show theirs
	Drain            DrainConfig      `yaml:"drain"`
	Metrics          MetricsConfig    `yaml:"metrics"`
	Tracing          TracingConfig    `yaml:"tracing"`
	Store            StoreConfig      `yaml:"store"`
	Lifetimes        LifetimesConfig  `yaml:"lifetimes"`
	Keys             KeysConfig       `yaml:"keys"`
	Card             CardConfig       `yaml:"card"`
	ECPS             ECPSConfig       `yaml:"ecps"`
	Outbound         OutboundConfig   `yaml:"outbound"`
	Admin            AdminConfig      `yaml:"admin"`
	Registration     DynamicConfig    `yaml:"registration"`
}

// OutboundConfig says where requests may go whose address a service chose: its
// keys, its logout notices (D8). Public addresses over https need no leave; this
// machine is for the sandbox alone.
type OutboundConfig struct {
	AllowPrivate bool   `yaml:"allow_private"` // services inside the house
	CABundle     string `yaml:"ca_bundle"`     // PEM; authorities beside the system's own
}

// TLSConfig names the server's certificate; both empty means plain http, which
// only the sandbox on loopback may do.
type TLSConfig struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// StoreConfig chooses where short-lived state lives.
type StoreConfig struct {
	Backend string      `yaml:"backend"` // sqlite | redis
	Redis   RedisConfig `yaml:"redis"`
}

// RedisConfig reaches one Redis server.
type RedisConfig struct {
	Addr     string        `yaml:"addr"`
	Username string        `yaml:"username"`
	Password config.Secret `yaml:"password"` // by password_file or the environment
	DB       int           `yaml:"db"`
	Prefix   string        `yaml:"prefix"`
}

// LifetimesConfig holds every duration a token or session lives (architecture, point 15).
type LifetimesConfig struct {
	Request         config.Duration `yaml:"request"`
	Code            config.Duration `yaml:"code"`
	ECPS            config.Duration `yaml:"ecps"`
	AccessToken     config.Duration `yaml:"access_token"`
	RefreshToken    config.Duration `yaml:"refresh_token"`
	SessionIdle     config.Duration `yaml:"session_idle"`
	SessionAbsolute config.Duration `yaml:"session_absolute"`
}

// Default is the configuration before file, environment and flags.
func Default() Config {
	d := func(v time.Duration) config.Duration { return config.Duration(v) }
	return Config{
		Environment: Production,
		Node:        "node-1",
		Listen:      "127.0.0.1:8080",
		DataDir:     "var",
		KeysDir:     "keys",
		ClientsDir:  "clients",
		// CNIL 2021-122: six to twelve months.
		TracesRetention: d(365 * 24 * time.Hour),
		MTLS:            MTLSConfig{UnknownRevocation: refuseUnknown},
		Keys:            KeysConfig{RotateEvery: d(60 * 24 * time.Hour)},
		Drain:           DrainConfig{Timeout: d(10 * time.Second)},
		Tracing:         TracingConfig{Sample: 0.1},
		Store:           StoreConfig{Backend: "sqlite", Redis: RedisConfig{Prefix: "egide"}},
		Lifetimes: LifetimesConfig{
			Request: d(15 * time.Minute), Code: d(time.Minute), ECPS: d(2 * time.Minute),
			AccessToken: d(2 * time.Minute), RefreshToken: d(30 * time.Minute),
			SessionIdle: d(30 * time.Minute), SessionAbsolute: d(4 * time.Hour),
		},
	}
}

// withDefaults fills the paths that follow from others.
func (c Config) withDefaults() Config {
	under := func(p *string, parts ...string) {
		if *p == "" {
			*p = filepath.Join(append([]string{c.DataDir}, parts...)...)
		}
	}
	under(&c.RegisterDir, "register")
	under(&c.KeysDir, "keys") // when it was emptied on purpose
	under(&c.TracesDir, "traces", c.Node)
	under(&c.Database, "egide.db")
	if c.AuthorizationURL == "" {
		if u, err := url.Parse(c.Issuer); err == nil && u.Host != "" {
			c.AuthorizationURL = u.Scheme + "://" + u.Host + "/auth"
		}
	}
	return c
}

// Validate reports every fault at once, each with its path.
func (c *Config) Validate() []config.Fault {
	full := c.withDefaults()
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: path, Message: message})
		}
	}
	bad(c.Environment != Production && c.Environment != Sandbox, "environment", "must be production or sandbox")
	bad(c.Node == "" || filepath.Base(c.Node) != c.Node, "node", "must be a plain name, it becomes a folder")
	bad(c.Store.Backend != "sqlite" && c.Store.Backend != "redis", "store.backend", "must be sqlite or redis")
	bad(c.Store.Backend == "redis" && c.Store.Redis.Addr == "", "store.redis.addr", "is required with the redis backend")
	bad(time.Duration(c.TracesRetention) < 180*24*time.Hour, "traces_retention", "must be at least six months (4320h)")
	faults = append(append(faults, c.validateListeners()...), c.Tracing.validate()...)
	faults = append(faults, c.checkURL("issuer", full.Issuer)...)
	faults = append(faults, c.checkURL("authorization_url", full.AuthorizationURL)...)
	for _, p := range c.TrustedProxies {
		_, errPrefix := netip.ParsePrefix(p)
		_, errAddr := netip.ParseAddr(p)
		bad(errPrefix != nil && errAddr != nil, "trusted_proxies", "each entry is an address or a network")
	}
	faults = append(faults, c.Keys.validate()...)
	faults = append(append(faults, c.Lifetimes.validate()...), c.Card.validate(c.Environment)...)
	bad(sameHost(c.ECPS.AppURL, full.Issuer, full.AuthorizationURL), "ecps.app_url", "must be a host of its own: its origin holds the keys of phones")
	return append(append(faults, c.ECPS.validate(c.Environment)...), c.validateMTLS(full)...)
}

// checkURL holds ME1: https, no query, no fragment; http on loopback in the sandbox only.
func (c *Config) checkURL(path, value string) []config.Fault {
	fault := func(message string) []config.Fault { return []config.Fault{{Path: path, Message: message}} }
	u, err := url.Parse(value)
	switch {
	case value == "" || err != nil || u.Host == "":
		return fault("must be an absolute URL")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fault("must have no query, fragment or user")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http" || c.Environment != Sandbox || !loopback(u.Hostname()):
		return fault("must be https; http is for the sandbox on loopback")
	}
	return nil
}

func (l LifetimesConfig) validate() []config.Fault {
	limits := []struct {
		name     string
		value    config.Duration
		min, max time.Duration
	}{
		{"request", l.Request, time.Minute, time.Hour},
		{"code", l.Code, 10 * time.Second, time.Minute},
		{"ecps", l.ECPS, 30 * time.Second, 10 * time.Minute},
		{"access_token", l.AccessToken, 30 * time.Second, 10 * time.Minute},
		{"refresh_token", l.RefreshToken, time.Minute, 24 * time.Hour},
		{"session_idle", l.SessionIdle, time.Minute, 4 * time.Hour},
		{"session_absolute", l.SessionAbsolute, time.Minute, 12 * time.Hour},
	}
	var faults []config.Fault
	for _, k := range limits {
		if v := time.Duration(k.value); v < k.min || v > k.max {
			faults = append(faults, config.Fault{
				Path: "lifetimes." + k.name, Message: "must be between " + k.min.String() + " and " + k.max.String(),
			})
		}
	}
	return faults
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
