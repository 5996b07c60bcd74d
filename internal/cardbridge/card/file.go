package card

import "context"

const swNotFound = 0x6a82

// readFile reads an elementary file by its path, which begins with 3F00.
func (s *Session) readFile(ctx context.Context, path []byte, limit int) ([]byte, error) {
	if err := s.model.selectPath(ctx, s, path); err != nil {
		return nil, err
	}
	return s.readSelected(ctx, limit)
}

// readSelected reads the selected file to its end.
func (s *Session) readSelected(ctx context.Context, limit int) ([]byte, error) {
	var b []byte
	for len(b) < limit {
		data, sw, err := s.send(ctx, s.command(insReadBinary, byte(len(b)>>8), byte(len(b)), nil, maxChunk)) //nolint:gosec // the two halves
		if err == nil && sw == 0x6b00 && len(b) > 0 {
			return b, nil // past the end: the file was as long as what we have
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

// selectAID selects an application by name.
func (s *Session) selectAID(ctx context.Context, aid []byte) (sw int, err error) {
	_, sw, err = s.send(ctx, s.command(insSelect, 0x04, 0x0c, aid, -1))
	return sw, err
}
