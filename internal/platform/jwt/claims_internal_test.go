package jwt

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzObject: what is read is what any other parser of JSON reads, less what
// has two meanings.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, ` { "a" : "b" , "c" : [ 1 , {"d":null} ] } `, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`, `{"a":{"b":1,"b":2}}`,
		`{"a":1}{}`, `[]`, `{"a":-1.5e3,"b":"\ud800","c":true}`, `{"":""}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := object(raw)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(raw, &want); err != nil || len(want) != len(got) {
			t.Fatalf("%q: %v, %d members of %d", raw, err, len(got), len(want))
		}
		for name, value := range want {
			if !bytes.Equal(got[name], value) {
				t.Fatalf("%q: %s is %q, not %q", raw, name, got[name], value)
			}
		}
	})
}
