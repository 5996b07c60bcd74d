// Package config reads a configuration strictly: one YAML file, environment
// variables over it, flags over both, into a struct by its yaml tags.
//
// Nothing is guessed: unknown keys and variables, wrong types, keys given
// twice and unreadable secret files are faults, and all of them are reported
// at once, each with its path and line. Leniency hides typing errors for years
// (style.md, the traps).
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Source says where values come from; each later one wins over those before.
type Source struct {
	File   string            // YAML; empty for none
	Env    []string          // NAME=value, as os.Environ gives them
	Prefix string            // of the variables that are ours: "EGIDE_"
	Set    map[string]string // flags, by dotted path
}

// Fault is one thing wrong with the configuration. The message never repeats
// a value: it may be a secret in the wrong place.
type Fault struct {
	Path    string // dotted: "store.redis.addr", "clients[2].id"
	Message string // what is wrong and what is wanted
	Source  string // file, variable or flag; empty when it follows from several
	Line    int    // in the file; 0 if none
}

// String gives the fault as one line for the operator.
func (f Fault) String() string {
	s := f.Message
	if f.Path != "" {
		s = f.Path + ": " + s
	}
	switch {
	case f.Line > 0:
		return fmt.Sprintf("%s (%s, line %d)", s, f.Source, f.Line)
	case f.Source != "":
		return fmt.Sprintf("%s (%s)", s, f.Source)
	}
	return s
}

// Faults are all the faults of one reading.
type Faults []Fault

// Error lists every fault, one a line.
func (f Faults) Error() string {
	lines := make([]string, 0, len(f)+1)
	lines = append(lines, fmt.Sprintf("configuration has %d fault(s):", len(f)))
	for _, x := range f {
		lines = append(lines, "  "+x.String())
	}
	return strings.Join(lines, "\n")
}

// Validator is what the destination or any struct inside it may implement to
// check its own rules after decoding; paths are relative to it.
type Validator interface {
	Validate() []Fault
}

// maxFile bounds what is read: a configuration is written by hand.
const maxFile = 4 << 20

// Load fills dst, a pointer to a struct that holds the defaults. The error is
// fault.Invalid around the Faults; dst is then not to be used.
func Load(dst any, o Source) error {
	root := reflect.ValueOf(dst)
	if root.Kind() != reflect.Pointer || root.Elem().Kind() != reflect.Struct {
		return fault.New(fault.Internal, "", "configuration is read into a pointer to a struct")
	}
	d := &decoder{}
	if o.File != "" {
		d.file(o.File, root.Elem())
	}
	d.overlay(root.Elem(), o)
	d.validate("", root)
	if len(d.faults) > 0 {
		return fault.Wrap(fault.Invalid, "", "configuration is refused", d.faults)
	}
	return nil
}

// Decode reads one YAML document into dst, a pointer to a struct, under the
// same rules. name and its folder serve messages and relative secret files.
func Decode(name string, data []byte, dst any) Faults {
	d := &decoder{source: name, dir: filepath.Dir(name)}
	root := reflect.ValueOf(dst)
	d.document(data, root.Elem())
	d.validate("", root)
	return d.faults
}

func (d *decoder) file(name string, v reflect.Value) {
	d.source, d.dir = name, filepath.Dir(name)
	data, err := readBounded(name, maxFile)
	if err != nil {
		d.fault("", 0, "cannot be read: "+reason(err))
		return
	}
	d.document(data, v)
}

// document accepts exactly one document: a second one would be ignored in silence.
func (d *decoder) document(data []byte, v reflect.Value) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return
	}
	if err != nil {
		d.fault("", 0, "is not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.fault("", more.Line, "holds more than one document")
	}
	for _, n := range doc.Content {
		d.value("", n, v)
	}
}

func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened to read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errors.New("too large")
	}
	return data, err
}

// reason drops the path that the fault names already.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
