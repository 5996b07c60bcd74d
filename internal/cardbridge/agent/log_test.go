package agent_test

import (
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
)

// Every bed looks for secrets in its log when it ends; here is something to find
// them in: each way to end, and everything that is logged about it.
func TestLogTellsWhatHappenedAndNoSecret(t *testing.T) {
	b := newBed(t)
	b.provider.down.Store(1)
	b.holder.types(wrongPIN, rightPIN, wrongPIN)
	b.login()
	_, token := b.challenge()
	b.refused(b.ask(token), cps.PINIncorrect, 2)
	b.slots.Remove(one)
	b.clock.Advance(wait(t, b.clock.waits, "pause"))
	wait(t, b.provider.removals, "report")
	_, token = b.challenge()
	b.refused(b.ask(token), cps.NoCard)
	b.refused(b.ask(token), cps.ChallengeInvalid)
	b.stop()
	for _, line := range []string{"pin_incorrect", "no_card", "challenge_invalid", b.provider.origin, "could not be reported"} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the log does not tell %q:\n%s", line, b.log)
		}
	}
}
