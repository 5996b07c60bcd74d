package config

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

const masked = "***"

// Secret is a value that no print, log or encoding shows. A field `password`
// of this type is filled by the key `password_file`, the variable
// PREFIX_PASSWORD_FILE or the variable PREFIX_PASSWORD; never by a literal in
// the YAML file (it gets copied and committed) or by a flag (every process
// sees the command line).
type Secret struct {
	// A pointer: a reflecting printer that ignores our methods shows an address.
	value *string
}

// NewSecret wraps a value for tests and wiring.
func NewSecret(s string) Secret { return Secret{value: &s} }

// Reveal gives the value, empty if there is none.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero tells that there is no secret.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String masks.
func (s Secret) String() string { return masked }

// Format masks under every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue masks in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks in JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

var secretType = reflect.TypeFor[Secret]()

const (
	fileSuffix = "_file"
	maxSecret  = 64 << 10
)

func (d *decoder) secretFile(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		d.fault(path, n.Line, "wants the name of a file")
		return
	}
	if message := readSecret(v, d.dir, n.Value); message != "" {
		d.fault(path, n.Line, message)
	}
}

// readSecret fills v from a file, without the line end that editors add.
func readSecret(v reflect.Value, dir, name string) (message string) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	data, err := readBounded(name, maxSecret)
	if err != nil {
		return "secret file cannot be read: " + reason(err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if s == "" {
		return "secret file is empty"
	}
	v.Set(reflect.ValueOf(NewSecret(s)))
	return ""
}
