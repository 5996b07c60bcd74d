package provider

import (
	"slices"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/config"
)

func good() Config {
	c := Default()
	c.Issuer = "https://auth.example.org/auth/realms/esante-wallet"
	return c
}

func TestDefaultsAreValidButForTheIssuer(t *testing.T) {
	c := good()
	if faults := c.Validate(); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	full := c.withDefaults()
	if full.AuthorizationURL != "https://auth.example.org/auth" || full.TracesDir != "var/traces/node-1" || full.Database != "var/egide.db" {
		t.Errorf("%+v", full)
	}
}

// Each fault is found beside the others, under its own path.
func TestFaultsOfAConfiguration(t *testing.T) {
	for path, spoil := range map[string]func(*Config){
		"environment":             func(c *Config) { c.Environment = "prod" },
		"node":                    func(c *Config) { c.Node = "../elsewhere" },
		"listen":                  func(c *Config) { c.Listen = "8080" },
		"issuer":                  func(c *Config) { c.Issuer = "http://auth.example.org/realm" },
		"authorization_url":       func(c *Config) { c.AuthorizationURL = "https://wallet.example.org/auth?x=1" },
		"store.backend":           func(c *Config) { c.Store.Backend = "memory" },
		"store.redis.addr":        func(c *Config) { c.Store.Backend = "redis" },
		"tls":                     func(c *Config) { c.TLS.Cert = "cert.pem" },
		"listeners[0].address":    func(c *Config) { c.Listeners = []ListenerConfig{{Address: "443"}} },
		"listeners[1].address":    func(c *Config) { c.Listeners = []ListenerConfig{{Address: ":443"}, {Address: ":443"}} },
		"listeners[0].cert":       func(c *Config) { c.Listeners = []ListenerConfig{{Address: ":443", Cert: "c.pem"}} },
		"listeners[0].redirect":   func(c *Config) { c.Listeners = []ListenerConfig{{Address: ":80", Cert: "c", Key: "k", Redirect: true}} },
		"listeners[0].hosts":      func(c *Config) { c.Listeners = []ListenerConfig{{Address: ":80", Hosts: []string{"a"}}} },
		"listeners":               func(c *Config) { c.Listeners = []ListenerConfig{{Address: ":80", Redirect: true}} },
		"drain.delay":             func(c *Config) { c.Drain.Delay = -1 },
		"metrics.listen":          func(c *Config) { c.Metrics.Listen = "9464" },
		"tracing.otlp_endpoint":   func(c *Config) { c.Tracing.OTLPEndpoint = "collector:4318" },
		"tracing.sample":          func(c *Config) { c.Tracing.Sample = 2 },
		"drain.timeout":           func(c *Config) { c.Drain.Timeout = 0 },
		"trusted_proxies":         func(c *Config) { c.TrustedProxies = []string{"everybody"} },
		"traces_retention":        func(c *Config) { c.TracesRetention = config.Duration(time.Hour) },
		"lifetimes.code":          func(c *Config) { c.Lifetimes.Code = config.Duration(time.Hour) },
		"lifetimes.session_idle":  func(c *Config) { c.Lifetimes.SessionIdle = 0 },
		"lifetimes.access_token":  func(c *Config) { c.Lifetimes.AccessToken = config.Duration(time.Hour) },
		"lifetimes.refresh_token": func(c *Config) { c.Lifetimes.RefreshToken = -1 },
		"card.policies": func(c *Config) {
			c.Card.Authorities = []CardAuthority{{Range: "fort", Root: "r.pem", Issuer: "i.pem", CRL: "http://crl.example.org"}}
		},
		"card.authorities[0].range":  func(c *Config) { c.Card.Authorities = []CardAuthority{{Range: "elementaire"}} },
		"card.authorities[0].root":   func(c *Config) { c.Card.Authorities = []CardAuthority{{Range: "fort"}} },
		"card.authorities[0].ocsp":   func(c *Config) { c.Card.Authorities = []CardAuthority{{Range: "fort", Root: "r.pem", Issuer: "i.pem"}} },
		"card.authorities[0].crl":    func(c *Config) { c.Card.Authorities = []CardAuthority{{CRL: "ldap://crl.example.org"}} },
		"ecps.app_url":               func(c *Config) { c.ECPS.AppURL = "https://Auth.example.org" },
		"lifetimes.session_absolute": func(c *Config) { c.Lifetimes.SessionAbsolute = config.Duration(48 * time.Hour) },
	} {
		c := good()
		spoil(&c)
		found := c.Validate()
		if !slices.ContainsFunc(found, func(f config.Fault) bool { return f.Path == path }) {
			t.Errorf("%s: not found in %v", path, found)
		}
	}
}

// http is for the sandbox on loopback, wherever it is written.
func TestPlainHTTPIsForTheSandboxOnLoopback(t *testing.T) {
	for _, c := range []struct {
		environment, issuer string
		ok                  bool
	}{
		{Sandbox, "http://127.0.0.1:8480/auth/realms/esante-wallet", true},
		{Sandbox, "http://localhost:8480/auth/realms/esante-wallet", true},
		{Sandbox, "http://[::1]:8480/auth/realms/esante-wallet", true},
		{Sandbox, "http://127.0.0.1.example.org/realm", false},
		{Sandbox, "http://10.0.0.1/realm", false},
		{Production, "http://127.0.0.1:8480/realm", false},
		{Production, "https://auth.example.org/realm", true},
		{Production, "https://auth.example.org/realm#x", false},
		{Production, "https://user@auth.example.org/realm", false},
	} {
		config := good()
		config.Environment, config.Issuer = c.environment, c.issuer
		if got := len(config.Validate()) == 0; got != c.ok {
			t.Errorf("%s %s: %v", c.environment, c.issuer, config.Validate())
		}
	}
}

// A running node takes new lifetimes, and nothing that is already open.
func TestMovable(t *testing.T) {
	was := good().withDefaults()
	next := was
	next.Lifetimes.AccessToken = config.Duration(time.Minute)
	next.TrustedProxies = []string{"10.0.0.0/8"}
	if err := was.movable(next); err != nil {
		t.Error(err)
	}
	next.DataDir = "elsewhere"
	if err := was.movable(next); err == nil {
		t.Error("the data folder moved under a running node")
	}
}
