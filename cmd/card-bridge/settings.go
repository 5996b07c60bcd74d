package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/platform/fault"
)

// settings is the configuration file. Nobody may ask a card until a provider is named.
type settings struct {
	Ports     []int          `yaml:"ports"`     // tried in order; those of the protocol if empty
	Pinentry  string         `yaml:"pinentry"`  // program that shows the window
	Providers []providerFrom `yaml:"providers"` // login pages that may ask
	Issuers   string         `yaml:"issuers"`   // folder of PEM authorities, for the doctor
}

// providerFrom is one login page and where its keys come from: exactly one of
// the two.
type providerFrom struct {
	Origin   string `yaml:"origin"`    // scheme://host[:port], as the browser sends it
	JWKSFile string `yaml:"jwks_file"` // pinned keys
	JWKSURL  string `yaml:"jwks_url"`  // fetched over TLS and kept; http on loopback only
}

// Validate reports every fault.
func (s *settings) Validate() []config.Fault {
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: path, Message: message})
		}
	}
	for _, p := range s.Ports {
		bad(p < 0 || p > 65535, "ports", "must be ports")
	}
	seen := map[string]bool{}
	for i, p := range s.Providers {
		at := fmt.Sprintf("providers[%d].", i)
		bad(!cps.IsOrigin(p.Origin), at+"origin", "must be an origin in lower case, without a path")
		bad(seen[p.Origin], at+"origin", "is given twice")
		seen[p.Origin] = true
		bad((p.JWKSFile == "") == (p.JWKSURL == ""), at+"jwks_url", "name jwks_url or jwks_file")
		bad(p.JWKSURL != "" && !safe(p.JWKSURL), at+"jwks_url", "must be https; http is for loopback")
		bad(strings.HasPrefix(p.Origin, "http:") && !safe(p.Origin), at+"origin", "must be https; http is for loopback")
	}
	return faults
}

// safe tells an address whose answers nobody on the way can change.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// settingsFlags choose the configuration.
type settingsFlags struct {
	Config      string   `short:"c" help:"Configuration file; by default card-bridge/config.yaml in the user's configuration folder, if it exists." type:"path" env:"CARD_BRIDGE_CONFIG"`
	AllowOrigin []string `help:"Login page that may ask, and where its keys are: ORIGIN=JWKS, an address or a file. Repeatable." placeholder:"ORIGIN=JWKS" sep:"none"`
	Port        []int    `help:"Port to listen on; the protocol's by default, 0 for any free one."`
	Pinentry    string   `help:"Program that shows the window."`
}

func (f settingsFlags) load() (settings, error) {
	var s settings
	path := f.Config
	if path == "" {
		dir, err := os.UserConfigDir()
		if err == nil {
			path = filepath.Join(dir, "card-bridge", "config.yaml")
		}
		if _, err := os.Stat(path); err != nil {
			path = ""
		}
	}
	if path != "" {
		if err := config.Load(&s, config.Source{File: path}); err != nil {
			return s, err
		}
		s.relativeTo(filepath.Dir(path))
	}
	for _, pair := range f.AllowOrigin {
		origin, keys, _ := strings.Cut(pair, "=")
		p := providerFrom{Origin: origin, JWKSURL: keys}
		if !strings.Contains(keys, "://") {
			p.JWKSURL, p.JWKSFile = "", keys
		}
		// What is said now counts before what is written.
		s.Providers = slices.DeleteFunc(s.Providers, func(q providerFrom) bool { return q.Origin == origin })
		s.Providers = append(s.Providers, p)
	}
	if len(f.Port) > 0 {
		s.Ports = f.Port
	}
	if f.Pinentry != "" {
		s.Pinentry = f.Pinentry
	}
	if len(s.Ports) == 0 {
		s.Ports = cps.Ports()
	}
	if faults := s.Validate(); len(faults) > 0 {
		return s, fault.Wrap(fault.Invalid, "", "configuration is refused", config.Faults(faults))
	}
	return s, nil
}

// providers makes what the agent needs of the settings.
func (s settings) providers(c clock.Clock) ([]agent.Provider, error) {
	var list []agent.Provider
	for _, p := range s.Providers {
		if p.JWKSURL != "" {
			list = append(list, agent.Provider{Origin: p.Origin, Keys: &agent.Fetched{URL: p.JWKSURL, HTTP: caller(), Clock: c}})
			continue
		}
		keys, err := readKeys(p.JWKSFile)
		if err != nil {
			return nil, fmt.Errorf("keys of %s: %w", p.Origin, err)
		}
		list = append(list, agent.Provider{Origin: p.Origin, Keys: agent.Pinned(keys)})
	}
	return list, nil
}

// relativeTo lets files be named from where the configuration stands.
func (s *settings) relativeTo(dir string) {
	under := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	under(&s.Issuers)
	for i := range s.Providers {
		under(&s.Providers[i].JWKSFile)
	}
}

func readKeys(file string) (jose.JSONWebKeySet, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return parseKeys(b)
}

// parseKeys takes a set of public keys of which at least one can sign a challenge.
func parseKeys(b []byte) (jose.JSONWebKeySet, error) {
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(b, &keys); err != nil {
		return keys, fault.Wrap(fault.Invalid, "", "no key set in JSON", err)
	}
	usable := false
	for _, k := range keys.Keys {
		if !k.IsPublic() {
			return keys, fault.New(fault.Invalid, "", "the set holds a private key: pin public ones")
		}
		usable = usable || k.KeyID != "" && (k.Algorithm == "" || k.Algorithm == string(jose.ES256) || k.Algorithm == string(jose.PS256))
	}
	if !usable {
		return keys, fault.New(fault.Invalid, "", "no key of the set can sign a challenge (ES256 or PS256, with a kid)")
	}
	return keys, nil
}

// caller reaches providers: bounded in time, following nothing.
func caller() *http.Client {
	return &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
