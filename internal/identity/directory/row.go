package directory

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/egide-id/egide/internal/platform/fault"
)

// cells is one row of the register. The three identifier columns are the key
// of the record and stay empty in it.
type cells [columnCount]string

// A row is packed as what changed since the row before it (the first: since an
// empty row): eight bytes, one bit per column, then each changed cell as a
// length and its bytes. Rows of one person repeat most of their cells, so the
// second costs little; reading back needs no parsing of text.

func errDamaged() error { return fault.New(fault.Internal, "", "register record is damaged") }

// appendRow packs row after previous.
func appendRow(dst []byte, previous, row *cells) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	var changed uint64
	for c := range row {
		if row[c] == previous[c] {
			continue
		}
		changed |= 1 << c
		dst = binary.AppendUvarint(dst, uint64(len(row[c])))
		dst = append(dst, row[c]...)
	}
	binary.LittleEndian.PutUint64(dst[at:], changed)
	return dst
}

// eachRow unpacks rows one after the other. The row is reused: what is kept
// must be copied.
func eachRow(packed string, fn func(row *cells) error) error {
	var row cells
	for len(packed) > 0 {
		rest, err := nextRow(packed, &row)
		if err != nil {
			return err
		}
		if err := fn(&row); err != nil {
			return err
		}
		packed = rest
	}
	return nil
}

func nextRow(packed string, row *cells) (rest string, err error) {
	if len(packed) < 8 {
		return "", errDamaged()
	}
	changed := binary.LittleEndian.Uint64([]byte(packed[:8]))
	packed = packed[8:]
	if changed>>columnCount != 0 {
		return "", errDamaged()
	}
	for ; changed != 0; changed &= changed - 1 {
		c := bits.TrailingZeros64(changed)
		if row[c], packed, err = cutString(packed); err != nil {
			return "", err
		}
	}
	return packed, nil
}

// cutString reads a length and that many bytes.
func cutString(s string) (head, rest string, err error) {
	n, size := uvarint(s)
	if size <= 0 || n > uint64(len(s)-size) { //nolint:gosec // size is at most len(s)
		return "", "", errDamaged()
	}
	end := size + int(n) //nolint:gosec // n is at most len(s)
	return s[size:end], s[end:], nil
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// uvarint is binary.Uvarint for a string.
func uvarint(s string) (uint64, int) {
	var v uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		b := s[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// rowSet gathers the rows of one person in file order, each once.
type rowSet struct {
	packed     []byte
	hashes     []uint64
	last       cells
	scratch    []byte
	duplicates int
}

func (s *rowSet) reset() {
	s.packed, s.hashes, s.last, s.duplicates = s.packed[:0], s.hashes[:0], cells{}, 0
}

func (s *rowSet) add(row *cells) {
	var empty cells
	s.scratch = appendRow(s.scratch[:0], &empty, row)
	hash := xxhash.Sum64(s.scratch)
	if slices.Contains(s.hashes, hash) {
		s.duplicates++
		return
	}
	s.hashes = append(s.hashes, hash)
	if len(s.packed) == 0 {
		s.packed = append(s.packed, s.scratch...)
	} else {
		s.packed = appendRow(s.packed, &s.last, row)
	}
	s.last = *row
}

// fingerprint is the hash of the person's rows whatever their order: a file
// that only lists them differently changes nothing (rpps-import.md 6, rule 5).
func (s *rowSet) fingerprint() uint64 {
	if len(s.hashes) == 1 {
		return s.hashes[0]
	}
	sorted := slices.Clone(s.hashes)
	slices.Sort(sorted)
	buf := make([]byte, 0, 8*len(sorted))
	for _, h := range sorted {
		buf = binary.LittleEndian.AppendUint64(buf, h)
	}
	return xxhash.Sum64(buf)
}
