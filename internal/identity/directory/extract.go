package directory

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// lineParser turns lines into entries. Each worker has its own.
type lineParser interface {
	// line reads one line without its end. unterminated: the file ends in the
	// middle of it, or without a line end.
	line(text string, unterminated bool, out *batch)
	// flush ends a stretch: what was being gathered goes out.
	flush(out *batch)
}

// parseText runs a parser over whole lines.
func parseText(p lineParser, text string, last bool, out *batch) {
	valid := utf8.ValidString(text)
	for len(text) > 0 {
		line, rest, ended := strings.Cut(text, "\n")
		text = rest
		out.facts.lines++
		line = strings.TrimSuffix(line, "\r")
		switch {
		case line == "":
		case !valid && !utf8.ValidString(line):
			out.facts.badLine("not valid UTF-8")
		default:
			p.line(line, last && !ended, out)
		}
	}
	p.flush(out)
}

// extractParser reads the three pipe-separated extracts. No quoting, no
// escaping, all cells text (rpps-import.md 2).
type extractParser struct {
	layout *layout
	codes  *codeChecker
	cells  []string
	person string // national id being gathered
	rows   rowSet
	row    cells
}

func newExtractParser(l *layout) *extractParser {
	return &extractParser{layout: l, codes: newCodeChecker(l), cells: make([]string, 0, len(l.columns)+2)}
}

func (p *extractParser) line(text string, unterminated bool, out *batch) {
	out.facts.rows++
	if reason := p.split(text, unterminated); reason != "" {
		out.facts.badLine(reason)
		return
	}
	id := trim(p.cells[colNationalID])
	if id == "" || id != p.person {
		if reason := p.begin(id, out); reason != "" {
			out.facts.badLine(reason)
			return
		}
	}
	p.fill(out)
	p.codes.check(&p.row, &out.facts)
	before := p.rows.duplicates
	p.rows.add(&p.row)
	out.facts.duplicates += p.rows.duplicates - before
}

// split cuts the line at its separators and checks that none is missing: the
// only sign of a truncated file.
func (p *extractParser) split(text string, unterminated bool) (reason string) {
	p.cells = p.cells[:0]
	want := len(p.layout.columns)
	for {
		i := strings.IndexByte(text, '|')
		if i < 0 {
			break
		}
		if len(p.cells) > want {
			return "more cells than the header"
		}
		p.cells = append(p.cells, text[:i])
		text = text[i+1:]
	}
	switch {
	case len(p.cells) == want && text == "":
		return ""
	case len(p.cells) == want-1 && (!unterminated || !p.layout.trailing):
		p.cells = append(p.cells, text)
		return ""
	case len(p.cells) >= want:
		return "more cells than the header"
	case unterminated:
		return "the file ends in the middle of a line"
	}
	return "fewer cells than the header"
}

// begin starts the next person.
func (p *extractParser) begin(id string, out *batch) (reason string) {
	number := trim(p.cells[colIDNumber])
	kind := trim(p.cells[colIDType])
	if len(id) != len(kind)+len(number) || !strings.HasPrefix(id, kind) || !strings.HasSuffix(id, number) {
		return "type and identifier do not make the national identifier"
	}
	parsed, err := rpps.ParseNationalID(id)
	if err != nil {
		return "malformed national identifier"
	}
	p.flush(out)
	p.person = parsed.String()
	if !parsed.KeyOK() {
		out.facts.keyWarnings++
	}
	return ""
}

func (p *extractParser) fill(out *batch) {
	for i, c := range p.layout.columns {
		switch {
		case c > colNationalID:
			p.row[c] = trim(p.cells[i])
		case c == colUnknown && p.cells[i] != "":
			if out.facts.extra == nil {
				out.facts.extra = make([]int, len(p.layout.columns))
			}
			out.facts.extra[i]++
		}
	}
}

func (p *extractParser) flush(out *batch) {
	if p.person == "" {
		return
	}
	if len(p.rows.hashes) > 0 {
		var fingerprint [8]byte
		binary.LittleEndian.PutUint64(fingerprint[:], p.rows.fingerprint())
		out.add(p.layout.source, p.person, fingerprint[:], p.rows.packed)
	}
	p.person = ""
	p.rows.reset()
}

// trim removes the spaces around a cell; most cells have none.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.Trim(s, " \t")
}
