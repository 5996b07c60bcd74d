package jwt

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Claims are the members of a JSON object by their exact names: names that
// differ in case alone are different, as RFC 7519 4 has it and as decoding into
// a Go struct would not.
type Claims map[string]json.RawMessage

// object reads one JSON object and nothing after it. A member that comes twice
// has two meanings, and which one counts differs from parser to parser: what one
// checked the other would not have seen (RFC 8725 2.4, RFC 7519 4).
func object(raw []byte) (Claims, error) {
	if !utf8.Valid(raw) {
		return nil, invalid("it holds text that is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, invalid("it holds no JSON object")
	}
	c := Claims{}
	for d.More() {
		name, err := member(d)
		if err != nil {
			return nil, err
		}
		if c.Has(name) {
			return nil, invalid("a member comes twice")
		}
		from := d.InputOffset()
		if err := value(d, 1); err != nil {
			return nil, err
		}
		c[name] = bytes.TrimLeft(raw[from:d.InputOffset()], ": \t\r\n")
	}
	if _, err := d.Token(); err != nil {
		return nil, invalid("its JSON cannot be read")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, invalid("something follows its JSON object")
	}
	return c, nil
}

// member reads the name of one.
func member(d *json.Decoder) (string, error) {
	token, err := d.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		return "", invalid("its JSON cannot be read")
	}
	return name, nil
}

// value walks a value to its end.
func value(d *json.Decoder, depth int) error {
	first, err := d.Token()
	if err != nil {
		return invalid("its JSON cannot be read")
	}
	open, nested := first.(json.Delim)
	if !nested {
		return nil
	}
	if depth++; depth > maxDepth {
		return invalid("its JSON is nested too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := member(d)
			if err != nil {
				return err
			}
			if seen[name] {
				return invalid("a member comes twice")
			}
			seen[name] = true
		}
		if err := value(d, depth); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return invalid("its JSON cannot be read")
	}
	return nil
}

// Has tells whether the claim is there, of whatever type.
func (c Claims) Has(name string) bool { _, ok := c[name]; return ok }

// Text gives a text claim, empty when it is absent. Errors: fault.Invalid when it
// is of another type.
func (c Claims) Text(name string) (string, error) {
	raw, ok := c[name]
	if !ok {
		return "", nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return "", invalid(name + " is no text")
	}
	return *text, nil
}

// Time gives a NumericDate (RFC 7519 2), false when it is absent.
// Errors: fault.Invalid when it is no number or of no year we shall see.
func (c Claims) Time(name string) (time.Time, bool, error) {
	raw, ok := c[name]
	if !ok {
		return time.Time{}, false, nil
	}
	var seconds *float64
	if err := json.Unmarshal(raw, &seconds); err != nil || seconds == nil || *seconds < 0 || *seconds > maxDate {
		return time.Time{}, false, invalid(name + " is no date")
	}
	whole, rest := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(rest*1e9)).UTC(), true, nil
}

const maxDate = 253402300799 // end of the year 9999: beyond, arithmetic on dates overflows

// Audience gives the values of aud and whether it was one text instead of a list
// (RFC 7519 4.1.3). Errors: fault.Invalid when it is neither, or holds too many.
func (c Claims) Audience() (values []string, single bool, err error) {
	raw, ok := c["aud"]
	if !ok {
		return nil, false, nil
	}
	if strings.HasPrefix(string(raw), `"`) {
		one, err := c.Text("aud")
		return []string{one}, true, err
	}
	var list []*string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) > maxAudience {
		return nil, false, invalid("aud is neither a text nor a short list of texts")
	}
	for _, v := range list {
		if v == nil {
			return nil, false, invalid("aud holds something that is no text")
		}
		values = append(values, *v)
	}
	return values, false, nil
}

const maxAudience = 10
