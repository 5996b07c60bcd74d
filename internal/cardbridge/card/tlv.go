package card

// Real cards encode laxly (cps-card.md section 2): what follows reads BER with
// limits and forgives what strict DER parsers refuse.

// object is one tag, length, value.
type object struct {
	tag   byte
	value []byte
}

// next takes one object off b. Tags of one byte are all that PKCS#15 uses here;
// padding bytes 00 and FF before an object are skipped.
func next(b []byte) (o object, rest []byte, ok bool) {
	for len(b) > 0 && (b[0] == 0x00 || b[0] == 0xff) {
		b = b[1:]
	}
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return object{}, nil, false
	}
	n, head := int(b[1]), 2
	switch {
	case n == 0x81 && len(b) > 2:
		n, head = int(b[2]), 3
	case n == 0x82 && len(b) > 3:
		n, head = int(b[2])<<8|int(b[3]), 4
	case n >= 0x80:
		return object{}, nil, false
	}
	if len(b) < head+n {
		return object{}, nil, false
	}
	return object{tag: b[0], value: b[head : head+n]}, b[head+n:], true
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
		all = append(all, o)
		b = rest
	}
	return all
}

// Tags of what is looked for.
const (
	tagInteger  = 0x02
	tagBits     = 0x03
	tagOctets   = 0x04
	tagUTF8     = 0x0c
	tagSequence = 0x30
)

func (o object) children() []object { return list(o.value) }

// first gives the first child of a tag.
func (o object) first(tag byte) ([]byte, bool) {
	for _, c := range o.children() {
		if c.tag == tag {
			return c.value, true
		}
	}
	return nil, false
}

// last gives the last child of a tag.
func (o object) last(tag byte) ([]byte, bool) {
	var found []byte
	ok := false
	for _, c := range o.children() {
		if c.tag == tag {
			found, ok = c.value, true
		}
	}
	return found, ok
}

// pathIn finds the first path, SEQUENCE { OCTET STRING }, at most so deep below.
func (o object) pathIn(depth int) ([]byte, bool) {
	if depth < 0 {
		return nil, false
	}
	for _, c := range o.children() {
		if c.tag == tagOctets && o.tag == tagSequence && len(c.value) >= 2 && len(c.value)%2 == 0 {
			return c.value, true
		}
		if c.tag&0x20 != 0 {
			if p, ok := c.pathIn(depth - 1); ok {
				return p, true
			}
		}
	}
	return nil, false
}

// small reads an INTEGER without its sign: 02 01 82 and 02 02 00 82 are both 82.
func small(b []byte) int {
	n := 0
	for _, x := range b {
		n = n<<8 | int(x)
		if n > 1<<16 {
			return 0
		}
	}
	return n
}

// trim cuts a certificate file to its one object: files are allocated larger
// than what they hold.
func trim(der []byte) []byte {
	o, _, ok := next(der)
	if !ok || o.tag != tagSequence {
		return der
	}
	head := 2
	if len(der) > 1 && der[1] >= 0x80 {
		head += int(der[1] & 0x7f)
	}
	return der[:head+len(o.value)]
}
