package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	saltSize   = 16
	tagSize    = 16
	recordSize = 4096                         // "rs": more than one record ever holds (RFC 8291 section 4)
	headSize   = saltSize + 4 + 1 + pointSize // RFC 8188 2.1
	delimiter  = 0x02                         // of the last record (RFC 8188 section 2)
)

// encrypt closes a payload for one browser: RFC 8291, one record of RFC 8188,
// under a key pair and a salt made for it alone. All bodies are of one size, so
// that a push service does not tell questions by their length.
// Errors: fault.Invalid for a subscription or a payload that cannot be,
// fault.Unavailable without randomness.
func encrypt(s Subscription, payload []byte, rand io.Reader) ([]byte, error) {
	own, err := newKey(rand)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return encryptWith(s, payload, own, salt, MaxPayload-len(payload))
}

// encryptWith adds padding bytes of zeros behind the delimiter.
func encryptWith(s Subscription, payload []byte, own *ecdh.PrivateKey, salt []byte, padding int) ([]byte, error) {
	if len(payload) > MaxPayload || padding < 0 {
		return nil, invalid("payload is too large")
	}
	aead, nonce, err := contentKeys(s, own, salt)
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, headSize+len(payload)+1+padding+tagSize)
	body = append(body, salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(body, pointSize)
	body = append(body, own.PublicKey().Bytes()...)
	plain := make([]byte, len(payload)+1+padding)
	plain[copy(plain, payload)] = delimiter
	return aead.Seal(body, nonce, plain, nil), nil
}

// contentKeys derives RFC 8291 section 3.4: the browser's key and ours, bound to
// the secret that the push service does not have.
func contentKeys(s Subscription, own *ecdh.PrivateKey, salt []byte) (cipher.AEAD, []byte, error) {
	theirs, err := point(s.P256DH)
	if err != nil {
		return nil, nil, err
	}
	auth, err := secret(s.Auth)
	if err != nil {
		return nil, nil, err
	}
	shared, err := own.ECDH(theirs)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, "", "push: no shared secret", err)
	}
	info := "WebPush: info\x00" + string(theirs.Bytes()) + string(own.PublicKey().Bytes())
	var failed error
	derive := func(secret, salt []byte, info string, size int) []byte {
		key, err := hkdf.Key(sha256.New, secret, salt, info, size)
		if err != nil {
			failed = fault.Wrap(fault.Internal, "", "push: no key", err)
		}
		return key
	}
	ikm := derive(shared, auth, info, sha256.Size)
	cek := derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce := derive(ikm, salt, "Content-Encoding: nonce\x00", 12) // of the first record: number 0 changes nothing
	if failed != nil {
		return nil, nil, failed
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, "", "push: no cipher", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, "", "push: no cipher", err)
	}
	return aead, nonce, nil
}

// newKey draws a P-256 key. The standard library's generator would not ask the
// reader that was passed in.
func newKey(rand io.Reader) (*ecdh.PrivateKey, error) {
	b := make([]byte, 32)
	for range 16 { // a draw outside the group comes once in 2^32
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "", "no randomness", err)
		}
		if key, err := ecdh.P256().NewPrivateKey(b); err == nil {
			return key, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "", "randomness that is none")
}
