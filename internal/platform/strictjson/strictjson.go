// Package strictjson reads JSON that a stranger wrote and that two readers must
// understand alike: one object, no member twice at any depth, no name that only
// nearly fits, nothing behind it, bounded depth (RFC 8259 4 leaves the rest open).
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

const maxDepth = 16

// Object reads one object into its members. The error is one sentence for the
// caller and repeats nothing but names.
func Object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return nil, errors.New("is not a JSON object")
	}
	if err := object(dec, 1); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("goes on behind its object")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, errors.New("is not JSON")
	}
	return members, nil
}

// object walks the rest of an object whose brace was read.
func object(dec *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return errors.New("is not JSON")
		}
		if seen[name] {
			return fmt.Errorf("names the member %.60q twice", name)
		}
		seen[name] = true
		if err := value(dec, depth); err != nil {
			return err
		}
	}
	return closing(dec)
}

func value(dec *json.Decoder, depth int) error {
	t, err := dec.Token()
	if err != nil {
		return errors.New("is not JSON")
	}
	open, nested := t.(json.Delim)
	if nested && depth >= maxDepth {
		return errors.New("is nested too deeply")
	}
	switch open {
	case '{':
		return object(dec, depth+1)
	case '[':
		for dec.More() {
			if err := value(dec, depth+1); err != nil {
				return err
			}
		}
		return closing(dec)
	}
	return nil
}

func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return errors.New("is not JSON")
	}
	return nil
}

// Into reads one object into a struct. Each member must be a field by its exact
// name: encoding/json alone would take "REASON" for "reason", and a second time.
func Into(data []byte, into any) error {
	members, err := Object(data)
	if err != nil {
		return err
	}
	fields := names(reflect.TypeOf(into).Elem())
	for name := range members {
		if !fields[name] {
			return fmt.Errorf("has the unknown member %.60q", name)
		}
	}
	if err := json.Unmarshal(data, into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("holds a %s in %.60q", wrong.Value, wrong.Field)
		}
		return errors.New("holds a value that cannot be read")
	}
	return nil
}

func names(t reflect.Type) map[string]bool {
	fields := map[string]bool{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = true
	}
	return fields
}
