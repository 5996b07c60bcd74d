package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/egide-id/egide/internal/platform/fault"
)

// movable tells whether a running node can go from c to next without opening
// anything anew: lifetimes and proxies may change, places may not.
func (c Config) movable(next Config) error {
	fixed := func(c Config) Config {
		c.Lifetimes, c.TrustedProxies = LifetimesConfig{}, nil
		return c
	}
	a, b := fmt.Sprintf("%#v", fixed(c)), fmt.Sprintf("%#v", fixed(next))
	if a != b {
		return fault.New(fault.Conflict, "", "only lifetimes and trusted_proxies change while the node runs; restart it for the rest")
	}
	return nil
}

// fingerprint names a configuration in the traces without telling it.
func (c Config) fingerprint() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", c))
	return hex.EncodeToString(sum[:8])
}
