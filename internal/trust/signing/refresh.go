package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// refreshAlg signs what only we read back. Services decode the refresh token
// of PSC and must find a JWT there, but none can verify it.
const refreshAlg = jose.HS256

const refreshKeyBytes = 32 // RFC 7518 section 3.2: at least the hash

// newRefreshKey makes a secret. Its kid is drawn, not a thumbprint: the hash of
// a secret key tells something about it (RFC 7638 section 7).
func newRefreshKey(e *entry, random io.Reader) ([]byte, error) {
	drawn := make([]byte, 12+refreshKeyBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	e.Kid = base64.RawURLEncoding.EncodeToString(drawn[:12])
	return []byte(base64.RawURLEncoding.EncodeToString(drawn[12:]) + "\n"), nil
}

type refreshKey struct {
	secret []byte
	header string // base64url, with its dot
}

func decodeRefreshKey(e entry, data []byte) (*refreshKey, error) {
	secret, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(secret) < refreshKeyBytes {
		return nil, fault.New(fault.Invalid, "", "refresh key "+e.file()+" is damaged")
	}
	return &refreshKey{secret: secret, header: encodeHeader(header{Alg: e.Alg, Typ: "JWT", Kid: e.Kid})}, nil
}

func (k *refreshKey) mac(input string) []byte {
	h := hmac.New(sha256.New, k.secret)
	_, _ = io.WriteString(h, input)
	return h.Sum(nil)
}

// SignRefresh makes a refresh token: a compact JWS under HS256.
func (k *Keys) SignRefresh(payload []byte) (string, error) {
	key := k.set().refresh
	if key == nil {
		return "", errNoKey
	}
	input := key.header + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(key.mac(input)), nil
}

var errRefresh = fault.New(fault.Invalid, "", "refresh token is not ours")

// OpenRefresh gives the payload of a refresh token of ours. Expiry and use are
// the caller's to judge.
func (k *Keys) OpenRefresh(token string) ([]byte, error) {
	parts, h, err := split(token)
	if err != nil || h.Alg != refreshAlg || h.Typ != "JWT" {
		return nil, errRefresh
	}
	key := k.known(func(s *set) bool { return s.refreshes[h.Kid] != nil }).refreshes[h.Kid]
	if key == nil {
		return nil, errRefresh
	}
	// Strict: a signature with stray bits would be a second spelling of one
	// token, which a table of used tokens would not know.
	mac, err := strict.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, key.mac(parts[0]+"."+parts[1])) {
		return nil, errRefresh
	}
	payload, err := strict.DecodeString(parts[1])
	if err != nil || !json.Valid(payload) {
		return nil, errRefresh
	}
	return payload, nil
}
