package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"gopkg.in/yaml.v3"
)

// key is one entry of the grammar, both ways: read takes a value out of a
// document, write gives the one to put into it, nil when there is none.
type key struct {
	read  func(n *yaml.Node, path string)
	write func() any
}

func (p *parser) text(dst *string) key { return text(p, dst) }

// text reads one word or sentence. Numbers are taken as written, so that a
// FINESS or an identifier that begins with 0 needs no quotes to be right.
func text[T ~string](p *parser, dst *T) key {
	return key{
		read: func(n *yaml.Node, path string) {
			if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
				p.fault(path, n.Line, "must be a text")
				return
			}
			*dst = T(n.Value)
		},
		write: func() any { return unless(*dst == "", string(*dst)) },
	}
}

func unless(absent bool, v any) any {
	if absent {
		return nil
	}
	return v
}

func list[T ~string](p *parser, dst *[]T) key {
	return key{
		read: func(n *yaml.Node, path string) {
			if n.Kind != yaml.SequenceNode {
				p.fault(path, n.Line, "must be a list: one `- value` per line, or [a, b]")
				return
			}
			*dst = make([]T, len(n.Content))
			for i, item := range n.Content {
				at := fmt.Sprintf("%s[%d]", path, i)
				p.lines[at] = item.Line
				text(p, &(*dst)[i]).read(item, at)
			}
		},
		write: func() any { return unless(*dst == nil, *dst) },
	}
}

func (p *parser) flag(dst *bool) key {
	return key{
		read: func(n *yaml.Node, path string) {
			if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
				p.fault(path, n.Line, "must be true or false")
				return
			}
			*dst = strings.EqualFold(n.Value, "true")
		},
		write: func() any { return unless(!*dst, true) },
	}
}

func (p *parser) duration(dst *time.Duration) key {
	return key{
		read: func(n *yaml.Node, path string) {
			d, err := time.ParseDuration(n.Value)
			if n.Kind != yaml.ScalarNode || err != nil {
				p.fault(path, n.Line, "must be a duration such as 60s or 30m")
				return
			}
			*dst = d
		},
		write: func() any { return unless(*dst == 0, dst.String()) },
	}
}

// optionalDuration tells zero from absent: a max_age of 0 s asks for a new login.
func (p *parser) optionalDuration(dst **time.Duration) key {
	return key{
		read: func(n *yaml.Node, path string) {
			var d time.Duration
			p.duration(&d).read(n, path)
			*dst = &d
		},
		write: func() any {
			if *dst == nil {
				return nil
			}
			return (*dst).String()
		},
	}
}

func (p *parser) instant(dst *time.Time) key {
	return key{
		read: func(n *yaml.Node, path string) {
			t, err := time.Parse(time.RFC3339, n.Value)
			if n.Kind != yaml.ScalarNode || err != nil {
				p.fault(path, n.Line, "must be a moment such as 2026-11-26T18:00:00Z")
				return
			}
			*dst = t.UTC()
		},
		write: func() any { return unless(dst.IsZero(), dst.Format(time.RFC3339)) },
	}
}

// group is a mapping of its own.
func (p *parser) group(keys map[string]key) key {
	return key{
		read: func(n *yaml.Node, path string) { p.mapping(n, path, keys) },
		write: func() any {
			held := written(keys)
			return unless(len(held) == 0, held)
		},
	}
}

func written(keys map[string]key) map[string]any {
	held := map[string]any{}
	for name, k := range keys {
		if v := k.write(); v != nil {
			held[name] = v
		}
	}
	return held
}

// keySet reads a JSON Web Key Set written as YAML, of which JSON is a part.
func (p *parser) keySet(dst **jose.JSONWebKeySet) key {
	return key{
		read: func(n *yaml.Node, path string) {
			var loose map[string]any
			if err := n.Decode(&loose); err != nil {
				p.fault(path, n.Line, "must be a JSON Web Key Set: a mapping with a list of keys")
				return
			}
			raw, err := json.Marshal(loose)
			if err == nil {
				*dst = new(jose.JSONWebKeySet)
				err = json.Unmarshal(raw, *dst)
			}
			if err != nil {
				p.fault(path, n.Line, "holds a key that cannot be read")
			}
		},
		write: func() any {
			if *dst == nil {
				return nil
			}
			return *dst
		},
	}
}
