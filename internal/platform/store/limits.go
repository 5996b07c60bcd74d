package store

import (
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The limits of every backend.
const (
	MaxKey   = 256
	MaxValue = 64 << 10
)

// ValidKey tells whether anybody can have written that key. Backends answer
// NotFound for another one: keys often come from outside (a code, a handle),
// and a stranger's nonsense is an unknown key, no failure of ours.
func ValidKey(key string) bool {
	if key == "" || len(key) > MaxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < 0x20 || key[i] > 0x7e {
			return false
		}
	}
	return true
}

// CheckWrite refuses, with fault.Invalid, what no backend may accept.
func CheckWrite(key string, value []byte, ttl time.Duration) error {
	switch {
	case !ValidKey(key):
		return fault.New(fault.Invalid, "", "store key is empty, too long or not printable ASCII")
	case len(value) > MaxValue:
		return fault.New(fault.Invalid, "", "store value is too large")
	case ttl <= 0:
		return fault.New(fault.Invalid, "", "store value must have time to live")
	}
	return nil
}
