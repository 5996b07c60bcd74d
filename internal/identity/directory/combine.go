package directory

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// combine makes one block of what a source said under one key. Most keys come
// once; rows of a person that were not adjacent in the file come several times
// and are gathered here, in file order.
func combine(s source, values [][]byte, known *block) (payload []byte, fingerprint uint64, duplicates int, err error) {
	switch s {
	case sourceIdentifiers:
		var before []byte
		if known != nil {
			before = known.payload
		}
		payload, err = mergeAlternatives(before, values)
		return payload, xxhash.Sum64(payload), 0, err
	case sourceSites, sourceLegal:
		return values[0], xxhash.Sum64(values[0]), len(values) - 1, nil
	}
	if len(values) == 1 {
		fingerprint, payload, err = cutFingerprint(values[0])
		return payload, fingerprint, 0, err
	}
	return combineRows(values)
}

func combineRows(values [][]byte) (payload []byte, fingerprint uint64, duplicates int, err error) {
	var rows rowSet
	for _, v := range values {
		_, packed, err := cutFingerprint(v)
		if err != nil {
			return nil, 0, 0, err
		}
		err = eachRow(string(packed), func(row *cells) error {
			rows.add(row)
			return nil
		})
		if err != nil {
			return nil, 0, 0, err
		}
	}
	return rows.packed, rows.fingerprint(), rows.duplicates, nil
}

// cutFingerprint splits what the extract parser wrote: hash, then rows.
func cutFingerprint(value []byte) (fingerprint uint64, packed []byte, err error) {
	const size = 8
	if len(value) < size {
		return 0, nil, errDamaged()
	}
	return binary.LittleEndian.Uint64(value), value[size:], nil
}
