package wallet

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"io"
	"time"

	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

// MaxPINFailures wrong PINs in a row lock the phone (PG-15).
const MaxPINFailures = 3

// States of a phone's row. "expired" is no state: it follows from the clock.
const (
	stateNew       = "new"     // inserted, not yet traced: good for nothing
	statePending   = "pending" // enrolled, not yet confirmed by its holder's other means (way A)
	stateActive    = "active"
	stateLocked    = "locked"
	stateSuspended = "suspended"
	stateRevoked   = "revoked"
)

// Reasons why a phone is not active. Forget lifts what a persona's own play
// caused, not what the sandbox ordered.
const (
	reasonPIN    = "wrong_pin"
	reasonCloned = "cloned"
	reasonOrder  = "order"
	reasonHolder = "holder" // he stopped it himself, with another means
	reasonFrozen = "frozen" // "this was not me"
	reasonHelp   = "support"
)

// device is one row of devices.
type device struct {
	id, holder        string
	deviceKey         *ecdsa.PublicKey
	pinKey            ed25519.PublicKey
	ratchet           string
	state, reason     string
	failures          int
	wantsTyped        bool
	expires, usedAt   time.Time
	enrolledAt        time.Time
	leavesAt          time.Time // zero: stays
	label, check      string
	way               Way
	offline           string // sealed seed of the offline code, empty if it has none
	rawDevice, rawPIN string // as stored; decode makes keys of them
}

const deviceColumns = `id, holder, device_key, pin_key, ratchet, state, reason, pin_failures, wants_typed, expires_at, used_at,
	enrolled_at, leaves_at, label, check_digits, way, otp_seed`

// Statements of the hot path: every call of a phone, every answer.
const (
	selectDevice = `SELECT ` + deviceColumns + ` FROM devices WHERE id = $1`
	updateDevice = `UPDATE devices SET ratchet = $1, state = $2, reason = $3, pin_failures = $4, used_at = $5 WHERE id = $6`
	updateTyped  = `UPDATE devices SET wants_typed = $1 WHERE holder = $2 AND wants_typed <> $1`
)

func scanDevice(row interface{ Scan(...any) error }) (device, error) {
	var d device
	var expires, used, enrolled, leaves int64
	err := row.Scan(&d.id, &d.holder, &d.rawDevice, &d.rawPIN, &d.ratchet, &d.state, &d.reason, &d.failures, &d.wantsTyped, &expires, &used,
		&enrolled, &leaves, &d.label, &d.check, &d.way, &d.offline)
	if err != nil {
		return device{}, db.Fault(err)
	}
	d.expires, d.usedAt, d.enrolledAt, d.leavesAt = instant(expires), instant(used), instant(enrolled), instant(leaves)
	return d, nil
}

// instant reads a stored time; 0 is none.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// decode makes the keys usable. Lists of phones leave it out: its cost would
// tell how many phones a holder has.
func (d device) decode() (device, error) {
	var err error
	if d.deviceKey, err = ecps.DecodeDeviceKey(d.rawDevice); err != nil {
		return device{}, fault.Wrap(fault.Internal, "", "stored device key cannot be read", err)
	}
	if d.pinKey, err = ecps.DecodePINKey(d.rawPIN); err != nil {
		return device{}, fault.Wrap(fault.Internal, "", "stored PIN key cannot be read", err)
	}
	return d, nil
}

// obstacle is the public code of what keeps the phone from answering, or empty.
func (d device) obstacle(now time.Time) string {
	switch {
	case d.state == stateLocked:
		return ecps.CodeLocked
	case d.state == stateSuspended && d.reason == reasonFrozen:
		return ecps.CodeFrozen
	case d.state == stateSuspended:
		return ecps.CodeSuspended
	case d.left(now):
		return ecps.CodeNone
	case d.state == statePending:
		return ecps.CodePending
	case d.state != stateActive:
		return ecps.CodeNone
	case !now.Before(d.expires):
		return ecps.CodeEnded
	}
	return ""
}

// left tells that the holder moved to another phone and the day after is over, or
// that he never confirmed this one.
func (d device) left(now time.Time) bool {
	gone := !d.leavesAt.IsZero() && !now.Before(d.leavesAt)
	return gone || d.state == statePending && !now.Before(d.enrolledAt.Add(confirmLife))
}

// shownState is the phone's state as its holder reads it.
func (d device) shownState(now time.Time) string {
	switch d.obstacle(now) {
	case ecps.CodeFrozen:
		return "frozen"
	case ecps.CodeEnded:
		return "expired"
	case ecps.CodeNone:
		return stateRevoked
	}
	return d.state
}

func (d device) triesLeft() int { return max(0, MaxPINFailures-d.failures) }

// deviceByID reads one phone. Errors: fault.NotFound.
func (w *Wallet) deviceByID(ctx context.Context, id string) (device, error) {
	d, err := scanDevice(w.DB.Row(ctx, selectDevice, id))
	if err != nil {
		return device{}, err
	}
	return d.decode()
}

// maxAliases bounds the identifiers by which phones of one person are found.
const maxAliases = 8

// devicesOf reads the phones of a person by any identifier he ever had: a phone
// enrolled under an ADELI number stays his after the move to RPPS. One query
// of one shape, whatever is known of the person.
func (w *Wallet) devicesOf(ctx context.Context, holders []string) ([]device, error) {
	args := aliasArgs(holders)
	rows, err := w.DB.Read().QueryContext(ctx, `SELECT `+deviceColumns+` FROM devices
		WHERE holder IN ($1, $2, $3, $4, $5, $6, $7, $8) AND state NOT IN ('new', 'revoked') ORDER BY used_at DESC, enrolled_at DESC, id`, args...)
	if err != nil {
		return nil, db.Fault(err)
	}
	return scanDevices(rows)
}

// scanDevices reads all rows and closes them.
func scanDevices(rows *sql.Rows) ([]device, error) {
	defer closeRows(rows)
	var all []device
	for rows.Next() {
		d, err := scanDevice(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, db.Fault(rows.Err())
}

func closeRows(rows *sql.Rows) { _ = rows.Close() }

// newNobody makes the phone that stands in for those we don't know: its key
// verifies nothing, at the same cost.
func newNobody(random io.Reader) (device, error) {
	id, err := ecps.NewID(random)
	if err != nil {
		return device{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return device{}, fault.Wrap(fault.Internal, "", "no stand-in key", err)
	}
	return device{id: id, deviceKey: &key.PublicKey, state: stateNew}, nil
}
