package softcard

import (
	"bytes"
	"slices"
)

// file is a dedicated file (with children) or an elementary one.
type file struct {
	id       uint16
	short    byte   // identifier of five bits, 0 for none
	aid      []byte // of an application
	data     []byte
	access   access
	parent   *file
	children []*file
	folder   bool
}

// access says who reads a file, in the byte by which its control parameters say it.
type access byte

const (
	always access = 0x00
	user   access = 0x11 // behind the holder's PIN
	never  access = 0xff
)

func folder(id uint16, aid []byte, children ...*file) *file {
	f := &file{id: id, aid: aid, folder: true, children: children}
	for _, c := range children {
		c.parent = f
	}
	return f
}

func elementary(id uint16, data []byte) *file { return &file{id: id, data: data} }

func (f *file) named(short byte) *file { f.short = short; return f }

func (f *file) readBy(a access) *file { f.access = a; return f }

func (f *file) child(id uint16) *file {
	i := slices.IndexFunc(f.children, func(c *file) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return f.children[i]
}

// withShort finds a child by its short identifier.
func (f *file) withShort(short byte) *file {
	i := slices.IndexFunc(f.children, func(c *file) bool { return c.short == short && short != 0 })
	if i < 0 {
		return nil
	}
	return f.children[i]
}

// application finds an application by the beginning of its name, as SELECT does.
func (f *file) application(aid []byte) *file {
	if len(f.aid) > 0 && bytes.HasPrefix(f.aid, aid) {
		return f
	}
	for _, c := range f.children {
		if found := c.application(aid); found != nil {
			return found
		}
	}
	return nil
}

// here is the folder that relative names start from.
func (f *file) here() *file {
	if f.folder {
		return f
	}
	return f.parent
}

// Ways to select (ISO 7816-4 table 62).
const (
	byID       = 0x00
	byChild    = 0x01
	byEF       = 0x02
	byParent   = 0x03
	byAID      = 0x04
	byRootPath = 0x08
	byPath     = 0x09
)

const idRoot = 0x3f00

// selectFile is SELECT; with P2 04 or 00 it answers the file's control parameters.
func selectFile(e *Emulator, c command) ([]byte, uint16) {
	found := e.find(c)
	if found == nil {
		return nil, swNotFound
	}
	if found.here() != e.current.here() {
		e.env, e.hash = map[byte]environment{}, nil // a security environment belongs to its application
	}
	e.current = found
	if c.p2&0x0c == 0x0c {
		return nil, swOK
	}
	return found.control(), swOK
}

func (e *Emulator) find(c command) *file {
	switch c.p1 {
	case byAID:
		return e.root.application(c.data)
	case byID, byChild, byEF, byRootPath, byPath:
		return e.walk(c)
	case byParent:
		return e.current.here().parent
	}
	return nil
}

func (e *Emulator) walk(c command) *file {
	path := c.data
	if len(path) == 0 && c.p1 == byID {
		return e.root
	}
	if len(path) == 0 || len(path)%2 != 0 {
		return nil
	}
	at := e.current.here()
	if c.p1 == byRootPath || path[0] == idRoot>>8 && path[1] == idRoot&0xff {
		at = e.root
	}
	for ; len(path) > 0; path = path[2:] {
		id := uint16(path[0])<<8 | uint16(path[1])
		if id == idRoot {
			continue
		}
		next := at.child(id)
		if next == nil && at == e.current.here() && at.id == id {
			next = at // a folder names itself
		}
		if next == nil && c.p1 == byID && at.parent != nil {
			next = at.parent.child(id)
		}
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

// control is the file control parameters: the 39 bytes seen on a real card [C
// OSC#2275], with the rule for reading filled by what we enforce.
func (f *file) control() []byte {
	size := len(f.data)
	kind := byte(0x01)
	if f.folder {
		kind = 0x38
	}
	rule := byte(f.access)
	b := []byte{0x62, 0x25, 0x80, 0x02, byte(size >> 8), byte(size), 0x82, 0x01, kind, 0x83, 0x02, byte(f.id >> 8), byte(f.id), 0x88, 0x01, f.short << 3} //nolint:gosec // halves
	b = append(b, 0xa1, 0x12,
		0x8c, 0x07, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, rule,
		0x9c, 0x07, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, rule)
	return append(b, 0x8a, 0x01, 0x05)
}

// maxRead is the most that one command reads: the Cryptolib asks for no more [C
// CL]; where a real card stops is [U].
const maxRead = 0xe7

// readBinary is READ BINARY of the selected file, or of one named by a short
// identifier in P1.
func readBinary(e *Emulator, c command) ([]byte, uint16) {
	const byShortID = 0x80
	if c.p1&byShortID != 0 {
		found := e.current.here().withShort(c.p1 &^ byShortID)
		if found == nil {
			return nil, swNotFound
		}
		e.current, c.p1 = found, 0
	}
	f := e.current
	if f.folder {
		return nil, swNoFile
	}
	if f.access == never || f.access == user && !e.verified {
		return nil, swSecurity
	}
	from, want := int(c.p1)<<8|int(c.p2), c.length()
	if from > len(f.data) || from == len(f.data) && from > 0 {
		return nil, swPastTheEnd
	}
	return f.data[from:min(from+min(want, maxRead), len(f.data))], swOK
}
