//go:build !linux

package pin

import (
	"os"

	"github.com/egide-id/egide/internal/platform/fault"
)

// hideInput is written for Linux; elsewhere a PIN is typed into pinentry.
func hideInput(*os.File) (restore func(), err error) {
	return nil, fault.New(fault.Unavailable, "", "the terminal's echo cannot be switched off here")
}
