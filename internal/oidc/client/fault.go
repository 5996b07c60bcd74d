package client

import "strconv"

// Fault is one thing wrong with a client file, told so that the person who
// wrote the file can mend it.
type Fault struct {
	File    string
	Line    int    // 0 when the fault is of the file as a whole
	Path    string // "redirect_uris[1]", empty for the whole file
	Message string
}

// String prints the fault as editors and CI systems read it: file:line: path: message.
func (f Fault) String() string {
	s := f.File
	if f.Line > 0 {
		s += ":" + strconv.Itoa(f.Line)
	}
	if f.Path != "" {
		s += ": " + f.Path
	}
	return s + ": " + f.Message
}
