package desk

import (
	"context"
	"database/sql"
	"errors"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Table is the registrations as the registry follows them.
type Table struct{ db *db.DB }

// NewTable reads registrations from a database.
func NewTable(d *db.DB) Table { return Table{d} }

var _ client.Source = Table{}

// Since implements client.Source. The usual answer, that nothing is new, costs
// one look into an index.
func (t Table) Since(ctx context.Context, mark int64) ([]client.Entry, int64, error) {
	rows, err := t.db.Read().QueryContext(ctx, `SELECT id, document, mark FROM clients WHERE mark > $1 ORDER BY mark`, mark)
	if err != nil {
		return nil, 0, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	var entries []client.Entry
	for rows.Next() {
		var e client.Entry
		var document string
		if err := rows.Scan(&e.ID, &document, &mark); err != nil {
			return nil, 0, db.Fault(err)
		}
		if document != "" {
			e.Document = []byte(document)
		}
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, db.Fault(err)
	}
	return entries, mark, nil
}

// row is one registration inside a transaction.
type row struct {
	client    *client.Client
	version   int64
	tokenHash string
	invitedBy string
	created   int64
	changed   int64
}

// reader is a database or a transaction.
type reader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// read finds a registration; fault.NotFound if there is none, or no more.
func read(ctx context.Context, from reader, id string) (row, error) {
	var r row
	var document string
	err := from.QueryRowContext(ctx, `SELECT document, version, token_hash, invited_by, created_at, changed_at FROM clients WHERE id = $1`, id).
		Scan(&document, &r.version, &r.tokenHash, &r.invitedBy, &r.created, &r.changed)
	if errors.Is(err, sql.ErrNoRows) || err == nil && document == "" {
		return row{}, fault.New(fault.NotFound, codeNone, "no such client in the database")
	}
	if err != nil {
		return row{}, db.Fault(err)
	}
	c, faults := client.Parse(id, []byte(document))
	if len(faults) > 0 {
		return row{}, fault.Wrap(fault.Internal, "", "a stored registration cannot be read", errors.New(faults[0].String()))
	}
	r.client = c
	return r, nil
}

// create inserts; fault.Conflict if the identifier was ever given.
func create(ctx context.Context, tx *sql.Tx, r row) error {
	document, err := r.client.Document()
	if err != nil {
		return fault.Wrap(fault.Internal, "", "a registration cannot be written", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO clients (id, document, version, mark, token_hash, invited_by, created_at, changed_at)
		VALUES ($1, $2, 1, (SELECT COALESCE(MAX(mark), 0) + 1 FROM clients), $3, $4, $5, $5)`,
		r.client.ID, string(document), r.tokenHash, r.invitedBy, r.created)
	if err = db.Fault(err); fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, codeTaken, "the client identifier is taken, or was once: none is given twice")
	}
	return err
}

// replace writes the next version of a registration that was read in the same
// transaction; an empty document takes it out.
func replace(ctx context.Context, tx *sql.Tx, id string, document []byte, r row, now int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE clients SET document = $2, version = $3, mark = (SELECT MAX(mark) + 1 FROM clients),
		token_hash = $4, changed_at = $5 WHERE id = $1`, id, string(document), r.version+1, r.tokenHash, now)
	return db.Fault(err)
}
