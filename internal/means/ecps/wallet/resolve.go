package wallet

import (
	"context"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// subject is what we know of the holder somebody named.
type subject struct {
	id      rpps.NationalID // canonical; as typed when nobody has it
	key     string
	person  rpps.Professional
	found   bool
	known   bool   // the browser is one he has used
	place   string // what he calls it
	devices []device
}

// resolve reads all we know of a holder. It takes the same steps for everybody:
// one lookup in the register, one query for the browser, one for the phones
// (oidc-requirements PG4). Limits hang on the canonical identifier, not on the
// one that was typed.
func (w *Wallet) resolve(ctx context.Context, holder rpps.NationalID, browser string) (subject, error) {
	s := subject{id: holder}
	person, err := w.Directory.Lookup(ctx, holder)
	switch {
	case err == nil:
		s.person, s.found, s.id = person, true, person.ID
	case !fault.Is(err, fault.NotFound):
		return subject{}, err
	}
	s.key = holderKey(s.id.String())
	if browser != "" {
		if s.known, s.place, err = w.knows(ctx, browser, s.id.String()); err != nil {
			return subject{}, err
		}
	}
	s.devices, err = w.devicesOf(ctx, s.aliases())
	return s, err
}

// aliases are the identifiers under which phones of this person may be enrolled.
func (s subject) aliases() []string {
	all := []string{s.id.String()}
	for _, other := range s.person.OtherIDs {
		if len(all) < maxAliases && other.Value != all[0] {
			all = append(all, other.Value)
		}
	}
	return all
}

// obstacle is the true reason why no phone of this holder can answer, or empty.
func (s subject) obstacle(now time.Time) string {
	switch {
	case !s.found:
		return ecps.CodeNone
	case s.person.Closed:
		return ecps.CodeClosed
	case len(s.devices) == 0 && now.Before(OpensAt(s.person)):
		return ecps.CodeOpening
	case len(s.devices) == 0:
		return ecps.CodeNone
	}
	for _, d := range s.devices {
		if d.obstacle(now) == "" {
			return ""
		}
	}
	return s.devices[0].obstacle(now) // the one used last
}

// name is the person as he practises, for his own phone.
func (s subject) name() string {
	given, family := strings.Join(s.person.GivenNames, " "), s.person.FamilyName
	if len(s.person.Practices) > 0 && s.person.Practices[0].Name != "" {
		given, family = s.person.Practices[0].GivenName, s.person.Practices[0].Name
	}
	return ecps.Showable(strings.TrimSpace(given + " " + family))
}

// wantsTyped tells that the holder has refused since he last approved.
func (s subject) wantsTyped() bool {
	typed := false
	for _, d := range s.devices {
		typed = typed || d.wantsTyped
	}
	return typed
}

// keyOf finds the index of the phone's holder, whatever his identifier is now.
func (w *Wallet) keyOf(ctx context.Context, d Device) (string, error) {
	id, err := rpps.ParseNationalID(d.Holder)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	person, err := w.Directory.Lookup(ctx, id)
	switch {
	case err == nil:
		return holderKey(person.ID.String()), nil
	case fault.Is(err, fault.NotFound):
		return holderKey(id.String()), nil
	}
	return "", err
}
