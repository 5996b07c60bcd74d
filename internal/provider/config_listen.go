package provider

import (
	"fmt"
	"net"
	"time"

	"github.com/egide-id/egide/internal/platform/config"
)

// ListenerConfig is one door to the network. Several stand side by side: two
// addresses, two certificates, and one on port 80 that only points to https.
type ListenerConfig struct {
	Address  string   `yaml:"address"`  // host:port
	Cert     string   `yaml:"cert"`     // PEM, the chain; empty: plain http behind a proxy that ends TLS
	Key      string   `yaml:"key"`      // PEM
	Hosts    []string `yaml:"hosts"`    // names that the certificate must hold, now and after every change
	Redirect bool     `yaml:"redirect"` // plain http that leads pages to https and refuses the rest (TL2)
}

// DrainConfig says how a node stops.
type DrainConfig struct {
	// Delay is how long it goes on serving while /readyz already says no, so that
	// load balancers look elsewhere first. Zero: nobody looks.
	Delay   config.Duration `yaml:"delay"`
	Timeout config.Duration `yaml:"timeout"` // how long answers under way may take after that
}

// listeners are those of the configuration; the simple form is one of them.
func (c Config) listeners() []ListenerConfig {
	if len(c.Listeners) > 0 {
		return c.Listeners
	}
	return []ListenerConfig{{Address: c.Listen, Cert: c.TLS.Cert, Key: c.TLS.Key}}
}

func (c Config) validateListeners() []config.Fault {
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: path, Message: message})
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad(true, "listen", "must be host:port")
	}
	bad((c.TLS.Cert == "") != (c.TLS.Key == ""), "tls", "cert and key go together")
	bad(len(c.Listeners) > 0 && c.TLS.Cert != "", "tls", "is for the simple form; with listeners each names its own certificate")
	if _, _, err := net.SplitHostPort(c.Metrics.Listen); c.Metrics.Listen != "" && err != nil {
		bad(true, "metrics.listen", "must be host:port, or empty")
	}
	seen, serves := map[string]bool{}, len(c.Listeners) == 0
	for i, l := range c.Listeners {
		at := fmt.Sprintf("listeners[%d].", i)
		if _, _, err := net.SplitHostPort(l.Address); err != nil {
			bad(true, at+"address", "must be host:port")
		}
		bad(seen[l.Address], at+"address", "is given twice")
		bad((l.Cert == "") != (l.Key == ""), at+"cert", "cert and key go together")
		bad(l.Redirect && l.Cert != "", at+"redirect", "is for plain http: it has no certificate")
		bad(l.Cert == "" && len(l.Hosts) > 0, at+"hosts", "needs a certificate")
		seen[l.Address] = true
		serves = serves || !l.Redirect
	}
	bad(!serves, "listeners", "one must serve: all of them only redirect")
	delay, timeout := time.Duration(c.Drain.Delay), time.Duration(c.Drain.Timeout)
	bad(delay < 0 || delay > 5*time.Minute, "drain.delay", "must be between 0s and 5m0s")
	bad(timeout < time.Second || timeout > 5*time.Minute, "drain.timeout", "must be between 1s and 5m0s")
	return faults
}
