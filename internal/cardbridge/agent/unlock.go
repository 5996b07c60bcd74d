package agent

import (
	"context"
	"crypto/x509"
	"log/slog"

	"github.com/egide-id/egide/internal/cardbridge"
	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/cardbridge/pin"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// sign holds the card in one transaction from its selection to its signature,
// and resets it afterwards: nobody finds the PIN verified. A card that cannot be
// reset costs the login: its PIN may be open to other programs.
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
	w.Shortest, w.Longest = s.Digits()
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
			last, w.Wrong, w.Length, w.Tries = err, true, false, left
		case fault.Is(err, fault.Invalid): // of another length: not sent, nothing lost
			w.Wrong, w.Length = false, true
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
		shown, hide := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- a.Prompter.OnPad(shown, w) }()
		err := s.VerifyOnPad(ctx)
		hide()
		if failed := <-done; failed != nil { // a message that could not be shown stops nobody from typing
			a.Log.WarnContext(ctx, "the window for the PIN pad failed", slog.Any("error", failed))
		}
		return err
	}
	typed, err := a.Prompter.PIN(ctx, w)
	if err != nil {
		return err
	}
	return s.Verify(ctx, typed)
}
