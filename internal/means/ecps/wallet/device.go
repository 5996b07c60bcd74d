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
	stateNew       = "new" // inserted, not yet traced: good for nothing
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
	rawDevice, rawPIN string // as stored; decode makes keys of them
}

const deviceColumns = `id, holder, device_key, pin_key, ratchet, state, reason, pin_failures, wants_typed, expires_at, used_at`

func scanDevice(row interface{ Scan(...any) error }) (device, error) {
	var d device
	var expires, used int64
	err := row.Scan(&d.id, &d.holder, &d.rawDevice, &d.rawPIN, &d.ratchet, &d.state, &d.reason, &d.failures, &d.wantsTyped, &expires, &used)
	if err != nil {
		return device{}, db.Fault(err)
	}
	d.expires, d.usedAt = time.UnixMilli(expires).UTC(), time.UnixMilli(used).UTC()
	return d, nil
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
	case d.state == stateSuspended:
		return ecps.CodeSuspended
	case d.state != stateActive:
		return ecps.CodeNone
	case !now.Before(d.expires):
		return ecps.CodeEnded
	}
	return ""
}

func (d device) triesLeft() int { return max(0, MaxPINFailures-d.failures) }

// deviceByID reads one phone. Errors: fault.NotFound.
func (w *Wallet) deviceByID(ctx context.Context, id string) (device, error) {
	d, err := scanDevice(w.DB.Read().QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, id))
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
	args := make([]any, maxAliases)
	for i := range args {
		args[i] = holders[min(i, len(holders)-1)]
	}
	rows, err := w.DB.Read().QueryContext(ctx, `SELECT `+deviceColumns+` FROM devices
		WHERE holder IN ($1, $2, $3, $4, $5, $6, $7, $8) AND state NOT IN ('new', 'revoked') ORDER BY used_at DESC, enrolled_at DESC, id`, args...)
	if err != nil {
		return nil, db.Fault(err)
	}
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
