package db

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps statements that are compiled once a connection. It is for the
// few constant queries of a hot path: what is asked once stays asked.
type prepared struct {
	mu   sync.RWMutex
	held map[string]*sql.Stmt
}

func (p *prepared) get(ctx context.Context, pool *sql.DB, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.held[query]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.held[query]; s != nil {
		return s, nil
	}
	s, err := pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if p.held == nil {
		p.held = map[string]*sql.Stmt{}
	}
	p.held[query] = s
	return s, nil
}

// Row is Read().QueryRowContext for a constant query of a hot path.
func (d *DB) Row(ctx context.Context, query string, args ...any) interface{ Scan(dest ...any) error } {
	s, err := d.readStatements.get(ctx, d.read, query)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(ctx, args...)
}

// Within gives a constant statement inside a transaction of Tx. It must not be
// asked for the first time there: the one writing connection is taken. See Warm.
func (d *DB) Within(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	d.writeStatements.mu.RLock()
	s := d.writeStatements.held[query]
	d.writeStatements.mu.RUnlock()
	if s == nil {
		return tx.PrepareContext(ctx, query)
	}
	return tx.StmtContext(ctx, s), nil
}

// Warm compiles constant statements that Within will be asked for.
func (d *DB) Warm(ctx context.Context, queries ...string) error {
	for _, q := range queries {
		if _, err := d.writeStatements.get(ctx, d.write, q); err != nil {
			return Fault(err)
		}
	}
	return nil
}

// failedRow is a row that could not be asked for.
type failedRow struct{ err error }

// Scan gives the failure.
func (f failedRow) Scan(...any) error { return f.err }
