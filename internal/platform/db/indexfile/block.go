package indexfile

import (
	"bytes"
	"encoding/binary"

	"github.com/egide-id/egide/internal/platform/fault"
)

// A block is a run of entries in key order, each as
//
//	uvarint length, key, uvarint length, value
//
// Blocks come from a file that disk or hand may have damaged, so reading one
// checks every length and ends in an error, never in a panic.

func appendEntry(block, key, value []byte) []byte {
	block = binary.AppendUvarint(block, uint64(len(key)))
	block = append(block, key...)
	block = binary.AppendUvarint(block, uint64(len(value)))
	return append(block, value...)
}

// nextEntry splits the first entry off a block.
func nextEntry(block []byte) (key, value, rest []byte, err error) {
	if key, rest, err = cutBytes(block); err != nil {
		return nil, nil, nil, err
	}
	if value, rest, err = cutBytes(rest); err != nil {
		return nil, nil, nil, err
	}
	return key, value, rest, nil
}

func cutBytes(b []byte) (head, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) { //nolint:gosec // size is at most len(b)
		return nil, nil, fault.New(fault.Internal, "", "index block is damaged")
	}
	end := size + int(n) //nolint:gosec // n is at most len(b)
	return b[size:end], b[end:], nil
}

// findInBlock gives the value of a key, and whether the block holds it.
func findInBlock(block, want []byte) ([]byte, bool, error) {
	for len(block) > 0 {
		key, value, rest, err := nextEntry(block)
		if err != nil {
			return nil, false, err
		}
		switch bytes.Compare(key, want) {
		case 0:
			return value, true, nil
		case 1:
			return nil, false, nil
		}
		block = rest
	}
	return nil, false, nil
}
