// Package activation is way B: a holder activates an e-CPS alone, with the
// contact data on record, one secret by mail and one by SMS (S-61, S-63, PG-12).
//
// Whoever types an identifier gets the same answer, after the same work, whether
// the person exists, may have an e-CPS, can be written to, or not (PG-43). The
// state of the activation is told only after one of the two secrets was right.
package activation

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/audit"
)

// The channels of the two secrets.
const (
	Mail = "mail"
	SMS  = "sms"
)

const (
	life     = 15 * time.Minute // of both secrets (PG-13)
	maxTries = 5                // wrong ones per channel
	window   = time.Hour        // over which activations of a holder and of a source are counted
)

// Letter is what goes to a holder. A void one takes the same way and is thrown
// away at its end.
type Letter struct {
	Key      string // names this letter for ever: it is sent once
	Channel  string
	To       string
	Subject  string
	Body     string
	Kind     string
	Holder   string // key of the holder, for support
	Void     bool
	GoodTill time.Time
}

// Outbox takes letters, durably.
type Outbox interface {
	Enqueue(ctx context.Context, letters ...Letter) error
}

// Limits bound what strangers may have sent.
type Limits struct {
	PerHolder int // activations of one holder per hour; more are answered and not sent
	PerSource int // activations from one network source per hour
}

// DefaultLimits suit a hospital behind one address.
func DefaultLimits() Limits { return Limits{PerHolder: 5, PerSource: 60} }

// Deps is what New needs; all are required but Limits.
type Deps struct {
	KV        store.KV
	Directory directory.Directory
	Clock     clock.Clock
	Rand      io.Reader
	Audit     audit.Recorder
	Outbox    Outbox
	Limits    Limits // zero: DefaultLimits
	// Reach gives the addresses that may be written to, empty where there is none:
	// no landline (S-35), no professional mailbox that itself needs a login.
	Reach func(rpps.Contact) (mail, mobile string)
	// Admit invites a phone of somebody who has proven both secrets.
	Admit func(ctx context.Context, holder rpps.NationalID, way wallet.Way) (wallet.Invitation, error)
}

// Activations is way B.
type Activations struct {
	Deps
	records store.Records[record]
	counts  store.Records[count]
}

