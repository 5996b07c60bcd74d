package cps

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// TypChallenge is the JWS type of a challenge: no other token of the provider
// can pass for one (RFC 8725 3.11).
const TypChallenge = "cps-challenge+jwt"

// Audience is the aud of every challenge.
const Audience = "card-bridge"

// Challenge is what the provider asks a card to answer: the claims of a
// compact JWS, ES256 or PS256, signed by a key of the provider.
type Challenge struct {
	Issuer     string `json:"iss"` // origin of the login page; may differ from the OIDC issuer's host
	Audience   string `json:"aud"` // "card-bridge"
	IssuedAt   int64  `json:"iat"`
	Expires    int64  `json:"exp"`         // iat + 120 s
	ID         string `json:"jti"`         // 128 random bits, base64url
	Nonce      string `json:"nonce"`       // 256 random bits, base64url
	Txn        string `json:"txn"`         // login transaction, opaque to the bridge
	ClientName string `json:"client_name"` // asking service, shown to the holder
	ACR        string `json:"acr,omitempty"`
	Removal    string `json:"removal,omitempty"` // one-time secret that ends this login when the card is pulled
}

// NewChallenge makes a challenge for one login.
// Errors: fault.Unavailable when there is no randomness.
func NewChallenge(rand io.Reader, now time.Time, origin, txn, clientName string) (Challenge, error) {
	var b [16 + 32 + 32]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return Challenge{}, fault.Wrap(fault.Unavailable, "", "no randomness for a challenge", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return Challenge{
		Issuer: origin, Audience: Audience, IssuedAt: now.Unix(), Expires: now.Add(ChallengeLife).Unix(),
		ID: text(b[:16]), Nonce: text(b[16:48]), Removal: text(b[48:]), Txn: txn, ClientName: clientName,
	}, nil
}

// Signer signs tokens with the provider's keys (signing.Keys).
type Signer interface {
	Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error)
}

// Sign makes the compact JWS that travels, with the provider's ES256 key.
func (c Challenge) Sign(keys Signer) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "challenge cannot be encoded", err)
	}
	return keys.Sign(jose.ES256, TypChallenge, payload)
}

// Digest identifies a challenge as it travelled: SHA-256 of the compact JWS.
func Digest(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// header is the whole protected header; a token with any other member is
// refused, so that it can never bring its own key (RFC 8725 3.1).
type header struct {
	Alg string `json:"alg"`
	Typ string `json:"typ"`
	Kid string `json:"kid"`
}

// OpenChallenge checks a challenge as a bridge does: signature by one of the
// pinned keys, type, audience, shape and times. It does not compare Issuer with
// the page's origin nor remember ID: both are the bridge's.
// Errors: fault.Invalid with CodeChallengeInvalid, fault.Expired with CodeChallengeExpired.
func OpenChallenge(token string, keys jose.JSONWebKeySet, now time.Time) (Challenge, error) {
	payload, err := verifyToken(token, keys)
	if err != nil {
		return Challenge{}, err
	}
	var c Challenge
	if err := strictJSON(payload, &c); err != nil {
		return Challenge{}, invalidChallenge("claims cannot be read", err)
	}
	if c.Audience != Audience || !c.wellFormed() {
		return Challenge{}, invalidChallenge("claims are not those of a challenge", nil)
	}
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	if issued.After(now.Add(Skew)) || expires.Sub(issued) > ChallengeLife {
		return Challenge{}, invalidChallenge("times are impossible", nil)
	}
	if now.After(expires.Add(Skew)) {
		return Challenge{}, fault.New(fault.Expired, CodeChallengeExpired, "the challenge has expired")
	}
	return c, nil
}

func verifyToken(token string, keys jose.JSONWebKeySet) ([]byte, error) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 || strings.ContainsAny(token, "\r\n") {
		return nil, invalidChallenge("not a compact JWS", nil)
	}
	head, _, _ := strings.Cut(token, ".")
	raw, exact := decode(base64.RawURLEncoding, head)
	if !exact {
		return nil, invalidChallenge("header cannot be read", nil)
	}
	var h header
	if err := strictJSON(raw, &h); err != nil || h.Typ != TypChallenge || h.Kid == "" {
		return nil, invalidChallenge("header is not that of a challenge", err)
	}
	alg := jose.SignatureAlgorithm(h.Alg)
	if alg != jose.ES256 && alg != jose.PS256 {
		return nil, invalidChallenge("algorithm is not accepted", nil)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, invalidChallenge("not a compact JWS", err)
	}
	for _, key := range keys.Key(h.Kid) {
		if key.Algorithm != "" && key.Algorithm != h.Alg {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, invalidChallenge("no pinned key has signed it", nil)
}

// wellFormed holds lengths: 128 bits of jti, 256 of nonce and removal, an
// origin, texts that fit a window, and a name that cannot repaint or reverse it.
func (c Challenge) wellFormed() bool {
	sized := func(s string, n int) bool {
		b, exact := decode(base64.RawURLEncoding, s)
		return exact && len(b) == n
	}
	const shown = 200
	return sized(c.ID, 16) && sized(c.Nonce, 32) && (c.Removal == "" || sized(c.Removal, 32)) &&
		IsOrigin(c.Issuer) && len(c.Txn) <= shown && c.ClientName != "" && len(c.ClientName) <= shown && len(c.ACR) <= shown &&
		!strings.ContainsFunc(c.ClientName, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}

// IsOrigin tells whether s is exactly what a browser sends as Origin: scheme,
// host and port, nothing else, in lower-case ASCII and without a port that the
// scheme implies (RFC 6454 section 6.2). Any other spelling could never match.
func IsOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || s != u.Scheme+"://"+u.Host || s != strings.ToLower(s) {
		return false
	}
	implied, known := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return known && u.Port() != implied && !strings.HasSuffix(u.Host, ":") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

func invalidChallenge(detail string, cause error) error {
	return fault.Wrap(fault.Invalid, CodeChallengeInvalid, "challenge: "+detail, cause)
}
