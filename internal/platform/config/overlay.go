package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// field is one key of a struct. A Secret gives two: itself and its file.
type field struct {
	name       string
	index      []int
	secretFile bool
}

// fieldsOf lists the keys of a struct by its yaml tags; `yaml:",inline"` folds
// an embedded struct in, `yaml:"-"` and unexported fields are left out.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case opts == "inline" && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		out = append(out, field{name: name, index: []int{i}})
		if f.Type == secretType {
			out = append(out, field{name: name + fileSuffix, index: []int{i}, secretFile: true})
		}
	}
	return out
}

// leaf is a key that one line of text can set: no struct, no map, no list of structs.
type leaf struct {
	path       string
	value      reflect.Value
	secretFile bool
}

func leaves(path string, v reflect.Value) []leaf {
	var out []leaf
	for _, f := range fieldsOf(v.Type()) {
		at, target := join(path, f.name), v.FieldByIndex(f.index)
		switch {
		case f.secretFile, target.Type() == secretType, isText(target):
			out = append(out, leaf{path: at, value: target, secretFile: f.secretFile})
		case target.Kind() == reflect.Struct:
			out = append(out, leaves(at, target)...)
		case target.Kind() == reflect.Slice:
			if k := target.Type().Elem(); k.Kind() != reflect.Struct && k.Kind() != reflect.Pointer {
				out = append(out, leaf{path: at, value: target})
			}
		case target.Kind() != reflect.Map && target.Kind() != reflect.Pointer:
			out = append(out, leaf{path: at, value: target})
		}
	}
	return out
}

// overlay puts environment and flags over what the file said.
func (d *decoder) overlay(v reflect.Value, o Source) {
	byPath, byName := map[string]leaf{}, map[string]leaf{}
	for _, l := range leaves("", v) {
		byPath[l.path] = l
		name := o.Prefix + strings.ToUpper(strings.ReplaceAll(l.path, ".", "_"))
		if other, taken := byName[name]; taken { // a.b_c and a_b.c: a mistake of the program
			d.fault(l.path, 0, "shares the variable "+name+" with "+other.path)
		}
		byName[name] = l
	}
	d.dir = ""
	d.environment(byName, o)
	for _, path := range slices.Sorted(maps.Keys(o.Set)) {
		d.source = "flag"
		l, ok := byPath[path]
		switch {
		case !ok:
			d.fault(path, 0, "unknown key")
		case l.value.Type() == secretType && !l.secretFile:
			d.fault(path, 0, "is a secret: every process sees the command line; use "+last(path)+fileSuffix)
		default:
			d.set(l, o.Set[path])
		}
	}
}

// environment refuses variables of ours that no key knows: a typing error in
// one would otherwise leave the default in force.
func (d *decoder) environment(byName map[string]leaf, o Source) {
	given := map[string]string{}
	for _, kv := range o.Env {
		if name, value, ok := strings.Cut(kv, "="); ok && o.Prefix != "" && strings.HasPrefix(name, o.Prefix) {
			given[name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		d.source = "environment " + name
		l, ok := byName[name]
		if !ok {
			d.fault("", 0, "unknown variable")
			continue
		}
		if _, twice := given[strings.TrimSuffix(name, "_FILE")]; l.secretFile && twice {
			d.fault(l.path, 0, "is given twice, as value and as file")
			continue
		}
		d.set(l, given[name])
	}
}

func (d *decoder) set(l leaf, text string) {
	message := ""
	switch {
	case l.secretFile:
		message = readSecret(l.value, d.dir, text)
	case l.value.Type() == secretType:
		l.value.Set(reflect.ValueOf(NewSecret(text)))
	case l.value.Kind() == reflect.Slice && !isText(l.value):
		if err := setList(l.value, text); err != nil {
			message = err.Error()
		}
	default:
		if err := setText(l.value, text); err != nil {
			message = err.Error()
		}
	}
	if message != "" {
		d.fault(l.path, 0, message)
	}
}
