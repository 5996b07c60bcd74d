package agent

import (
	"context"
	"errors"

	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Refusal is why a request did not end in an answer, in the words of the protocol.
type Refusal struct {
	Word  cps.BridgeError
	Tries *int // left, after a refused PIN
	cause error
}

// Error implements error; it names no secret.
func (r *Refusal) Error() string {
	if r.cause == nil {
		return string(r.Word)
	}
	return string(r.Word) + ": " + r.cause.Error()
}

// Unwrap gives the cause, for the log.
func (r *Refusal) Unwrap() error { return r.cause }

func refuse(word cps.BridgeError, cause error) *Refusal { return &Refusal{Word: word, cause: cause} }

// words is the one table from what went wrong at the card to the protocol's word.
var words = map[string]cps.BridgeError{
	cps.CodeNoReader: cps.NoReader, cps.CodeNoCard: cps.NoCard, cps.CodeCardUnknown: cps.CardNotSupported,
	cps.CodeContactless: cps.ContactlessRefused, cps.CodePINWrong: cps.PINIncorrect, cps.CodePINBlocked: cps.PINBlocked,
	cps.CodeCardRemoved: cps.CardRemoved, cps.CodeCancelled: cps.UserCancelled, cps.CodeTimeout: cps.Timeout,
	cps.CodeBusy: cps.BridgeBusy, cps.CodeCardError: cps.CardError, cps.CodeCardExpired: cps.CertificateExpired,
	cps.CodeNoWindow: cps.WindowUnavailable, cps.CodeChallengeInvalid: cps.ChallengeInvalid, cps.CodeChallengeExpired: cps.ChallengeExpired,
}

// refusalOf puts any failure into a word of the closed list.
func refusalOf(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	if word, known := words[fault.CodeOf(err)]; known {
		r := refuse(word, err)
		if left, ok := card.TriesLeft(err); ok {
			r.Tries = &left
		}
		return r
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(cps.Timeout, err)
	case errors.Is(err, context.Canceled):
		return refuse(cps.UserCancelled, err)
	}
	return refuse(cps.CardError, err)
}
