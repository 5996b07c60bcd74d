package consent

import (
	"context"
	"database/sql"
	"time"

	"github.com/egide-id/egide/internal/platform/db"
)

// Agreement is what one person allows one service, as he may see and end it.
type Agreement struct {
	Client string
	Since  time.Time // of the last yes
}

// Of lists the agreements of a person that hold, the newest first.
// Errors: fault.Unavailable.
func (s *Consents) Of(ctx context.Context, sub string) ([]Agreement, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT client, MAX(given_at) AS since FROM consents
		WHERE sub = $1 AND given_at > $2 GROUP BY client ORDER BY since DESC, client`, sub, s.clock.Now().Add(-life).UnixMilli())
	if err != nil {
		return nil, db.Fault(err)
	}
	defer func() { _ = rows.Close() }()
	var all []Agreement
	for rows.Next() {
		var a Agreement
		var since int64
		if err := rows.Scan(&a.Client, &since); err != nil {
			return nil, db.Fault(err)
		}
		a.Since = time.UnixMilli(since).UTC()
		all = append(all, a)
	}
	return all, db.Fault(rows.Err())
}

// Withdraw ends an agreement (GDPR art. 7: as easily as it was given); the caller
// has traced it. What is not there is withdrawn already.
func (s *Consents) Withdraw(ctx context.Context, sub, client string) error {
	return s.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM consents WHERE sub = $1 AND client = $2`, sub, client)
		return err
	})
}
