package agent

import (
	"context"
	"crypto/x509"
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
	if c.Removal != "" {
		a.stays.watch(reader, origin, cps.Removal{ID: c.ID, Secret: c.Removal})
	}
	return cps.NewAnswer(origin, certificate, signature, cps.AnswerCard{Type: string(kind), Interface: "contact"}, a.Version), nil
}

// choose finds the card: of several readers with one, the holder says which.
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

// sign holds the card in one transaction from its selection to its signature,
// and resets it afterwards: nobody finds the PIN verified.
func (a *Agent) sign(ctx context.Context, w pin.Window, r cardbridge.Reader, message func(certificate []byte) []byte) (certificate, signature []byte, kind card.Kind, err error) {
	link, err := a.Transport.Connect(ctx, r.Name)
	if err != nil {
		return nil, nil, "", err
	}
	defer func() {
		if closing := link.Close(); closing != nil && err == nil {
			err = closing
		}
	}()
	s, err := card.Open(ctx, link)
	if err != nil {
		return nil, nil, "", err
	}
	tries, err := s.Tries(ctx) // the counter first
	if err != nil {
		return nil, nil, "", err
	}
	if certificate, err = s.Certificate(ctx); err != nil {
		return nil, nil, "", err
	}
	if err := a.dated(certificate); err != nil {
		return nil, nil, "", err
	}
	w.Tries = tries
	if err := a.unlock(ctx, w, s); err != nil {
		return nil, nil, "", err
	}
	signature, err = s.Sign(ctx, message(certificate))
	return certificate, signature, s.Kind(), err
}

// dated spares the holder his PIN when the provider is sure to refuse (S-51).
func (a *Agent) dated(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if now := a.Clock.Now(); now.After(cert.NotAfter.Add(cps.Skew)) || now.Add(cps.Skew).Before(cert.NotBefore) {
		return refuse(cps.CertificateExpired, nil)
	}
	return nil
}

// unlock asks for the PIN until it is right, the holder stops or the card
// blocks: each try is an act of his, and the last one is asked about first.
func (a *Agent) unlock(ctx context.Context, w pin.Window, s *card.Session) error {
	var last error
	for {
		if w.Tries == 0 {
			return blocked(last)
		}
		if w.Tries == 1 {
			if err := a.Prompter.Confirm(ctx, w); err != nil {
				return stopped(last, err)
			}
		}
		err := a.tryPIN(ctx, w, s)
		left, refusedPIN := card.TriesLeft(err)
		switch {
		case err == nil:
			return nil
		case refusedPIN:
			last, w.Wrong, w.Tries = err, true, left
		case fault.Is(err, fault.Invalid): // of another length: not sent, nothing lost
			w.Wrong = true
		default:
			return stopped(last, err)
		}
	}
}

// stopped keeps to the holder's last wrong PIN when he closes the window after
// it: the page then tells him what is left.
func stopped(last, err error) error {
	if last != nil && fault.CodeOf(err) == cps.CodeCancelled {
		return last
	}
	return err
}

func blocked(last error) error {
	if last != nil {
		return last
	}
	none := 0
	return &Refusal{Word: cps.PINBlocked, Tries: &none}
}

func (a *Agent) tryPIN(ctx context.Context, w pin.Window, s *card.Session) error {
	if s.PINPad() {
		shown, close := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- a.Prompter.OnPad(shown, w) }()
		err := s.VerifyOnPad(ctx)
		close()
		<-done // a message that could not be shown stops nobody from typing
		return err
	}
	typed, err := a.Prompter.PIN(ctx, w)
	if err != nil {
		return err
	}
	return s.Verify(ctx, typed)
}
