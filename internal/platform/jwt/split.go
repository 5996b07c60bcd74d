package jwt

import (
	"encoding/base64"
	"strings"
)

var strict = base64.RawURLEncoding.Strict()

// Split takes a compact JWS into its three parts and decodes the header.
// Errors: fault.Invalid.
func Split(compact string) (parts [3]string, header []byte, err error) {
	if len(compact) > MaxToken {
		return parts, nil, invalid("it is too long")
	}
	switch strings.Count(compact, ".") {
	case 2:
	case 4:
		return parts, nil, invalid("it is encrypted")
	default:
		return parts, nil, invalid("it does not have three parts")
	}
	// Go's base64 decoder skips line breaks: with them one token would have many
	// spellings, of which a table of used ones knows only the first.
	if strings.ContainsAny(compact, "\r\n") {
		return parts, nil, invalid("it holds line breaks")
	}
	copy(parts[:], strings.Split(compact, "."))
	if len(parts[0]) > maxHeader {
		return parts, nil, invalid("its header is too long")
	}
	if header, err = strict.DecodeString(parts[0]); err != nil {
		return parts, nil, invalid("its header is not base64url")
	}
	return parts, header, nil
}