// New checks its dependencies. Errors: fault.Invalid.
func New(d Deps) (*Activations, error) {
	if d.KV == nil || d.Directory == nil || d.Clock == nil || d.Rand == nil || d.Audit == nil || d.Outbox == nil || d.Reach == nil || d.Admit == nil {
		return nil, fault.New(fault.Invalid, "", "activation: a dependency is missing")
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	return &Activations{Deps: d, records: store.NewRecords[record](d.KV, "ecps.activation"), counts: store.NewRecords[count](d.KV, "ecps.activations")}, nil
}

// Begin draws two secrets and writes them to the person, if he is one who can be
// written to. identifier is as typed; source is the caller's network address.
// Errors: fault.Invalid with PF-ID-001, fault.Denied with PF-SV-047 (too many
// from one source, which says nothing of any person).
func (a *Activations) Begin(ctx context.Context, identifier, source string) (ecps.Activation, error) {
	holder, err := readIdentifier(identifier)
	if err != nil {
		return ecps.Activation{}, err
	}
	now := a.Clock.Now()
	if over, err := a.count(ctx, "source "+source, a.Limits.PerSource, now); err != nil || over {
		return ecps.Activation{}, tooMany(err)
	}
	who, err := a.resolve(ctx, holder, now)
	if err != nil {
		return ecps.Activation{}, err
	}
	over, err := a.count(ctx, "holder "+who.holder, a.Limits.PerHolder, now)
	if err != nil {
		return ecps.Activation{}, err
	}
	id, err := ecps.NewSecret(a.Rand)
	if err != nil {
		return ecps.Activation{}, err
	}
	secrets, err := draw(a.Rand)
	if err != nil {
		return ecps.Activation{}, err
	}
	r := record{Holder: who.holder, OpensAt: who.opensAt, Ends: now.Add(life), Channels: map[string]*channel{
		Mail: {Hash: hashOf(id, Mail, secrets.mail)}, SMS: {Hash: hashOf(id, SMS, secrets.sms)},
	}}
	if err := a.records.Put(ctx, id, r, life); err != nil {
		return ecps.Activation{}, err
	}
	if err := a.Outbox.Enqueue(ctx, letters(id, who, secrets, r.Ends, over)...); err != nil {
		return ecps.Activation{}, err
	}
	return ecps.Activation{V: ecps.Version, ID: id, ExpiresAt: r.Ends.Unix()}, nil
}

// addressee is the person behind the identifier, or nobody, in the same shape.
type addressee struct {
	holder       string
	mail, mobile string
	opensAt      time.Time
	void         bool
}

// resolve reads the register once. Of somebody who does not exist, whose record
// is closed or who lacks one of the two addresses, both letters are void: one
// secret alone would lead nowhere and tell that he exists.
func (a *Activations) resolve(ctx context.Context, id rpps.NationalID, now time.Time) (addressee, error) {
	person, err := a.Directory.Lookup(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return addressee{holder: id.String(), void: true}, nil
	}
	if err != nil {
		return addressee{}, err
	}
	who := addressee{holder: person.ID.String(), void: person.Closed}
	if opens := wallet.OpensAt(person); now.Before(opens) {
		who.opensAt = opens
	}
	who.mail, who.mobile = a.Reach(person.Contact)
	who.void = who.void || who.mail == "" || who.mobile == ""
	return who, nil
}

// Prove takes one secret. Of any number of parallel tries each counts, and of
// parallel right ones one gets the invitation.
// Errors: fault.Denied with PF-EC-041 (and the tries left), fault.Expired with PF-EC-042.
func (a *Activations) Prove(ctx context.Context, id string, s ecps.ActivationSecret) (ecps.ActivationState, error) {
	now := a.Clock.Now()
	var o tried
	r, err := a.records.Update(ctx, id, func(r *record) (time.Duration, error) {
		o = r.try(s.Channel, hashOf(id, s.Channel, squeeze(s.Secret)), now)
		if o == over {
			return 0, fault.New(fault.Expired, ecps.CodeActivation, "the activation is over")
		}
		return max(time.Second, r.Ends.Sub(now)), nil
	})
	if fault.Is(err, fault.NotFound) {
		return ecps.ActivationState{}, fault.Wrap(fault.Expired, ecps.CodeActivation, "the activation is over", err)
	}
	if err != nil {
		return ecps.ActivationState{}, err
	}
	if o == wrong {
		left := maxTries - r.Channels[s.Channel].Tries
		return ecps.ActivationState{}, &wallet.Rejection{Fault: fault.New(fault.Denied, ecps.CodeActivationWrong, "the secret is wrong"), TriesLeft: &left}
	}
	if o == right {
		if err := a.Audit.Record(ctx, audit.ActivationProven{Subject: r.Holder, Activation: reference(id), Channel: s.Channel}); err != nil {
			return ecps.ActivationState{}, fault.Wrap(fault.Unavailable, "", "the act could not be recorded", err)
		}
	}
	return a.state(ctx, id, r)
}

// state is what somebody may read who has proven at least one secret.
func (a *Activations) state(ctx context.Context, id string, r record) (ecps.ActivationState, error) {
	out := ecps.ActivationState{V: ecps.Version, Proven: r.proven()}
	if a.Clock.Now().Before(r.OpensAt) {
		out.OpensAt = r.OpensAt.Unix()
		return out, nil
	}
	if len(out.Proven) < len(r.Channels) {
		return out, nil
	}
	if _, err := a.records.Take(ctx, id); err != nil { // one winner
		return ecps.ActivationState{}, fault.Wrap(fault.Expired, ecps.CodeActivation, "the activation is used", err)
	}
	holder, err := rpps.ParseNationalID(r.Holder)
	if err != nil {
		return ecps.ActivationState{}, fault.Wrap(fault.Internal, "", "stored holder cannot be read", err)
	}
	inv, err := a.Admit(ctx, holder, wallet.WayContact)
	if err != nil {
		return ecps.ActivationState{}, err
	}
	out.Invitation = inv.Code
	return out, nil
}

// reference names an activation in the trace; nothing can be proven with it.
func reference(id string) string { return ecps.Hash("egide.ecps.activation " + id)[:16] }

// readIdentifier forgives what people type (S-67): spaces, dots, dashes, and 11
// digits where 12 are meant.
func readIdentifier(typed string) (rpps.NationalID, error) {
	s := strings.NewReplacer(" ", "", "\u00a0", "", ".", "", "-", "").Replace(strings.TrimSpace(typed))
	if len(s) == 11 && strings.Trim(s, "0123456789") == "" && strings.ContainsRune("1289", rune(s[0])) {
		s = "8" + s
	}
	if len(s) > 80 {
		s = ""
	}
	id, err := rpps.ParseNationalID(s)
	if err != nil {
		return rpps.NationalID{}, fault.Wrap(fault.Invalid, "PF-ID-001", "this is no identifier", err)
	}
	return id, nil
}

func tooMany(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Denied, "PF-SV-047", "too many activations from one place")
}

// proven lists the channels whose secret was right.
func (r *record) proven() []string {
	list := []string{}
	for name, c := range r.Channels {
		if c.Proven {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
