package ecps

import (
	"fmt"
	"io"
	"slices"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	numbers = 100 // two digits
	offered = 3   // values on the phone, one of which is on the page
)

// IsNumber tells whether s is two digits.
func IsNumber(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}

// NewNumbers draws the number of the page and the three values the phone shows,
// in an order that says nothing.
func NewNumbers(rand io.Reader) (number string, choices []string, err error) {
	for len(choices) < offered {
		n, err := Below(rand, numbers)
		if err != nil {
			return "", nil, err
		}
		if s := fmt.Sprintf("%02d", n); !slices.Contains(choices, s) {
			choices = append(choices, s)
		}
	}
	right, err := Below(rand, offered)
	if err != nil {
		return "", nil, err
	}
	return choices[right], choices, nil
}

// Below draws a number under n without bias: bytes past the last whole multiple
// are drawn again.
func Below(rand io.Reader, n int) (int, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return 0, fault.Wrap(fault.Unavailable, "", "no randomness", err)
		}
		if v := int(b[0]); v < 256-256%n {
			return v % n, nil
		}
	}
}
