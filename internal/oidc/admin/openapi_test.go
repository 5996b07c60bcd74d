package admin

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
)

// spec is openapi.yaml as far as tests read it.
type spec struct {
	Paths      map[string]map[string]described `yaml:"paths"`
	Components struct {
		Schemas    map[string]*schema           `yaml:"schemas"`
		Parameters map[string]parameter         `yaml:"parameters"`
		Responses  map[string]describedResponse `yaml:"responses"`
	} `yaml:"components"`
}

type described struct {
	OperationID string                       `yaml:"operationId"`
	Description string                       `yaml:"description"`
	Parameters  []schema                     `yaml:"parameters"` // references
	RequestBody *describedResponse           `yaml:"requestBody"`
	Responses   map[string]describedResponse `yaml:"responses"`
}

type describedResponse struct {
	Ref     string                              `yaml:"$ref"`
	Headers map[string]any                      `yaml:"headers"`
	Content map[string]struct{ Schema *schema } `yaml:"content"`
}

type parameter struct {
	Name     string  `yaml:"name"`
	In       string  `yaml:"in"`
	Required bool    `yaml:"required"`
	Schema   *schema `yaml:"schema"`
}

type schema struct {
	Ref        string             `yaml:"$ref"`
	Type       any                `yaml:"type"`
	Enum       []string           `yaml:"enum"`
	Pattern    string             `yaml:"pattern"`
	Required   []string           `yaml:"required"`
	Properties map[string]*schema `yaml:"properties"`
	Items      *schema            `yaml:"items"`
	Closed     *bool              `yaml:"additionalProperties"`
	MinLength  int                `yaml:"minLength"`
	MaxLength  int                `yaml:"maxLength"`
	MinItems   int                `yaml:"minItems"`
	Minimum    *int64             `yaml:"minimum"`
	Maximum    *int64             `yaml:"maximum"`
}

func readSpec(t testing.TB) *spec {
	t.Helper()
	s := new(spec)
	if err := yaml.Unmarshal(description, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *spec) resolve(in *schema) *schema {
	if in != nil && in.Ref != "" {
		return s.Components.Schemas[in.Ref[strings.LastIndexByte(in.Ref, '/')+1:]]
	}
	return in
}

func TestEveryRouteIsDescribedAndTheReverse(t *testing.T) {
	s := readSpec(t)
	there := map[string]string{}
	for path, methods := range s.Paths {
		for method, o := range methods {
			there[strings.ToUpper(method)+" "+path] = o.OperationID + " " + o.Description
		}
	}
	for _, o := range new(API).operations() {
		role := map[Role]string{Reader: "Role: reader.", Registrar: "Role: registrar."}[o.role]
		if got := there[o.method+" "+o.path]; got != o.id+" "+role {
			t.Errorf("%s %s: described as %q", o.method, o.path, got)
		}
		delete(there, o.method+" "+o.path)
		var query []string
		for _, ref := range s.Paths[o.path][strings.ToLower(o.method)].Parameters {
			if p := s.Components.Parameters[ref.Ref[strings.LastIndexByte(ref.Ref, '/')+1:]]; p.In == "query" {
				query = append(query, p.Name)
			}
		}
		if !slices.Equal(query, parameters[o.id]) {
			t.Errorf("%s: query described as %v, read as %v", o.id, query, parameters[o.id])
		}
	}
	for left := range there {
		t.Errorf("%s is described and not served", left)
	}
}

func TestEveryMemberIsDescribedAndTheReverse(t *testing.T) {
	s := readSpec(t)
	for name, v := range map[string]any{
		"Problem": problem{}, "Reason": reasonRequest{}, "PutClient": putRequest{}, "RotateSecret": rotateRequest{}, "CreateInitialToken": tokenRequest{},
		"Client": clientAnswer{}, "ClientList": clientList{}, "InitialToken": tokenAnswer{}, "InitialTokenList": tokenList{}, "Matrix": matrixAnswer{},
	} {
		want := members(reflect.TypeOf(v))
		if got := slices.Sorted(maps.Keys(s.Components.Schemas[name].Properties)); !slices.Equal(got, want) {
			t.Errorf("%s: described %v, in the code %v", name, got, want)
		}
	}
	if got, want := slices.Sorted(maps.Keys(s.Components.Schemas["Matrix"].Properties["rows"].Items.Properties)), members(reflect.TypeFor[claims.Row]()); !slices.Equal(got, want) {
		t.Errorf("a row: described %v, in the code %v", got, want)
	}
	want := slices.DeleteFunc(client.Grammar(), func(k string) bool { return slices.Contains(client.HouseKeys(), k) })
	if got := slices.Sorted(maps.Keys(s.Components.Schemas["Registration"].Properties)); !slices.Equal(got, want) {
		t.Errorf("Registration: described %v, in the grammar %v", got, want)
	}
}

func members(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if f.Anonymous {
			out = append(out, members(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// fits holds a value against a schema and gives what is wrong.
func (s *spec) fits(in *schema, v any, path string) []string {
	in = s.resolve(in)
	if !slices.Contains(types(in), kind(v)) && (kind(v) != "integer" || !slices.Contains(types(in), "number")) {
		return []string{path + " is a " + kind(v)}
	}
	var wrong []string
	switch v := v.(type) {
	case string:
		if len(in.Enum) > 0 && !slices.Contains(in.Enum, v) || len(v) < in.MinLength || in.MaxLength > 0 && len(v) > in.MaxLength ||
			in.Pattern != "" && !regexp.MustCompile(in.Pattern).MatchString(v) {
			wrong = append(wrong, path+" is "+v)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil && (in.Minimum != nil && n < *in.Minimum || in.Maximum != nil && n > *in.Maximum) {
			wrong = append(wrong, path+" is "+v.String())
		}
	case []any:
		if len(v) < in.MinItems {
			wrong = append(wrong, path+" is too short")
		}
		for _, item := range v {
			wrong = append(wrong, s.fits(in.Items, item, path+"[]")...)
		}
	case map[string]any:
		for _, name := range in.Required {
			if _, ok := v[name]; !ok {
				wrong = append(wrong, path+" lacks "+name)
			}
		}
		for name, value := range v {
			if p := in.Properties[name]; p != nil {
				wrong = append(wrong, s.fits(p, value, path+"."+name)...)
			} else if in.Closed != nil && !*in.Closed {
				wrong = append(wrong, path+" has "+name)
			}
		}
	}
	return wrong
}

func types(s *schema) []string {
	switch t := s.Type.(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, v := range t {
			out = append(out, v.(string))
		}
		return out
	}
	return nil
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}
