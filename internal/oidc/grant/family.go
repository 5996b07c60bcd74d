package grant

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Family is all that one login gave one service: the chain of its refresh
// tokens and every access token made along it. It ends as one.
//
// A refresh token is nothing but (family, generation), signed by a key outside
// the key set: RefreshID names it, and everything else in the token comes from
// this record. The token of a generation can therefore be made again, byte for
// byte, when a client lost the answer, and no refresh token needs to be stored.
type Family struct {
	ID       string               `json:"id"`
	ClientID string               `json:"client"`
	SID      string               `json:"sid"`
	Auth     authn.Authentication `json:"auth"` // with sub, national identifier and epoch
	Scope    []string             `json:"scope,omitempty"`
	Claims   Claims               `json:"claims,omitzero"`
	ACR      string               `json:"acr,omitempty"`
	Nonce    string               `json:"nonce,omitempty"`
	Ends     time.Time            `json:"ends"` // absolute end, that of the session

	Generation uint64        `json:"gen"`              // of the refresh token now good, from 1
	Issued     time.Time     `json:"issued"`           // of that token
	Expires    time.Time     `json:"expires"`          // of that token
	RefreshFor time.Duration `json:"refresh,omitzero"` // the client's own lifetime; default if zero
	Binding    Binding       `json:"bound,omitzero"`   // of its refresh tokens: of a public client, who proves nothing else
	Revoked    bool          `json:"revoked,omitempty"`
	Reason     string        `json:"reason,omitempty"` // why it was revoked
}

// Sub gives the subject identifier of the person.
func (f Family) Sub() string { return f.Auth.Sub }

// Subject gives the national identifier of the person.
func (f Family) Subject() rpps.NationalID { return f.Auth.Subject }

// RefreshID names the refresh token now good: what goes into its jti.
func (f Family) RefreshID() string { return f.ID + "." + strconv.FormatUint(f.Generation, 10) }

// ParseRefreshID reads the jti of a refresh token whose signature has been
// verified. Only the signature makes it worth anything: a generation is guessed
// by counting.
func ParseRefreshID(jti string) (family string, generation uint64, err error) {
	family, number, _ := strings.Cut(jti, ".")
	generation, err = strconv.ParseUint(number, 10, 64)
	if err != nil || generation == 0 || len(family) != familyIDLen || number[0] == '0' || number[0] == '+' {
		return "", 0, fault.New(fault.Invalid, "", "not the identifier of a refresh token")
	}
	return family, generation, nil
}

const familyIDLen = 22 // 128 bits in base64url

// NewFamilyID makes the identifier of a family: 128 random bits.
func NewFamilyID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// Reasons a family is revoked for.
const (
	ReasonCodeReplay    = "code_replay"
	ReasonRefreshReplay = "refresh_replay"
	ReasonRevoked       = "revoked_by_client"
	ReasonTooMany       = "too_many" // newer ones of the same person at the same service took its place
)

// rotation is what became of a refresh.
type rotation int

const (
	rotated  rotation = iota // the token was good: a successor is now
	repeated                 // the last one again, its successor still unused
	replayed                 // an old one: somebody else has a copy
)

// rotate is the refresh transition: it decides what the token of a generation
// is worth now, and moves the family accordingly. Only rotated and replayed
// change it.
//
// Reuse means that two parties hold the token and nothing tells which is the
// thief, so the family dies (RFC 9700 4.14). The one exception, for psc: a
// client that lost the answer gets the same successor again, for a short grace
// and while nobody has used that successor. Past the grace the old token is a
// replay like any other; the client that lost the answer has lost nothing more,
// it never had the successor.
func (f *Family) rotate(generation uint64, grace time.Duration, now time.Time, refresh time.Duration) (rotation, error) {
	switch {
	case f.Revoked:
		return 0, revokedFamily()
	case generation > f.Generation:
		return 0, fault.New(fault.Invalid, "", "refresh token of a generation that does not exist")
	case generation+1 == f.Generation && now.Sub(f.Issued) < grace:
		return repeated, nil
	case generation < f.Generation:
		f.revoke(ReasonRefreshReplay)
		return replayed, nil
	case !now.Before(f.Expires):
		return 0, fault.New(fault.Expired, "", "the refresh token has expired")
	}
	f.Generation++
	f.stamp(now, refresh)
	return rotated, nil
}

// revoke ends the family; the first reason stays.
func (f *Family) revoke(reason string) {
	if !f.Revoked {
		f.Revoked, f.Reason = true, reason
	}
}

// stamp dates the refresh token now good, within the absolute end.
func (f *Family) stamp(now time.Time, refresh time.Duration) {
	if f.RefreshFor > 0 {
		refresh = f.RefreshFor
	}
	f.Issued = now
	f.Expires = now.Add(refresh)
	if f.Ends.Before(f.Expires) {
		f.Expires = f.Ends
	}
}

// keep is how long the record must stay: as long as its refresh token, and no
// shorter than an access token just made can live (PG-35).
func (f *Family) keep(now time.Time) time.Duration {
	return max(f.Expires.Sub(now), 5*time.Minute)
}

func revokedFamily() error { return fault.New(fault.Used, "", "the tokens of this login are revoked") }
