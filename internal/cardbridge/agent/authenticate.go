package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// patience is how long a request may hold the window.
const patience = 120 * time.Second

// Authenticate lets the holder answer a challenge: the way in of every channel.
// origin is what the channel itself knows of who asks, never what a message
// claims. Errors: *Refusal.
func (a *Agent) Authenticate(ctx context.Context, origin, token string) (cps.Answer, error) {
	answer, err := a.authenticate(ctx, origin, token)
	if err != nil {
		r := refusalOf(err)
		a.Log.InfoContext(ctx, "card request refused", slog.String("origin", origin), slog.Any("reason", r))
		return cps.Answer{}, r
	}
	return answer, nil
}

func (a *Agent) authenticate(ctx context.Context, origin, token string) (cps.Answer, error) {
	p, allowed := a.provider(origin)
	if !allowed {
		return cps.Answer{}, refuse(cps.OriginNotAllowed, nil)
	}
	now := a.Clock.Now()
	c, err := p.Keys.Open(ctx, token, now)
	if err != nil {
		return cps.Answer{}, err
	}
	if c.Issuer != origin {
		return cps.Answer{}, refuse(cps.ChallengeInvalid, fault.New(fault.Denied, "", "the challenge is of another page"))
	}
	if !a.seen.first(c.ID, now) {
		return cps.Answer{}, refuse(cps.ChallengeInvalid, fault.New(fault.Used, "", "the challenge was answered before"))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	release, free := a.take(c.ID, cancel)
	if !free {
		return cps.Answer{}, refuse(cps.BridgeBusy, nil)
	}
	defer release()
	return a.answer(ctx, origin, token, c)
}

// answer goes from the readers to the signature.
func (a *Agent) answer(ctx context.Context, origin, token string, c cps.Challenge) (cps.Answer, error) {
	w := pin.Window{Service: c.ClientName, Provider: origin, French: a.French}
	reader, err := a.choose(ctx, w)
	if err != nil {
		return cps.Answer{}, err
	}
	w.Reader = reader.Name
	ctx, left := a.whileCardStays(ctx, reader)
	defer left.stop()
	certificate, signature, kind, err := a.sign(ctx, w, reader, func(certificate []byte) []byte {
		return cps.DigestInfo(cps.Message(origin, token, certificate))
	})
	if err != nil {
		return cps.Answer{}, left.explain(err)
	}
	if c.Removal != "" && !a.stays.watch(reader, origin, cps.Removal{ID: c.ID, Secret: c.Removal}) {
		return cps.Answer{}, refuse(cps.UserCancelled, fault.New(fault.Unavailable, "", "the bridge stops: nobody would see the card leave"))
	}
	return cps.NewAnswer(origin, certificate, signature, cps.AnswerCard{Type: string(kind), Interface: "contact"}, a.Version), nil
}

// choose finds the card: of several readers with one of ours, the holder says
// which. A badge in a second reader is nobody's choice.
func (a *Agent) choose(ctx context.Context, w pin.Window) (cardbridge.Reader, error) {
	readers, err := a.Transport.Readers(ctx)
	if err != nil {
		return cardbridge.Reader{}, err
	}
	if len(readers) == 0 {
		return cardbridge.Reader{}, refuse(cps.NoReader, nil)
	}
	var present []cardbridge.Reader
	var names []string
	obstacle := refuse(cps.NoCard, nil)
	for _, r := range readers {
		switch r.State {
		case cardbridge.Present:
			present, names = append(present, r), append(names, r.Name)
		case cardbridge.Busy:
			obstacle = refuse(cps.BridgeBusy, nil)
		case cardbridge.Mute:
			obstacle = refuse(cps.CardNotSupported, nil)
		case cardbridge.Empty:
		}
	}
	present, names = ours(present, names)
	switch len(present) {
	case 0:
		return cardbridge.Reader{}, obstacle
	case 1:
		return present[0], nil
	}
	i, err := a.Prompter.Choose(ctx, w, names)
	if err != nil {
		return cardbridge.Reader{}, err
	}
	return present[i], nil
}

// ours leaves out foreign cards beside one of ours; alone they stay, to be told
// what they are.
func ours(present []cardbridge.Reader, names []string) ([]cardbridge.Reader, []string) {
	var known []cardbridge.Reader
	var knownNames []string
	for i, r := range present {
		if kind := card.Identify(r.ATR); kind == card.CPS3 || kind == card.CPS4 {
			known, knownNames = append(known, r), append(knownNames, names[i])
		}
	}
	if len(known) == 0 && len(present) > 0 {
		return present[:1], names[:1]
	}
	return known, knownNames
}
