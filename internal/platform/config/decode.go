package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder walks a YAML tree and a struct side by side and gathers faults.
type decoder struct {
	source string // what is being read, for messages
	dir    string // relative secret files start here
	faults Faults
}

func (d *decoder) fault(path string, line int, message string) {
	d.faults = append(d.faults, Fault{Path: path, Message: message, Source: d.source, Line: line})
}

func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	// Aliases would let a short file describe a huge tree, and anchors are their only use.
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.fault(path, n.Line, "anchors and aliases are not accepted")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.fault(path, n.Line, "has no value; leave the key out to keep the default")
		return
	}
	switch {
	case v.Type() == secretType:
		d.fault(path, n.Line, "is a secret: write it to a file and name that in "+last(path)+"_file")
	case isText(v):
		d.scalar(path, n, v, "!!str", "text")
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, n, v.Elem())
	case v.Kind() == reflect.Struct:
		d.structure(path, n, v)
	case v.Kind() == reflect.Slice:
		d.slice(path, n, v)
	case v.Kind() == reflect.Map:
		d.mapping(path, n, v)
	default:
		tag, wants := want(v)
		d.scalar(path, n, v, tag, wants)
	}
}

func (d *decoder) scalar(path string, n *yaml.Node, v reflect.Value, tag, wants string) {
	if n.Kind != yaml.ScalarNode {
		d.fault(path, n.Line, "wants "+wants)
		return
	}
	if n.Tag != tag && (tag != "!!float" || n.Tag != "!!int") {
		hint := ""
		if tag == "!!str" {
			hint = "; put it between quotes"
		}
		d.fault(path, n.Line, "wants "+wants+hint)
		return
	}
	if err := setText(v, n.Value); err != nil {
		d.fault(path, n.Line, err.Error())
	}
}

func (d *decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	known := fieldsOf(v.Type())
	d.pairs(path, n, func(key string, at, value *yaml.Node) {
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key })
		if i < 0 {
			d.fault(join(path, key), at.Line, "unknown key")
			return
		}
		target := v.FieldByIndex(known[i].index)
		if known[i].secretFile {
			d.secretFile(join(path, key), value, target)
			return
		}
		d.value(join(path, key), value, target)
	})
}

func (d *decoder) slice(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fault(path, n.Line, "wants a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(fmt.Sprintf("%s[%d]", path, i), item, out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	out := reflect.MakeMap(v.Type())
	d.pairs(path, n, func(key string, _, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(join(path, key), value, item)
		out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	})
	v.Set(out)
}

// pairs visits the keys of a mapping; one given twice is a fault, since readers
// disagree on which counts.
func (d *decoder) pairs(path string, n *yaml.Node, visit func(key string, at, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.fault(path, n.Line, "wants keys and values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := n.Content[i]
		switch {
		case at.Kind != yaml.ScalarNode || at.Anchor != "":
			d.fault(path, at.Line, "a key must be plain text")
		case seen[at.Value]:
			d.fault(join(path, at.Value), at.Line, "is given twice")
		default:
			seen[at.Value] = true
			visit(at.Value, at, n.Content[i+1])
		}
	}
}

// validate asks every struct for its own rules, innermost first. What decoding
// has refused already is not reported again.
func (d *decoder) validate(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			d.validate(path, v.Elem())
		}
		return
	case reflect.Slice:
		for i := range v.Len() {
			d.validate(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return
	case reflect.Struct:
	default:
		return
	}
	if v.Type() == secretType || isText(v) {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		if !f.secretFile {
			d.validate(join(path, f.name), v.FieldByIndex(f.index))
		}
	}
	val, ok := v.Addr().Interface().(Validator)
	if !ok {
		return
	}
	for _, f := range val.Validate() {
		f.Path = join(path, f.Path)
		if !slices.ContainsFunc(d.faults, func(g Fault) bool { return g.Path == f.Path }) {
			d.faults = append(d.faults, f)
		}
	}
}

func isText(v reflect.Value) bool {
	return reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
