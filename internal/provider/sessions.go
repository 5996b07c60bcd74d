package provider

import (
	"context"
	"slices"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/logout"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/portal"
	"github.com/egide-id/egide/internal/trust/audit"
)

// openSessions is what a person has open, for his own page and for operators.
type openSessions struct{ p *Provider }

// subOf finds how sessions name a person.
func (o openSessions) subOf(ctx context.Context, holder rpps.NationalID) (string, error) {
	person, err := o.p.res.register.Lookup(ctx, holder)
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.NotFound, "", "the register does not know this identifier")
	}
	if err != nil {
		return "", err
	}
	who, err := o.p.res.subjects.Of(ctx, person)
	return who.Sub, err
}

// Open implements portal.Sessions.
func (o openSessions) Open(ctx context.Context, holder rpps.NationalID) ([]portal.Open, error) {
	sub, err := o.subOf(ctx, holder)
	if err != nil {
		return nil, err
	}
	live, err := o.live(ctx, sub)
	if err != nil {
		return nil, err
	}
	signIns, err := o.p.wallet.SignIns(ctx, holder)
	if err != nil {
		return nil, err
	}
	out := make([]portal.Open, len(live))
	for i, s := range live {
		out[i] = portal.Open{SID: s.SID, Began: s.Began, Seen: s.Seen, Ends: s.Ends, Means: s.Auth.Means, Shared: s.Shared, Services: o.names(s)}
		if at := slices.IndexFunc(signIns, func(w wallet.SignIn) bool { return w.SID == s.SID }); at >= 0 {
			out[i].Asker = signIns[at].Asker
		}
	}
	return out, nil
}

// live leaves out the sessions that the person's epoch has ended.
func (o openSessions) live(ctx context.Context, sub string) ([]session.Session, error) {
	epoch, err := o.p.res.subjects.Epoch(ctx, sub)
	if err != nil {
		return nil, err
	}
	all, err := o.p.sessions.Load().Of(ctx, sub)
	return slices.DeleteFunc(all, func(s session.Session) bool { return s.Auth.Epoch != epoch }), err
}

// names gives the services of a session as the login page named them.
func (o openSessions) names(s session.Session) []string {
	out := make([]string, 0, len(s.Clients))
	for _, id := range s.Clients {
		if c, err := o.p.res.clients.Find(id); err == nil {
			id = c.Name
		}
		out = append(out, id)
	}
	return out
}

// End implements portal.Sessions: one session, if it is this person's.
func (o openSessions) End(ctx context.Context, holder rpps.NationalID, sid string) error {
	sub, err := o.subOf(ctx, holder)
	if err != nil {
		return err
	}
	s, err := o.p.sessions.Load().BySID(ctx, sid)
	if fault.Is(err, fault.NotFound) || err == nil && s.Auth.Sub != sub {
		return nil // it is over, or was never his to see
	}
	if err != nil {
		return err
	}
	return o.p.ending.Load().End(ctx, sid, logout.ReasonClosed)
}

// EndAll implements portal.Sessions.
func (o openSessions) EndAll(ctx context.Context, holder rpps.NationalID) (int, error) {
	return o.endAll(ctx, holder, logout.ReasonClosed, audit.SessionsEnded{By: "holder", Reason: logout.ReasonClosed})
}

// endAll ends everything and traces the order before anybody is told.
func (o openSessions) endAll(ctx context.Context, holder rpps.NationalID, reason string, order audit.SessionsEnded) (int, error) {
	ctx = context.WithoutCancel(ctx) // half an end is none
	sub, err := o.subOf(ctx, holder)
	if err != nil {
		return 0, err
	}
	ended, err := o.p.ending.Load().EndPerson(ctx, sub, reason)
	if err != nil {
		return 0, err
	}
	order.Subject, order.Sessions = holder.String(), len(ended)
	if err := o.p.res.traces.Record(ctx, order); err != nil {
		return 0, fault.Wrap(fault.Unavailable, "PF-SV-041", "the end of the sessions cannot be traced", err)
	}
	return len(ended), nil
}
