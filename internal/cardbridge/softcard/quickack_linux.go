package softcard

import (
	"net"

	"golang.org/x/sys/unix"
)

// quickAck asks for an acknowledgement at once; the kernel forgets it after each
// read. Where it cannot be had, the card is only slower.
func quickAck(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
}
