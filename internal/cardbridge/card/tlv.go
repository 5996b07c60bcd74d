package card

// Real cards encode laxly (cps-card.md section 2): what follows reads BER with
// limits and forgives what strict DER parsers refuse.

// object is one tag, length, value.
type object struct {
	tag          int // 0x30, or 0xbf8101 where it takes three bytes
	value, whole []byte
}

// Tags of what is looked for.
const (
	tagInteger  = 0x02
	tagBits     = 0x03
	tagOctets   = 0x04
	tagUTF8     = 0x0c
	tagSequence = 0x30
)

// next takes one object off b. Padding bytes 00 and FF before it are skipped.
func next(b []byte) (o object, rest []byte, ok bool) {
	for len(b) > 0 && (b[0] == 0x00 || b[0] == 0xff) {
		b = b[1:]
	}
	tag, head, ok := readTag(b)
	if !ok || len(b) <= head {
		return object{}, nil, false
	}
	n, more, ok := readLength(b[head:])
	head += more
	if !ok || len(b) < head+n {
		return object{}, nil, false
	}
	return object{tag: tag, value: b[head : head+n], whole: b[:head+n]}, b[head+n:], true
}

// readTag reads a tag of one to three bytes.
func readTag(b []byte) (tag, size int, ok bool) {
	const long, goesOn, longest = 0x1f, 0x80, 3
	if len(b) == 0 {
		return 0, 0, false
	}
	tag = int(b[0])
	if b[0]&long != long {
		return tag, 1, true
	}
	for size = 1; size < longest && size < len(b); size++ {
		tag = tag<<8 | int(b[size])
		if b[size]&goesOn == 0 {
			return tag, size + 1, true
		}
	}
	return 0, 0, false
}

// readLength reads a length of one to three bytes: no file here is longer.
func readLength(b []byte) (n, size int, ok bool) {
	switch {
	case b[0] < 0x80:
		return int(b[0]), 1, true
	case b[0] == 0x81 && len(b) > 1:
		return int(b[1]), 2, true
	case b[0] == 0x82 && len(b) > 2:
		return int(b[1])<<8 | int(b[2]), 3, true
	}
	return 0, 0, false
}

// maxObjects bounds one level.
const maxObjects = 64

// list reads the objects of one level, as far as they can be read.
func list(b []byte) []object {
	var all []object
	for len(all) < maxObjects {
		o, rest, ok := next(b)
		if !ok {
			break
		}
		all, b = append(all, o), rest
	}
	return all
}

func (o object) children() []object { return list(o.value) }

// first gives the first child of a tag.
func (o object) first(tag int) ([]byte, bool) {
	for _, c := range o.children() {
		if c.tag == tag {
			return c.value, true
		}
	}
	return nil, false
}

// last gives the last child of a tag.
func (o object) last(tag int) ([]byte, bool) {
	var found []byte
	ok := false
	for _, c := range o.children() {
		if c.tag == tag {
			found, ok = c.value, true
		}
	}
	return found, ok
}

// maxPath bounds a path: eight folders.
const maxPath = 16

// isPath tells a path of file identifiers of two bytes.
func isPath(b []byte) bool { return len(b) >= 2 && len(b) <= maxPath && len(b)%2 == 0 }

// pathIn finds the first path, SEQUENCE { OCTET STRING }, at most so deep below.
func (o object) pathIn(depth int) ([]byte, bool) {
	const constructed = 0x20
	if depth < 0 {
		return nil, false
	}
	for _, c := range o.children() {
		if c.tag == tagOctets && o.tag == tagSequence && isPath(c.value) {
			return c.value, true
		}
		if c.tag&constructed != 0 {
			if p, ok := c.pathIn(depth - 1); ok {
				return p, true
			}
		}
	}
	return nil, false
}

// small reads an INTEGER of one byte without its sign: 02 01 82 and 02 02 00 82
// are both 82. It tells false for what is none.
func small(b []byte) (n byte, ok bool) {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) != 1 {
		return 0, false
	}
	return b[0], true
}
