package wallet

import (
	"context"
	"database/sql"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	maxSignIns  = 50
	signInsKept = 395 // days, a little more than the traces themselves (PG-66)
)

// SignedIn enters a login into the holder's own history (PG-69) and, unless
// browser is empty, remembers the browser as one he has used, in one
// transaction. The traces prove what happened; this is what he reads.
func (w *Wallet) SignedIn(ctx context.Context, holder rpps.NationalID, browser string, s SignIn) error {
	id, err := ecps.NewID(w.Rand)
	if err != nil {
		return err
	}
	canonical, err := w.canonical(ctx, holder)
	if err != nil {
		return err
	}
	now := w.Clock.Now()
	return w.DB.Tx(ctx, func(tx *sql.Tx) error {
		if browser != "" {
			if err := rememberBrowser(ctx, tx, browser, canonical, now); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_ins (id, holder, at, client, service, means, asker, ref, sid, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'good')`,
			id, canonical, s.At.UnixMilli(), s.Client, ecps.Showable(s.Service), string(s.Means), asker(s.Asker), s.Ref, s.SID)
		return err
	})
}

// SignIns gives the last logins of a person, newest first, under whichever of
// his identifiers they were made.
func (w *Wallet) SignIns(ctx context.Context, holder rpps.NationalID) ([]SignIn, error) {
	s, err := w.resolve(ctx, holder, "")
	if err != nil {
		return nil, err
	}
	return w.signInsOf(ctx, s)
}

func (w *Wallet) signInsOf(ctx context.Context, s subject) ([]SignIn, error) {
	args := aliasArgs(s.aliases())
	rows, err := w.DB.Read().QueryContext(ctx, `SELECT s.id, s.at, s.client, s.service, s.means, s.asker, s.ref, COALESCE(d.label, ''), s.sid, s.state
		FROM sign_ins s LEFT JOIN devices d ON d.id = s.ref
		WHERE s.holder IN ($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY s.at DESC, s.id LIMIT $9`, append(args, maxSignIns)...)
	if err != nil {
		return nil, db.Fault(err)
	}
	defer closeRows(rows)
	var all []SignIn
	for rows.Next() {
		var v SignIn
		var at int64
		if err := rows.Scan(&v.ID, &at, &v.Client, &v.Service, &v.Means, &v.Asker, &v.Ref, &v.Label, &v.SID, &v.State); err != nil {
			return nil, db.Fault(err)
		}
		v.At = instant(at)
		all = append(all, v)
	}
	return all, db.Fault(rows.Err())
}

// History is SignIns for the phone that asks.
func (w *Wallet) History(ctx context.Context, d Device) (ecps.History, error) {
	s, err := w.resolveHolder(ctx, d.Holder)
	if err != nil {
		return ecps.History{}, err
	}
	all, err := w.signInsOf(ctx, s)
	if err != nil {
		return ecps.History{}, err
	}
	h := ecps.History{V: ecps.Version, SignIns: []ecps.SignIn{}}
	for _, v := range all {
		by := v.Label
		if by == "" {
			by = v.Ref
		}
		h.SignIns = append(h.SignIns, ecps.SignIn{
			ID: v.ID, At: v.At.Unix(), Service: v.Service, Means: string(v.Means), Asker: v.Asker, Device: by, State: v.State,
		})
	}
	return h, nil
}

// RefOf gives the phone or card that opened a session of this person, so that a
// service of ours can tell "another means" from the same one.
// Errors: fault.NotFound.
func (w *Wallet) RefOf(ctx context.Context, holder rpps.NationalID, sid string) (string, error) {
	all, err := w.SignIns(ctx, holder)
	if err != nil {
		return "", err
	}
	for _, v := range all {
		if v.SID == sid {
			return v.Ref, nil
		}
	}
	return "", fault.New(fault.NotFound, ecps.CodeNoRequest, "this session is of no login we know")
}

// contest marks a login of this person as one he did not make.
func (w *Wallet) contest(ctx context.Context, s subject, id string) (SignIn, error) {
	all, err := w.signInsOf(ctx, s)
	if err != nil {
		return SignIn{}, err
	}
	for _, v := range all {
		if v.ID == id {
			return v, w.write(ctx, `UPDATE sign_ins SET state = 'contested' WHERE id = $1`, id)
		}
	}
	return SignIn{}, fault.New(fault.NotFound, ecps.CodeNoRequest, "this person has no such login")
}

// ForgetSignIns drops what is older than the history is kept.
func (w *Wallet) ForgetSignIns(ctx context.Context) error {
	return w.write(ctx, `DELETE FROM sign_ins WHERE at < $1`, w.Clock.Now().AddDate(0, 0, -signInsKept).UnixMilli())
}

// aliasArgs gives the identifiers of a person as parameters of a query that
// has one shape whatever is known of him.
func aliasArgs(holders []string) []any {
	args := make([]any, maxAliases)
	for i := range args {
		args[i] = holders[min(i, len(holders)-1)]
	}
	return args
}
