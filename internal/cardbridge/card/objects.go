package card

import (
	"bytes"
	"context"
	"errors"
)

// objects is where the card keeps what a login needs.
type objects struct {
	application []byte // path of the application's folder
	certificate []byte // path of the authentication certificate
	key         byte   // reference of the authentication key
	pin         pinRules
}

// Object directories named in EF.ODF (ISO 7816-15, 8.3).
const (
	directoryKeys         = 0xa0
	directoryCertificates = 0xa4
	directoryPINs         = 0xa8
)

// Files that begin a search.
var (
	root      = []byte{0x3f, 0x00}
	pathDIR   = []byte{0x3f, 0x00, 0x2f, 0x00} // [C OSC#2223]
	idODF     = []byte{0x50, 0x31}             // in the application [C]
	usualPath = []byte{0x3f, 0x00, 0x00, 0x01} // of the application [C OSC card-iasecc.c]
)

// locate asks EF.DIR where the application lies.
func (s *Session) locate(ctx context.Context) error {
	directory, err := s.readOptional(ctx, pathDIR)
	s.objects.application = usualPath
	if path, ok := folderOf(directory, aidContact); ok {
		s.objects.application = absolute(root, path)
	}
	return err
}

// readObjects follows EF.ODF to the directories, and falls back on confirmed
// values where the card does not tell.
func (s *Session) readObjects(ctx context.Context) error {
	o := &s.objects
	odf, err := s.readFile(ctx, absolute(o.application, idODF))
	if errors.Is(err, errAbsent) {
		return unknown("it has no directory of objects")
	}
	if err != nil {
		return err
	}
	directories, err := s.readDirectories(ctx, odf)
	if err != nil {
		return err
	}
	key, _ := authenticationKey(directories[directoryKeys])
	o.key = s.model.key(key.reference)
	path, ok := certificateOf(directories[directoryCertificates], key.id)
	if !ok {
		return unknown("it has no authentication certificate")
	}
	o.certificate = absolute(o.application, path)
	o.pin = pinOf(directories[directoryPINs], key.guard)
	return nil
}

// maxDirectories bounds those that are read: a card has one of each kind, or
// few more.
const maxDirectories = 8

// readDirectories reads those that matter; several of a kind are read as one.
func (s *Session) readDirectories(ctx context.Context, odf []byte) (map[int][]byte, error) {
	read, n := map[int][]byte{}, 0
	for _, d := range list(odf) {
		path, ok := d.pathIn(1)
		if !ok || d.tag != directoryKeys && d.tag != directoryCertificates && d.tag != directoryPINs {
			continue
		}
		if n++; n > maxDirectories {
			break
		}
		b, err := s.readOptional(ctx, absolute(s.objects.application, path))
		if err != nil {
			return nil, err
		}
		for _, o := range list(b) { // without the padding at the end of a file
			read[d.tag] = append(read[d.tag], o.whole...)
		}
	}
	return read, nil
}

// absolute completes a path that is relative to a folder.
func absolute(folder, path []byte) []byte {
	if bytes.HasPrefix(path, root) {
		return path
	}
	return append(bytes.Clone(folder), path...)
}
