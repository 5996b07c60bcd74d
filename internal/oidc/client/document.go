package client

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Document writes the registration as JSON, in the grammar of the client files:
// what Parse reads back is the same client. Keys are in order, so that equal
// registrations are equal bytes. Hashes of secrets are in it: it is for where
// registrations are kept, see Shown.
func (c *Client) Document() ([]byte, error) { return c.document() }

// Shown is the document for people and programs that look and write back: without
// what the house alone sets.
func (c *Client) Shown() ([]byte, error) { return c.document(HouseKeys()...) }

// HouseKeys are those that only the house sets where a registration is not a file.
func HouseKeys() []string { return []string{"secret_sha256", "old_secrets_until", "disabled"} }

func (c *Client) document(without ...string) ([]byte, error) {
	held := written((&parser{c: c}).keys())
	for _, key := range without {
		delete(held, key)
	}
	return compose(held)
}

func compose(held map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(held); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// Compose makes a document of members that came as JSON. They are written anew
// without escapes: the grammar's reader knows those of YAML, which differ for
// characters beyond the basic plane.
func Compose(members map[string]json.RawMessage) ([]byte, error) {
	held := make(map[string]any, len(members))
	for key, value := range members {
		dec := json.NewDecoder(bytes.NewReader(value))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		held[key] = v
	}
	return compose(held)
}

// Grammar names every key of a registration, in order.
func Grammar() []string {
	return slices.Sorted(maps.Keys((&parser{c: new(Client)}).keys()))
}

// Complete fills in what a registration left out a registration and checks it, wherever it came from.
func Complete(c Client) (*Client, []Fault) {
	c.fillDefaults()
	if faults := c.Check(); len(faults) > 0 {
		return nil, faults
	}
	return &c, nil
}
