package card

import (
	"context"
	"errors"
)

const (
	maxFile  = 8 << 10
	maxChunk = 0xe7 // of one read [C]
)

// readFile reads an elementary file by its path, which begins with 3F00.
func (s *Session) readFile(ctx context.Context, path []byte) ([]byte, error) {
	if err := s.model.selectPath(ctx, s, path); err != nil {
		return nil, err
	}
	var b []byte
	for len(b) < maxFile {
		data, sw, err := s.send(ctx, apdu{ins: insReadBinary, p1: byte(len(b) >> 8), p2: byte(len(b)), want: maxChunk}) //nolint:gosec // the two halves
		if err == nil && sw == swPast && len(b) > 0 {
			return b, nil // the file was as long as what we have
		}
		if sw == swEnd {
			sw = swOK
		}
		if err := expect("read", insReadBinary, sw, err); err != nil {
			return nil, err
		}
		b = append(b, data...)
		if len(data) < maxChunk {
			return b, nil
		}
	}
	return nil, faulty("a file has no end")
}

// readOptional reads a file that a card may do without: nil then.
func (s *Session) readOptional(ctx context.Context, path []byte) ([]byte, error) {
	b, err := s.readFile(ctx, path)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return b, err
}

// selectAID selects an application by name.
func (s *Session) selectAID(ctx context.Context, aid []byte) (sw int, err error) {
	_, sw, err = s.send(ctx, apdu{ins: insSelect, p1: 0x04, p2: 0x0c, data: aid, want: none})
	return sw, err
}
