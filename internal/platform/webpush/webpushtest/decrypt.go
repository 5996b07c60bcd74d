// Package webpushtest is a push service for tests: the browser's half of RFC 8291
// and the service's half of RFC 8292, written apart from what they test.
package webpushtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Decrypt opens the body of a push with the browser's key and shared secret, as
// RFC 8291 section 3.4 and RFC 8188 section 2 say, and takes its padding off.
func Decrypt(browser *ecdh.PrivateKey, auth, body []byte) ([]byte, error) {
	if len(body) < 86+17 {
		return nil, errors.New("body is too short")
	}
	salt, size, sender := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86]
	record := body[86:]
	switch {
	case body[20] != 65:
		return nil, errors.New("keyid is not an uncompressed P-256 point")
	case int64(len(record)) > int64(size):
		return nil, errors.New("more than one record") // RFC 8291 section 4
	}
	theirs, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := browser.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	info := append([]byte("WebPush: info\x00"), browser.PublicKey().Bytes()...)
	info = append(info, sender...)
	// Each expansion is one block of RFC 5869: HMAC(PRK, info || 0x01).
	ikm := mac(mac(auth, shared), info, []byte{1})
	prk := mac(salt, ikm)
	key := mac(prk, []byte("Content-Encoding: aes128gcm\x00"), []byte{1})[:16]
	nonce := mac(prk, []byte("Content-Encoding: nonce\x00"), []byte{1})[:12]
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, err
	}
	return unpad(plain)
}

// unpad takes zeros off, and the delimiter of the last record.
func unpad(plain []byte) ([]byte, error) {
	end := len(bytes.TrimRight(plain, "\x00")) - 1
	if end >= 0 && plain[end] == 2 {
		return plain[:end], nil
	}
	return nil, errors.New("padding without the delimiter of a last record")
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
