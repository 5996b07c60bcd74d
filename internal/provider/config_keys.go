package provider

import (
	"time"

	"github.com/egide-id/egide/internal/platform/config"
)

// KeysConfig says how long a key signs and where private halves live.
type KeysConfig struct {
	RotateEvery config.Duration `yaml:"rotate_every"` // PG-37: 90 days at most
	PKCS11      PKCS11Config    `yaml:"pkcs11"`
}

// PKCS11Config names the token that holds the private halves; empty: files in
// keys_dir. It needs a program built with the tag pkcs11.
type PKCS11Config struct {
	Module string        `yaml:"module"` // shared library of the token's maker
	Token  string        `yaml:"token"`  // label
	PIN    config.Secret `yaml:"pin"`    // by pin_file or the environment
}

const (
	minRotation = 24 * time.Hour
	maxRotation = 90 * 24 * time.Hour
)

func (k KeysConfig) validate() []config.Fault {
	var faults []config.Fault
	if d := time.Duration(k.RotateEvery); d < minRotation || d > maxRotation {
		faults = append(faults, config.Fault{Path: "keys.rotate_every", Message: "must be between 24h and 2160h, ninety days"})
	}
	p := k.PKCS11
	if named := p.Module != "" || p.Token != "" || !p.PIN.IsZero(); named && (p.Module == "" || p.Token == "" || p.PIN.IsZero()) {
		faults = append(faults, config.Fault{Path: "keys.pkcs11", Message: "module, token and pin_file go together"})
	}
	return faults
}
