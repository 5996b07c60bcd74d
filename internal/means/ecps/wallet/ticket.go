package wallet

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// ticket is one row of invitations: it lets one phone be enrolled, once.
type ticket struct {
	hash, holder      string
	way               Way
	device, old       string // enrolled with it; the phone that invites
	endsAt            time.Time
	expiresAt, usedAt time.Time
	label             string // of the phone, known at enrolment
	expires           time.Time
	keyHash           string
}

const ticketColumns = `code_hash, holder, way, device, old_device, ends_at, expires_at, used_at`

func scanTicket(row interface{ Scan(...any) error }) (ticket, error) {
	var t ticket
	var ends, expires, used int64
	if err := row.Scan(&t.hash, &t.holder, &t.way, &t.device, &t.old, &ends, &expires, &used); err != nil {
		return ticket{}, db.Fault(err)
	}
	t.endsAt, t.expiresAt, t.usedAt = instant(ends), instant(expires), instant(used)
	return t, nil
}

// invite enters an invitation and gives its code. Its trace comes first.
func (w *Wallet) invite(ctx context.Context, t ticket, life time.Duration) (Invitation, error) {
	code, err := ecps.NewSecret(w.Rand)
	if err != nil {
		return Invitation{}, err
	}
	now := w.Clock.Now()
	inv := Invitation{Code: code, URL: w.appURL(ecps.FragmentInvitation, code), ExpiresAt: now.Add(life)}
	if err := w.Audit.Record(ctx, audit.DeviceInvited{Subject: t.holder, Invitation: reference(code), Way: string(t.way)}); err != nil {
		return Invitation{}, unavailable(err)
	}
	ends := int64(0)
	if !t.endsAt.IsZero() {
		ends = t.endsAt.UnixMilli()
	}
	return inv, w.write(ctx, `INSERT INTO invitations (code_hash, holder, created_at, expires_at, used_at, way, key_hash, old_device, ends_at)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8)`,
		ecps.Hash(code), t.holder, now.UnixMilli(), inv.ExpiresAt.UnixMilli(), t.way, t.keyHash, t.old, ends)
}

// appURL is an address that opens the app with something to do.
func (w *Wallet) appURL(what, value string) string {
	return strings.TrimSuffix(w.AppURL, "/") + "/#" + what + "=" + value
}

// Admit invites a phone of somebody who has proven who he is: by his card (way
// A, S-62) or by both secrets (way B, S-63). The caller has seen the proof.
// Errors: fault.Denied with PF-EC-013 or 017, fault.NotFound.
func (w *Wallet) Admit(ctx context.Context, holder rpps.NationalID, way Way) (Invitation, error) {
	person, err := w.eligible(ctx, holder)
	if err != nil {
		return Invitation{}, err
	}
	life := contactLife
	if way == WayCard {
		life = ticketLife
	}
	return w.invite(ctx, ticket{holder: person.ID.String(), way: way}, life)
}

// eligible reads a person who may activate an e-CPS now: in the register, open,
// and known there for 48 hours (S-37, S-60, S-94).
func (w *Wallet) eligible(ctx context.Context, holder rpps.NationalID) (rpps.Professional, error) {
	person, err := w.Directory.Lookup(ctx, holder)
	if err != nil {
		return rpps.Professional{}, err
	}
	if person.Closed {
		return rpps.Professional{}, fault.New(fault.Denied, ecps.CodeClosed, "the record of this person is closed")
	}
	if opens := OpensAt(person); w.Clock.Now().Before(opens) {
		return rpps.Professional{}, fault.New(fault.Denied, ecps.CodeOpening, "this person was registered less than 48 hours ago")
	}
	return person, nil
}

// OpensAt is when a person may activate an e-CPS: 48 h after the import that
// first held him. Who came with the first load is old (S-37).
func OpensAt(p rpps.Professional) time.Time {
	if p.FirstSeen.IsZero() {
		return time.Time{}
	}
	return p.FirstSeen.Add(openingWait)
}

// OfferTicket is way A's QR, for a holder who has just logged in by card.
func (w *Wallet) OfferTicket(ctx context.Context, holder rpps.NationalID, way Way) (Ticket, error) {
	if way != WayCard {
		return Ticket{}, fault.New(fault.Denied, "", "a ticket is for a login by card")
	}
	inv, err := w.Admit(ctx, holder, way)
	return Ticket{ID: ecps.Hash(inv.Code), URL: inv.URL, ExpiresAt: inv.ExpiresAt}, err
}

