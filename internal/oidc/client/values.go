package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"gopkg.in/yaml.v3"
)

// reader takes one value of the file.
type reader func(n *yaml.Node, path string)

func (p *parser) text(dst *string) reader { return text(p, dst) }

// text reads one word or sentence. Numbers are taken as written, so that a
// FINESS or an identifier that begins with 0 needs no quotes to be right.
func text[T ~string](p *parser, dst *T) reader {
	return func(n *yaml.Node, path string) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			p.fault(path, n.Line, "must be a text")
			return
		}
		*dst = T(n.Value)
	}
}

func list[T ~string](p *parser, dst *[]T) reader {
	return func(n *yaml.Node, path string) {
		if n.Kind != yaml.SequenceNode {
			p.fault(path, n.Line, "must be a list: one `- value` per line, or [a, b]")
			return
		}
		*dst = make([]T, len(n.Content))
		for i, item := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			p.lines[at] = item.Line
			text(p, &(*dst)[i])(item, at)
		}
	}
}

func (p *parser) flag(dst *bool) reader {
	return func(n *yaml.Node, path string) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			p.fault(path, n.Line, "must be true or false")
			return
		}
		*dst = strings.EqualFold(n.Value, "true")
	}
}

func (p *parser) duration(dst *time.Duration) reader {
	return func(n *yaml.Node, path string) {
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			p.fault(path, n.Line, "must be a duration such as 60s or 30m")
			return
		}
		*dst = d
	}
}

// optionalDuration tells zero from absent: a max_age of 0 s asks for a new login.
func (p *parser) optionalDuration(dst **time.Duration) reader {
	return func(n *yaml.Node, path string) {
		var d time.Duration
		p.duration(&d)(n, path)
		*dst = &d
	}
}

// keySet reads a JSON Web Key Set written as YAML, of which JSON is a part.
func (p *parser) keySet(dst **jose.JSONWebKeySet) reader {
	return func(n *yaml.Node, path string) {
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
	}
}
