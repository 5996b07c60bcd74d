package config

import (
	"encoding"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time written "90s", "15m" or "24h".
type Duration time.Duration

// String writes it as it is read.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. A number without unit is
// refused: seconds or milliseconds would be a guess.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return errors.New(`wants a duration such as "90s", "15m" or "24h"`)
	}
	*d = Duration(v)
	return nil
}

// want names the YAML tag that a kind accepts, and the kind in words.
func want(v reflect.Value) (tag, words string) {
	switch {
	case v.Kind() == reflect.Bool:
		return "!!bool", "true or false"
	case v.CanInt(), v.CanUint():
		return "!!int", "a whole number"
	case v.CanFloat():
		return "!!float", "a number"
	}
	return "!!str", "text"
}

// setText parses one scalar. The error says what is wanted, never what was
// given: it may be a secret in the wrong place.
func setText(v reflect.Value, text string) error {
	if isText(v) {
		u, _ := v.Addr().Interface().(encoding.TextUnmarshaler) // isText just looked
		return u.UnmarshalText([]byte(text))
	}
	_, words := want(v)
	bad := errors.New("wants " + words)
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return bad
		}
		v.SetBool(b)
	case v.CanInt():
		i, err := strconv.ParseInt(text, 0, v.Type().Bits())
		if err != nil {
			return bad
		}
		v.SetInt(i)
	case v.CanUint():
		u, err := strconv.ParseUint(text, 0, v.Type().Bits())
		if err != nil {
			return bad
		}
		v.SetUint(u)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return bad
		}
		v.SetFloat(f)
	default:
		return errors.New("cannot be set as text")
	}
	return nil
}

// setList parses a list from one variable or flag: entries between commas.
func setList(v reflect.Value, text string) error {
	if text == "" {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return nil
	}
	parts := strings.Split(text, ",")
	out := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, p := range parts {
		if err := setText(out.Index(i), strings.TrimSpace(p)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}
