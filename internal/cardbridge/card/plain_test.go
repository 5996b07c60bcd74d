package card_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// plain is a card of class 00 without T=0's habits, whose files a test writes as
// real cards might have them.
type plain struct {
	files  map[string][]byte // by path, in hexadecimal
	before func(command []byte) []byte
	sent   [][]byte
	now    []byte // the selected file
	key    *rsa.PrivateKey
	pad    []byte // what the reader's PIN pad answers
}

var cps3ATR = unhex("3BAC00402A001225006480000310009000")

func (p *plain) ATR() []byte { return cps3ATR }
func (p *plain) T0() bool    { return false }

func (p *plain) PINPad() bool { return p.pad != nil }

func (p *plain) Reconnect(context.Context) error { return nil }
func (p *plain) Close() error                    { return nil }

func (p *plain) VerifyOnPad(_ context.Context, template []byte, _, _ int) ([]byte, error) {
	p.sent = append(p.sent, bytes.Clone(template))
	if p.pad == nil {
		return nil, errors.New("none")
	}
	return p.pad, nil
}

func (p *plain) Transmit(_ context.Context, c []byte) ([]byte, error) {
	c = bytes.Clone(c) // the driver wipes it
	p.sent = append(p.sent, c)
	if p.before != nil {
		if answer := p.before(c); answer != nil {
			return answer, nil
		}
	}
	return p.answer(c), nil
}

func (p *plain) answer(c []byte) []byte {
	if n := len(c) - 5; n > 0 && int(c[4]) != n && int(c[4]) != n-1 {
		return unhex("6700")
	}
	switch c[1] {
	case 0xa4:
		if c[2] == 0x09 {
			var found bool
			if p.now, found = p.files[hex.EncodeToString(c[5:])]; !found && len(c) > 7 {
				return unhex("6A82")
			}
		}
	case 0xb0:
		at, n := int(c[2])<<8|int(c[3]), int(c[4])
		if at >= len(p.now) {
			return unhex("6B00")
		}
		return append(bytes.Clone(p.now[at:min(at+n, len(p.now))]), 0x90, 0x00)
	case 0xcb:
		return unhex("7016BF810112A0109A01039B0103A1088C067E00000000009000")
	case 0x88:
		signature, err := rsa.SignPKCS1v15(nil, p.key, 0, c[5:len(c)-1])
		if err != nil {
			return unhex("6A80")
		}
		return append(signature, 0x90, 0x00)
	}
	return unhex("9000")
}

// find gives the first command sent that begins so, and how many do.
func (p *plain) find(prefix string) (first []byte, n int) {
	for _, c := range p.sent {
		if bytes.HasPrefix(c, unhex(prefix)) {
			if n++; n == 1 {
				first = c
			}
		}
	}
	return first, n
}

// material is the key and certificate of the invented doctor.
var material = sync.OnceValues(func() (*rsa.PrivateKey, []byte) {
	c, err := made()
	if err != nil {
		panic(err)
	}
	secret, _ := pem.Decode([]byte(c.Authentication.Key))
	public, _ := pem.Decode([]byte(c.Authentication.Certificate))
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	if err != nil {
		panic(err)
	}
	return key.(*rsa.PrivateKey), public.Bytes
})

// Files of a card as the reference describes it; tests replace some.
const (
	fileSerial       = "3f00d003"
	fileDIR          = "3f002f00"
	fileODF          = "3f0000015031"
	fileKeys         = "3f0000015201"
	fileCertificates = "3f0000015202"
	filePINs         = "3f0000015204"
	fileAuth         = "3f000001b001"
)

const aid = "E828BD080F8025000001FF0010"

func newPlain() *plain {
	key, der := material()
	return &plain{key: key, files: map[string][]byte{
		fileSerial:       unhex("5A0A80250000019921384 50F"),
		fileDIR:          tlv(0x61, tlv(0x4f, unhex(aid)), tlv(0x50, []byte("IAS")), tlv(0x51, unhex("3F000001"))),
		fileODF:          slices.Concat(pointer(0xa0, fileKeys), pointer(0xa4, fileCertificates), pointer(0xa8, filePINs)),
		fileKeys:         slices.Concat(keyObject("CPS_PRIV_SIG", "01", "0600 40", "0081"), keyObject("CPS_PRIV_AUT", "02", "0560", "0082")),
		fileCertificates: slices.Concat(certObject("Certificat de Signature CPS", "01", "b002"), certObject("Certificat d'Authentification CPS", "02", fileAuth)),
		filePINs:         pinObject("01", "020104 020108", "800101"),
		fileAuth:         append(bytes.Clone(der), make([]byte, 40)...),
	}}
}

func pointer(tag byte, path string) []byte { return tlv(tag, tlv(0x30, tlv(0x04, unhex(path)))) }

func keyObject(label, id, usage, reference string) []byte {
	attributes := tlv(0x30, tlv(0x04, unhex(aid+id)), tlv(0x03, unhex(usage)), tlv(0x02, unhex(reference)))
	if reference == "" {
		attributes = tlv(0x30, tlv(0x04, unhex(aid+id)), tlv(0x03, unhex(usage)))
	}
	return tlv(0x30, tlv(0x30, tlv(0x0c, []byte(label)), tlv(0x03, unhex("0780")), tlv(0x04, unhex("01"))), attributes, tlv(0xa1, tlv(0x30, tlv(0x30, tlv(0x04, unhex("3F00"))))))
}

func certObject(label, id, path string) []byte {
	return tlv(0x30, tlv(0x30, tlv(0x0c, []byte(label))), tlv(0x30, tlv(0x04, unhex(aid+id))), tlv(0xa1, tlv(0x30, tlv(0x30, tlv(0x04, unhex(path)), tlv(0x02, unhex("00"))))))
}

// pinObject is guarded by an identifier; lengths and reference are objects.
func pinObject(id, lengths, reference string) []byte {
	attributes := tlv(0x30, tlv(0x03, unhex("0348")), tlv(0x0a, unhex("01")), unhex(lengths), unhex(reference))
	return tlv(0x30, tlv(0x30, tlv(0x0c, []byte("PIN"))), tlv(0x30, tlv(0x04, unhex(id))), tlv(0xa1, attributes))
}

func tlv(tag byte, parts ...[]byte) []byte {
	b := slices.Concat(parts...)
	if len(b) < 0x80 {
		return append([]byte{tag, byte(len(b))}, b...)
	}
	return append([]byte{tag, 0x82, byte(len(b) >> 8), byte(len(b))}, b...)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestPlainCardItself(t *testing.T) {
	if _, _, err := loginTo(t.Context(), newPlain(), "1234"); err != nil {
		t.Fatal(err)
	}
}