// Ticket tells what became of a ticket of this holder. Errors: fault.NotFound.
func (w *Wallet) Ticket(ctx context.Context, holder rpps.NationalID, id string) (TicketState, error) {
	t, d, err := w.ticketOf(ctx, holder, id)
	if err != nil {
		return TicketState{}, err
	}
	s := TicketState{State: "shown", Device: d.id, Label: d.label, Check: d.check, ExpiresAt: t.expiresAt}
	switch {
	case d.id == "" && !w.Clock.Now().Before(t.expiresAt):
		s.State = "expired"
	case d.id == "":
	case d.state == statePending && w.Clock.Now().Before(t.usedAt.Add(confirmLife)):
		s.State = "enrolled"
	case d.state == stateNew || d.state == statePending:
		s.State = "expired"
	case d.state == stateRevoked:
		s.State = "refused"
	default:
		s.State = "confirmed"
	}
	return s, nil
}

// ticketOf reads a ticket and the phone that was enrolled with it. Somebody
// else's ticket does not exist.
func (w *Wallet) ticketOf(ctx context.Context, holder rpps.NationalID, id string) (ticket, device, error) {
	canonical, err := w.canonical(ctx, holder)
	if err != nil {
		return ticket{}, device{}, err
	}
	t, err := scanTicket(w.DB.Read().QueryRowContext(ctx, `SELECT `+ticketColumns+` FROM invitations WHERE code_hash = $1 AND holder = $2 AND way = 'card'`, id, canonical))
	if err != nil || t.device == "" {
		return t, device{}, err
	}
	d, err := scanDevice(w.DB.Read().QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, t.device))
	return t, d, err
}

// WaitTicket answers once the ticket is no longer in the state the page has
// seen, or when ctx is done.
func (w *Wallet) WaitTicket(ctx context.Context, holder rpps.NationalID, id, seen string) (TicketState, error) {
	return follow(ctx, w, ticketTopic(id), func(ctx context.Context) (TicketState, time.Duration, error) {
		s, err := w.Ticket(ctx, holder, id)
		if err != nil || s.State != seen {
			return s, 0, err
		}
		return s, nextPoll(s.ExpiresAt.Sub(w.Clock.Now())), nil
	})
}

func ticketTopic(id string) string { return "ecps.ticket." + id }

func (w *Wallet) wakeTicket(ctx context.Context, id string) { wake(ctx, w.Bus, w.Log, ticketTopic(id)) }

// ConfirmTicket makes the phone good that was enrolled with this ticket: the
// holder has compared the two digits. Of a relayed QR the digits are on a
// stranger's phone, and he does not confirm.
// Errors: fault.NotFound, fault.Expired with PF-EC-042, fault.Conflict.
func (w *Wallet) ConfirmTicket(ctx context.Context, holder rpps.NationalID, id string) error {
	t, d, err := w.ticketOf(ctx, holder, id)
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	if d.state != statePending || !now.Before(t.usedAt.Add(confirmLife)) {
		return fault.New(fault.Expired, ecps.CodeActivation, "there is no phone to confirm, or it is too late")
	}
	if err := w.Audit.Record(ctx, audit.DeviceConfirmed{Subject: t.holder, Device: d.id}); err != nil {
		return unavailable(err)
	}
	t.label = d.label
	if err := w.welcome(ctx, t, d.id, now); err != nil {
		return err
	}
	w.wakeTicket(ctx, id)
	w.wakeHolder(ctx, t.holder)
	return nil
}

// RefuseTicket revokes the phone that was enrolled with it: it is not the
// holder's, or he does not want it.
func (w *Wallet) RefuseTicket(ctx context.Context, holder rpps.NationalID, id string) error {
	t, d, err := w.ticketOf(ctx, holder, id)
	if err != nil {
		return err
	}
	if d.state == statePending {
		if err := w.write(ctx, `UPDATE devices SET state = 'revoked', reason = 'refused' WHERE id = $1 AND state = 'pending'`, d.id); err != nil {
			return err
		}
		if err := w.Audit.Record(ctx, audit.DeviceRevoked{Subject: t.holder, Device: d.id, Reason: "refused"}); err != nil {
			return unavailable(err)
		}
	}
	if err := w.write(ctx, `UPDATE invitations SET expires_at = $1 WHERE code_hash = $2 AND used_at = 0`, w.Clock.Now().UnixMilli(), id); err != nil {
		return err
	}
	w.wakeTicket(ctx, id)
	w.wakeHolder(ctx, t.holder)
	return nil
}

// write runs one statement in a transaction of its own.
func (w *Wallet) write(ctx context.Context, query string, args ...any) error {
	return w.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}
