package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

type form struct {
	Reason string          `json:"reason"`
	Uses   int             `json:"uses"`
	Rest   json.RawMessage `json:"rest"`
}

func TestOneMeaningOnly(t *testing.T) {
	for name, c := range map[string]struct{ in, says string }{
		"member twice":         {`{"reason":"a","reason":"b"}`, `"reason" twice`},
		"twice by escape":      {`{"reason":"a","re\u0061son":"b"}`, `"reason" twice`},
		"twice deep inside":    {`{"rest":{"a":[{"b":1,"b":2}]}}`, `"b" twice`},
		"another case":         {`{"Reason":"a"}`, `unknown member "Reason"`},
		"unknown":              {`{"role":"registrar"}`, `unknown member "role"`},
		"something behind":     {`{"reason":"a"}{}`, "behind"},
		"a list":               {`["reason"]`, "not a JSON object"},
		"nothing":              {``, "not a JSON object"},
		"cut":                  {`{"reason":`, "not JSON"},
		"not UTF-8":            {"{\"reason\":\"\xff\"}", "UTF-8"},
		"deep":                 {`{"rest":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "deep"},
		"a number for a text":  {`{"reason":5}`, "number"},
		"a number beyond":      {`{"uses":1e99}`, "number"},
		"comments are no JSON": {`{/*x*/"reason":"a"}`, "not JSON"},
	} {
		var f form
		if err := Into([]byte(c.in), &f); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var f form
	if err := Into([]byte(` {"reason":"a","uses":3,"rest":{"x":[1,{"y":null}]}} `), &f); err != nil || f.Reason != "a" || f.Uses != 3 {
		t.Errorf("%+v %v", f, err)
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,2,{"c":null}]}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := Object(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Object(out); err != nil || len(again) != len(members) {
			t.Errorf("%s was taken, %s is not: %v", data, out, err)
		}
	})
}
