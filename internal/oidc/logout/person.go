package logout

import (
	"context"

	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/oidc/session"
)

// Persons raises epochs (subject.Subjects).
type Persons interface {
	Raise(ctx context.Context, sub string) (uint64, error)
}

// EndPerson ends everything that a person has open, by his sub, and gives the
// sessions as they were.
//
// The epoch goes first: one durable write after which no session answers a
// request and no token is good, on every node within a second (LO8). Then each
// session ends by its name, so that its services are told. Should that stop half
// way, nothing is open any more, and the next call tells the rest.
// Errors: fault.NotFound for a sub nobody has, fault.Unavailable.
func (l *Logout) EndPerson(ctx context.Context, sub, reason string) ([]session.Session, error) {
	if _, err := l.d.Persons.Raise(ctx, sub); err != nil {
		return nil, err
	}
	open, err := l.d.Sessions.Of(ctx, sub)
	if err != nil {
		return nil, err
	}
	var told notice.Entered
	for _, s := range open {
		_, more, err := l.end(ctx, s.SID, reason)
		if err != nil {
			return nil, err
		}
		told = append(told, more...)
	}
	l.d.Notices.Send(ctx, told, patience)
	return open, nil
}
