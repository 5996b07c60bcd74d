// Package subject gives each person the name that services know him by.
//
// A sub is a random UUID, stored once and never derived: it survives a
// re-import of the register and the move of a person from ADELI to RPPS
// (architecture, point 10). Beside it stands the person's epoch: every session
// and token family carries the one it began under, so that raising it ends
// them all at once (point 4).
package subject

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Subject is a person as services know him.
type Subject struct {
	Sub   string // UUID, the claim sub (Core 2)
	Epoch uint64 // present epoch, at least 1
}

// Deps is what New needs; all are required.
type Deps struct {
	DB    *db.DB
	Rand  io.Reader
	Clock clock.Clock
}

// Subjects is the durable table of persons. Safe for concurrent use.
type Subjects struct {
	db     *db.DB
	rand   io.Reader
	clock  clock.Clock
	epochs *epochs
}

// New opens the table.
func New(d Deps) *Subjects {
	return &Subjects{db: d.DB, rand: d.Rand, clock: d.Clock, epochs: newEpochs(d.Clock)}
}

const firstEpoch = 1

// Of gives the subject of a person, and makes it the first time he is seen.
//
// A person known under another of his identifiers keeps his sub, and the row
// follows him to his present one (ADELI to RPPS). Should both be known, the
// present identifier wins and the older row stays as it is: it may be named in
// traces and in services' own tables.
// Errors: fault.Invalid without an identifier, fault.Unavailable.
func (s *Subjects) Of(ctx context.Context, p rpps.Professional) (Subject, error) {
	if p.ID.IsZero() {
		return Subject{}, fault.New(fault.Invalid, "", "a person without an identifier has no subject")
	}
	found, err := byID(ctx, s.db.Read(), p.ID.String())
	if err == nil || !fault.Is(err, fault.NotFound) {
		return found, err
	}
	err = s.db.Tx(ctx, func(tx *sql.Tx) error {
		var err error
		found, err = s.settle(ctx, tx, p)
		return err
	})
	return found, err
}

// settle finds, re-points or creates the row, in this order. It runs under the
// write lock; on an engine without one the conflict clause decides the race.
func (s *Subjects) settle(ctx context.Context, tx *sql.Tx, p rpps.Professional) (Subject, error) {
	id := p.ID.String()
	found, err := byID(ctx, tx, id)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return found, err
	}
	for _, other := range p.OtherIDs {
		found, err := byID(ctx, tx, other.Value)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return Subject{}, err
		}
		_, err = tx.ExecContext(ctx, `UPDATE subjects SET national_id = $1 WHERE sub = $2`, id, found.Sub)
		return found, db.Fault(err)
	}
	sub, err := uuid.NewRandomFromReader(s.rand)
	if err != nil {
		return Subject{}, fault.Wrap(fault.Unavailable, "", "no randomness for a subject", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO subjects (sub, national_id, epoch, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (national_id) DO NOTHING`, sub.String(), id, firstEpoch, s.clock.Now().Unix())
	if err != nil {
		return Subject{}, db.Fault(err)
	}
	return byID(ctx, tx, id)
}

// Epoch gives the present epoch of a subject, at most a second old: a node
// honours what another node raised within that time.
// Errors: fault.NotFound, fault.Unavailable.
func (s *Subjects) Epoch(ctx context.Context, sub string) (uint64, error) {
	held := s.epochs.present()
	if e, ok := held.get(sub); ok {
		return e, nil
	}
	var e int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT epoch FROM subjects WHERE sub = $1`, sub).Scan(&e)
	if err != nil {
		return 0, unknown(err)
	}
	return held.raise(sub, uint64(e)), nil //nolint:gosec // epochs count up from 1
}

// Raise ends everything the subject has open and gives the new epoch. It is
// durable when it returns, and in force at once on this node.
// Errors: fault.NotFound, fault.Unavailable.
func (s *Subjects) Raise(ctx context.Context, sub string) (uint64, error) {
	var e int64
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `UPDATE subjects SET epoch = epoch + 1 WHERE sub = $1 RETURNING epoch`, sub).Scan(&e)
		return unknown(err)
	})
	if err != nil {
		return 0, err
	}
	return s.epochs.present().raise(sub, uint64(e)), nil //nolint:gosec // epochs count up from 1
}

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func byID(ctx context.Context, q querier, id string) (Subject, error) {
	var s Subject
	err := q.QueryRowContext(ctx, `SELECT sub, epoch FROM subjects WHERE national_id = $1`, id).Scan(&s.Sub, &s.Epoch)
	return s, unknown(err)
}

func unknown(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Wrap(fault.NotFound, "", "unknown subject", err)
	}
	if err != nil {
		return db.Fault(fmt.Errorf("subjects: %w", err))
	}
	return nil
}
