package pin

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideInput switches the echo of a terminal off; what is no terminal has none.
// Both ways drop what was typed for another window and not sent: its digits
// would join the next PIN and cost a try, or end up in a shell.
func hideInput(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}, nil //nolint:nilerr // a pipe: nothing is echoed
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &hidden); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETSF, was) }, nil
}
