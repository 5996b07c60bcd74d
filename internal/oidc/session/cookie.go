package session

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
)

const (
	sidLen    = 36 // a UUID
	secretLen = 43 // 32 bytes in base64url
)

// parseCookie splits "sid.secret". Only the exact shape we make is looked up,
// so that a cookie cannot name a key of its own choice in the store.
func parseCookie(cookie string) (sid, secret string, ok bool) {
	if len(cookie) != sidLen+1+secretLen || cookie[sidLen] != '.' {
		return "", "", false
	}
	sid, secret = cookie[:sidLen], cookie[sidLen+1:]
	for i := range len(sid) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (sid[i] == '-') || !dash && !hexDigit(sid[i]) {
			return "", "", false
		}
	}
	for i := range len(secret) {
		if !base64URL(secret[i]) {
			return "", "", false
		}
	}
	return sid, secret, true
}

// hexDigit takes lower case only: one session has one spelling.
func hexDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func base64URL(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_'
}

// newCookie makes the cookie value of a session and the hash that its record keeps.
func (s *Sessions) newCookie(sid string) (cookie, hashed string, err error) {
	var b [32]byte
	if _, err := io.ReadFull(s.rand, b[:]); err != nil {
		return "", "", noRandomness(err)
	}
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	return sid + "." + secret, hash(secret), nil
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
