package directory

import (
	"encoding/binary"
	"slices"
)

// record is what the register file holds under one key: when it was first seen
// and what each source says.
type record struct {
	firstSeen int64 // unix seconds; 0 since the first load
	blocks    []block
}

// block is what one source says of one person or entity.
type block struct {
	source      source
	misses      uint8 // files of this source in a row that did not hold him
	fingerprint uint64
	payload     []byte // packed rows, identifiers or entity, by source
}

// closedAfter is how many files in a row must miss a person to close him
// (rpps-import.md 6, rule 6).
const closedAfter = 2

func (b *block) closed() bool { return b.misses >= closedAfter }

func (r *record) block(s source) *block {
	i := slices.IndexFunc(r.blocks, func(b block) bool { return b.source == s })
	if i < 0 {
		return nil
	}
	return &r.blocks[i]
}

func appendRecord(dst []byte, r *record) []byte {
	dst = binary.AppendVarint(dst, r.firstSeen)
	for i := range r.blocks {
		b := &r.blocks[i]
		dst = append(dst, byte(b.source), b.misses)
		dst = binary.LittleEndian.AppendUint64(dst, b.fingerprint)
		dst = binary.AppendUvarint(dst, uint64(len(b.payload)))
		dst = append(dst, b.payload...)
	}
	return dst
}

const blockHead = 10 // source, misses, fingerprint

// readRecord reads a record in place: its payloads are parts of data.
func readRecord(data []byte, r *record) error {
	bad := errDamaged()
	firstSeen, n := binary.Varint(data)
	if n <= 0 {
		return bad
	}
	data = data[n:]
	r.firstSeen, r.blocks = firstSeen, r.blocks[:0]
	for len(data) > 0 {
		if len(data) < blockHead {
			return bad
		}
		b := block{source: source(data[0]), misses: data[1], fingerprint: binary.LittleEndian.Uint64(data[2:])}
		size, n := binary.Uvarint(data[blockHead:])
		if n <= 0 || b.source >= sourceCount || size > uint64(len(data)-blockHead-n) { //nolint:gosec // both fit in data
			return bad
		}
		start := blockHead + n
		end := start + int(size) //nolint:gosec // size is at most len(data)
		b.payload, data = data[start:end], data[end:]
		r.blocks = append(r.blocks, b)
	}
	return nil
}

// put adds a block in the order of the sources, so that a record has one form.
func (r *record) put(b block) {
	i := 0
	for i < len(r.blocks) && r.blocks[i].source < b.source {
		i++
	}
	r.blocks = slices.Insert(r.blocks, i, b)
}

// activity sources hold persons; the others only add to them.
func activity(s source) bool { return s == sourcePublic || s == sourceRestricted }

// active tells whether an extract holds or held the person.
func (r *record) active() bool {
	return r.block(sourcePublic) != nil || r.block(sourceRestricted) != nil
}

// primary is the block that speaks for the person: of the two extracts that
// may hold him the more recent one, the restricted one when equal or when a
// date is unknown. It gives practices and says whether he is still there.
func (r *record) primary(info Info) *block {
	public, restricted := r.block(sourcePublic), r.block(sourceRestricted)
	switch {
	case restricted == nil:
		return public
	case public == nil:
		return restricted
	}
	p, q := info.Sources[sourcePublic.String()].Date, info.Sources[sourceRestricted.String()].Date
	if p != "" && q != "" && p > q {
		return public
	}
	return restricted
}

// isClosed tells whether the record is closed: missing from two files in a row,
// or closed by name (rpps-import.md 6, rule 6).
func (r *record) isClosed(info Info) (bool, error) {
	if b := r.primary(info); b != nil && b.closed() {
		return true, nil
	}
	if b := r.block(sourceIdentifiers); b != nil {
		return recordEnded(b.payload)
	}
	return false, nil
}
