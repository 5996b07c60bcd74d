package card

import (
	"bytes"
	"context"
	"strings"
)

// objects is where the card keeps what a login needs.
type objects struct {
	certificate []byte // path of the authentication certificate
	reference   byte   // of the authentication key
	shortest    int    // PIN lengths
	longest     int
	pin         byte // reference of the PIN
}

// Object directories named in EF.ODF (ISO 7816-15, 8.3).
const (
	directoryKeys         = 0xa0
	directoryCertificates = 0xa4
	directoryPINs         = 0xa8
)

// idODF is EF.ODF in the application [C].
var idODF = []byte{0x50, 0x31}

// readObjects follows EF.ODF to the directories, and falls back on confirmed
// values where the card does not tell.
func (s *Session) readObjects(ctx context.Context) (objects, error) {
	o := objects{reference: s.model.reference, shortest: 4, longest: 8, pin: 0x01}
	odf, err := s.readFile(ctx, s.below(idODF), maxFile)
	if err != nil {
		return o, err
	}
	read := map[byte][]byte{}
	for _, d := range list(odf) {
		path, ok := d.pathIn(2)
		if !ok || read[d.tag] != nil || d.tag != directoryKeys && d.tag != directoryCertificates && d.tag != directoryPINs {
			continue
		}
		if read[d.tag], err = s.readFile(ctx, s.absolute(path), maxFile); err != nil {
			return o, err
		}
	}
	id, reference := authenticationKey(read[directoryKeys])
	if reference != 0 {
		o.reference = reference
	}
	path := certificateOf(read[directoryCertificates], id)
	if path == nil {
		return o, unknown("it has no authentication certificate")
	}
	o.certificate = s.absolute(path)
	o.readPIN(read[directoryPINs])
	return o, nil
}

// application is the folder of the IAS application [C OSC card-iasecc.c].
var application = []byte{0x3f, 0x00, 0x00, 0x01}

func (s *Session) below(id []byte) []byte { return append(bytes.Clone(application), id...) }

// absolute completes a path that is relative to the application.
func (s *Session) absolute(path []byte) []byte {
	if bytes.HasPrefix(path, application[:2]) {
		return path
	}
	return s.below(path)
}

// authenticationKey finds the key for logins among the private keys: by its
// label [C], and gives the identifier it shares with its certificate.
func authenticationKey(directory []byte) (id []byte, reference byte) {
	for _, key := range list(directory) {
		parts := key.children()
		if len(parts) < 2 {
			continue
		}
		label, _ := parts[0].first(tagUTF8)
		if !forAuthentication(string(label)) {
			continue
		}
		id, _ = parts[1].first(tagOctets)
		if n, ok := parts[1].last(tagInteger); ok {
			reference = byte(small(n)) //nolint:gosec // one byte by the standard
		}
		return id, reference
	}
	return nil, 0
}

// forAuthentication tells the labels of PKCS#11 [C CL]: CPS_PRIV_AUT and
// "Certificat d'Authentification CPS"; never the technical key of the
// contactless side, CPS_PRIV_TECH_AUT.
func forAuthentication(label string) bool {
	l := strings.ToUpper(label)
	return strings.Contains(l, "AUT") && !strings.Contains(l, "TECH")
}

// certificateOf finds the certificate of a key by their common identifier, or
// by its label where the card gives none.
func certificateOf(directory, id []byte) []byte {
	for _, c := range list(directory) {
		parts := c.children()
		if len(parts) < 2 {
			continue
		}
		label, _ := parts[0].first(tagUTF8)
		own, _ := parts[1].first(tagOctets)
		if id != nil && !bytes.Equal(own, id) || id == nil && !forAuthentication(string(label)) {
			continue
		}
		for _, p := range parts[2:] {
			if path, ok := p.pathIn(4); ok {
				return path
			}
		}
	}
	return nil
}

// readPIN takes the lengths of the PIN: minimum, stored, maximum are the three
// first integers of its attributes.
func (o *objects) readPIN(directory []byte) {
	for _, pin := range list(directory) {
		for _, part := range pin.children() {
			if part.tag != 0xa1 {
				continue
			}
			attributes, ok := part.first(tagSequence)
			if !ok {
				continue
			}
			o.readLengths(list(attributes))
			return
		}
	}
}

func (o *objects) readLengths(attributes []object) {
	var lengths []int
	for _, a := range attributes {
		switch a.tag {
		case tagInteger:
			lengths = append(lengths, small(a.value))
		case 0x80:
			if n := small(a.value); n > 0 && n <= 0x1f {
				o.pin = byte(n)
			}
		}
	}
	const most = 16
	if len(lengths) >= 2 && lengths[0] > 0 && lengths[0] <= lengths[len(lengths)-1] && lengths[len(lengths)-1] <= most {
		o.shortest, o.longest = lengths[0], lengths[len(lengths)-1]
	}
}
