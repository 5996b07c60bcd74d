package claims

import (
	"bytes"
	"encoding/json"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Encode writes a document as the wire has it. Names with & or < stay readable:
// the answers are JSON, never a page.
func Encode(document any) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(1024)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return nil, fault.Wrap(fault.Internal, "", "claims cannot be encoded", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// ReadRefresh reads the payload of a refresh token whose signature has been
// verified, made by this issuer. fault.Invalid for anything else.
func ReadRefresh(payload []byte, issuer string) (RefreshToken, error) {
	var t RefreshToken
	if err := json.Unmarshal(payload, &t); err != nil || t.Typ != TypRefresh || t.Issuer != issuer {
		return RefreshToken{}, fault.Wrap(fault.Invalid, "", "not a refresh token of this issuer", err)
	}
	return t, nil
}

// Hint is what an id_token_hint tells (Core 3.1.2.1, RP-Initiated Logout 2).
type Hint struct {
	Issuer   string `json:"iss"`
	Sub      string `json:"sub"`
	Audience string `json:"aud"`
	SID      string `json:"sid"`
	Typ      string `json:"typ"`
}

// ReadHint reads the payload of an ID token of either profile, whose signature
// has been verified; it may be expired. An access token is no hint, although
// the same key signs it. fault.Invalid for anything else than our ID token.
func ReadHint(payload []byte, issuer string) (Hint, error) {
	var h Hint
	if err := json.Unmarshal(payload, &h); err != nil || h.Typ != TypID || h.Issuer != issuer || h.Sub == "" {
		return Hint{}, fault.Wrap(fault.Invalid, "", "not an ID token of this issuer", err)
	}
	return h, nil
}
