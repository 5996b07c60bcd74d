package cards

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/igc"
)

// Known is a card as this provider knows it.
type Known struct {
	Number    string    `json:"number"` // "8025000001/2800000017"
	Holder    string    `json:"holder,omitempty"`
	Kind      string    `json:"kind,omitempty"`
	Ends      time.Time `json:"ends,omitzero"`
	FirstSeen time.Time `json:"first_seen,omitzero"`
	Opposed   time.Time `json:"opposed,omitzero"`
	Reason    string    `json:"reason,omitempty"`
}

// Reasons of an opposition; the list is closed.
func Reasons() []string { return []string{"lost", "stolen", "departure", "other"} }

const knownColumns = `number, holder, kind, ends_at, first_seen, opposed_at, reason`

func scanKnown(row interface{ Scan(...any) error }) (Known, error) {
	var k Known
	var ends, first, opposed int64
	err := row.Scan(&k.Number, &k.Holder, &k.Kind, &ends, &first, &opposed, &k.Reason)
	k.Ends, k.FirstSeen, k.Opposed = instant(ends), instant(first), instant(opposed)
	return k, db.Fault(err)
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// admit refuses a card in opposition, and notes one that is seen for the first
// time: an operator can then find the cards of a person.
func (c *Cards) admit(ctx context.Context, card cps.Card) error {
	known, err := scanKnown(c.DB.Read().QueryRowContext(ctx, `SELECT `+knownColumns+` FROM cards WHERE number = $1`, card.Number))
	switch {
	case err != nil && !fault.Is(err, fault.NotFound):
		return err
	case err == nil && !known.Opposed.IsZero():
		return fault.New(fault.Denied, cps.CodeOpposed, "the card is in opposition")
	case err == nil && known.Holder == card.Holder.String():
		return nil
	}
	return c.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cards (number, holder, kind, ends_at, first_seen, opposed_at, reason)
			VALUES ($1, $2, $3, $4, $5, 0, '')
			ON CONFLICT (number) DO UPDATE SET holder = excluded.holder, kind = excluded.kind, ends_at = excluded.ends_at, first_seen = excluded.first_seen`,
			card.Number, card.Holder.String(), card.Type.String(), card.NotAfter.UnixMilli(), c.Clock.Now().UnixMilli())
		return err
	})
}

// Opposition is an operator's order.
type Opposition struct {
	Operator string `json:"operator"` // who gives it, for the trace
	Number   string `json:"number"`   // of the card, with or without the issuer's "8025000001/"
	Reason   string `json:"reason"`   // one of Reasons
}

// Oppose closes the next login of a card, whether it was ever seen or not. It
// is durable and traced when it returns. What the card has opened is in Sessions.
// Errors: fault.Invalid, fault.Unavailable.
func (c *Cards) Oppose(ctx context.Context, o Opposition) (Known, error) {
	number, err := fullNumber(o.Number)
	if err != nil {
		return Known{}, err
	}
	if !slices.Contains(Reasons(), o.Reason) {
		return Known{}, fault.New(fault.Invalid, "", "the reason is one of "+strings.Join(Reasons(), ", "))
	}
	known, err := c.change(ctx, number, `INSERT INTO cards (number, holder, kind, ends_at, first_seen, opposed_at, reason) VALUES ($1, '', '', 0, 0, $2, $3)
		ON CONFLICT (number) DO UPDATE SET opposed_at = excluded.opposed_at, reason = excluded.reason`,
		number, c.Clock.Now().UnixMilli(), o.Reason)
	if err != nil {
		return Known{}, err
	}
	// Written first: an order that only protects must not wait for its trace.
	return known, c.Audit.Record(ctx, audit.CardOpposed{Operator: o.Operator, Card: number, Subject: known.Holder, Reason: o.Reason})
}

// Reinstate lifts an opposition, after a card was found again. It is traced
// before it takes effect.
// Errors: fault.Invalid, fault.NotFound, fault.Unavailable.
func (c *Cards) Reinstate(ctx context.Context, operator, number string) (Known, error) {
	number, err := fullNumber(number)
	if err != nil {
		return Known{}, err
	}
	known, err := scanKnown(c.DB.Read().QueryRowContext(ctx, `SELECT `+knownColumns+` FROM cards WHERE number = $1`, number))
	if err != nil {
		return Known{}, err
	}
	if err := c.Audit.Record(ctx, audit.CardReinstated{Operator: operator, Card: number, Subject: known.Holder}); err != nil {
		return Known{}, err
	}
	return c.change(ctx, number, `UPDATE cards SET opposed_at = 0, reason = '' WHERE number = $1`, number)
}

// change writes the row of a card and gives it as it then stands.
func (c *Cards) change(ctx context.Context, number, query string, args ...any) (known Known, err error) {
	err = c.DB.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		var err error
		known, err = scanKnown(tx.QueryRowContext(ctx, `SELECT `+knownColumns+` FROM cards WHERE number = $1`, number))
		return err
	})
	return known, err
}

// maxListed bounds one answer; nobody has that many cards.
const maxListed = 100

// List gives the cards of a holder, or those in opposition when holder is zero,
// newest first. Errors: fault.Unavailable.
func (c *Cards) List(ctx context.Context, holder rpps.NationalID) (list []Known, err error) {
	where, arg := `holder = $1`, any(holder.String())
	if holder.IsZero() {
		where, arg = `opposed_at > $1`, 0
	}
	rows, err := c.DB.Read().QueryContext(ctx, `SELECT `+knownColumns+` FROM cards WHERE `+where+` ORDER BY first_seen DESC, number LIMIT $2`, arg, maxListed)
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = db.Fault(closing)
		}
	}()
	for rows.Next() {
		known, err := scanKnown(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, known)
	}
	return list, db.Fault(rows.Err())
}

// fullNumber gives the number as certificates write it.
func fullNumber(number string) (string, error) {
	plain := strings.TrimPrefix(number, igc.CardIssuer+"/")
	const digits = 10
	if len(plain) != digits || strings.Trim(plain, "0123456789") != "" {
		return "", fault.New(fault.Invalid, "", "a card number has ten digits")
	}
	return igc.CardIssuer + "/" + plain, nil
}
