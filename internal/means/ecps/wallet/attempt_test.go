package wallet

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/means/ecps"
)

// Whatever the order of right and wrong PINs, numbers and refusals: three wrong
// PINs in a row lock, only a right PIN starts the row anew, and a phone that is
// not active approves nothing.
func TestAttemptsKeepTheirPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := device{state: stateActive, expires: start.AddDate(1, 0, 0), ratchet: ecps.Hash("0")}
		row, current := 0, "0"
		for i := range rapid.IntRange(1, 40).Draw(t, "attempts") {
			a := ecps.Answer{Decision: ecps.Approve, Number: "42", Ratchets: []string{current}, Next: string(rune('a' + i))}
			pin := rapid.Bool().Draw(t, "right PIN")
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				a.Decision, a.Number = ecps.Refuse, ""
			case 1:
				a.Number = "17"
			}
			was := d
			got := d.attempt(start, a, "42", pin)
			switch {
			case was.state != stateActive:
				if got != wrongState || d.ratchet != was.ratchet || d.failures != was.failures || d.state != was.state {
					t.Fatalf("a %s phone moved: %v", was.state, got)
				}
				return
			case a.Decision == ecps.Refuse || a.Number != "42":
				if got != refused && got != wrongNumber || d.failures != was.failures || !d.wantsTyped {
					t.Fatalf("a refusal: %v, %+v", got, d)
				}
			case pin:
				if row = 0; got != approved || d.failures != 0 || d.wantsTyped {
					t.Fatalf("a right PIN: %v, %+v", got, d)
				}
			default:
				row++
				if (row == MaxPINFailures) != (got == nowLocked) || (d.state == stateLocked) != (got == nowLocked) {
					t.Fatalf("wrong PIN %d in a row: %v, %s", row, got, d.state)
				}
			}
			if d.ratchet != ecps.Hash(a.Next) {
				t.Fatal("an attempt did not move the ratchet")
			}
			current = a.Next
		}
	})
}
