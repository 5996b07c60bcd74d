package directory

import (
	"slices"
	"strconv"
	"strings"

	"github.com/egide-id/egide/internal/identity/rpps"
)

// The file of alternative identifiers is our own format: UTF-8, ";" between
// cells, no quoting, header
//
//	Identification nationale PP;Identifiant;Origine;Qualité;État
//
// One line says that a person is also known by another identifier: an ADELI
// number from before the move to RPPS, a PSI UUID, a test identity of EDIT
// (origins: pro-sante-connect.md 3.1). Qualité is 1 for registers, 2 for PSI.
// État "clos" ends it: a PSI is no longer active; a number of a register stays
// known, because an old subject must still resolve (rpps-import.md 6, rule 7).
// A line without identifier speaks of the person's whole record: "clos" closes
// it (S-94), "actif" opens it again. The file is cumulative: what it does not
// mention stays as it was.
const (
	stateActive = "actif"
	stateEnded  = "clos"
)

const identifierCells = 5

// alternative is one line; value is empty for the state of the record itself.
type alternative struct {
	value, origin string
	quality       int
	ended         bool
}

type identifierParser struct {
	scratch []byte
}

func (p *identifierParser) line(text string, _ bool, out *batch) {
	out.facts.rows++
	cells := strings.Split(text, ";")
	if len(cells) != identifierCells {
		out.facts.badLine("not five cells")
		return
	}
	for i := range cells {
		cells[i] = trim(cells[i])
	}
	person, err := rpps.ParseNationalID(cells[0])
	if err != nil {
		out.facts.badLine("malformed national identifier")
		return
	}
	a, reason := parseAlternative(cells)
	if reason != "" {
		out.facts.badLine(reason)
		return
	}
	if a.value == person.String() {
		return // his main identifier, which needs no line
	}
	p.scratch = appendAlternative(p.scratch[:0], a)
	out.add(sourceIdentifiers, person.String(), p.scratch)
}

func (p *identifierParser) flush(*batch) {}

func parseAlternative(cells []string) (a alternative, reason string) {
	a = alternative{value: cells[1], origin: cells[2]}
	switch cells[4] {
	case stateActive, "":
	case stateEnded:
		a.ended = true
	default:
		return a, "the state is neither actif nor clos"
	}
	if a.value == "" {
		return a, ""
	}
	if a.origin == "" {
		return a, "the identifier has no origin"
	}
	if a.origin == "PSI" {
		a.value = strings.ToLower(a.value)
	}
	quality, err := strconv.Atoi(cells[3])
	if err != nil || quality < 1 || quality > 9 {
		return a, "the quality is not a digit from 1 to 9"
	}
	a.quality = quality
	return a, ""
}

func appendAlternative(dst []byte, a alternative) []byte {
	dst = appendString(dst, a.value)
	dst = appendString(dst, a.origin)
	state := byte(0)
	if a.ended {
		state = 1
	}
	return append(dst, byte(a.quality), state) //nolint:gosec // a digit
}

// eachAlternative reads a packed list.
func eachAlternative(packed string, fn func(alternative)) error {
	for len(packed) > 0 {
		var a alternative
		var err error
		if a.value, packed, err = cutString(packed); err != nil {
			return err
		}
		if a.origin, packed, err = cutString(packed); err != nil {
			return err
		}
		if len(packed) < 2 {
			return errDamaged()
		}
		a.quality, a.ended = int(packed[0]), packed[1] == 1
		packed = packed[2:]
		fn(a)
	}
	return nil
}

// mergeAlternatives adds what a file says to what was known: the later word on
// an identifier wins, its place does not change.
func mergeAlternatives(known []byte, said [][]byte) ([]byte, error) {
	var list []alternative
	put := func(a alternative) {
		i := slices.IndexFunc(list, func(b alternative) bool { return b.value == a.value })
		if i < 0 {
			list = append(list, a)
		} else {
			list[i] = a
		}
	}
	for _, packed := range append([][]byte{known}, said...) {
		if err := eachAlternative(string(packed), put); err != nil {
			return nil, err
		}
	}
	var payload []byte
	for _, a := range list {
		payload = appendAlternative(payload, a)
	}
	return payload, nil
}

// recordEnded tells whether the identifiers file closed the record.
func recordEnded(payload []byte) (ended bool, err error) {
	err = eachAlternative(string(payload), func(a alternative) {
		if a.value == "" {
			ended = a.ended
		}
	})
	return ended, err
}
