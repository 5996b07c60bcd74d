package softcard

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Messages of one byte that a vpcd reader sends (cps-card.md section 6). A
// one-byte APDU cannot exist, so they never clash.
const (
	vpcdOff   = 0x00
	vpcdOn    = 0x01
	vpcdReset = 0x02
	vpcdATR   = 0x04
)

// maxAPDU bounds what the reader may send: a short command with data and Le.
const maxAPDU = 5 + 255 + 1

// Vpcd plays the card in a vpcd reader until ctx ends or the reader goes: the
// connection is the card's stay in the reader. intercept may pull the card at
// the n-th command (Reset has no meaning here: other programs reset it for real);
// nil lets it answer all. Errors: fault.Unavailable.
func Vpcd(ctx context.Context, addr string, card *Emulator, intercept func(n int, command []byte) Event) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "no virtual reader answers at "+addr, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }() // closed before by ctx, or by the reader
	err = serve(conn, card, intercept)
	if err == nil || ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return fault.Wrap(fault.Unavailable, "", "the virtual reader at "+addr+" has gone", err)
}

func serve(conn net.Conn, card *Emulator, intercept func(n int, command []byte) Event) error {
	var sent int
	for {
		message, err := receive(conn)
		if err != nil {
			return err
		}
		var answer []byte
		switch {
		case len(message) == 1 && message[0] == vpcdATR:
			answer = card.ATR()
		case len(message) == 1 && (message[0] == vpcdOff || message[0] == vpcdOn || message[0] == vpcdReset):
			card.Reset()
			continue
		default:
			sent++
			if intercept != nil && intercept(sent, message) == Pulled {
				return nil
			}
			answer = card.Transmit(message)
		}
		if err := send(conn, answer); err != nil {
			return err
		}
	}
}

func receive(conn net.Conn) ([]byte, error) {
	// The driver writes length and body apart: without a quick acknowledgement
	// each command waits 49 ms for Nagle's algorithm.
	quickAck(conn)
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > maxAPDU {
		return nil, fault.New(fault.Invalid, "", "the reader sent more than a short APDU")
	}
	quickAck(conn)
	message := make([]byte, n)
	_, err := io.ReadFull(conn, message)
	return message, err
}

func send(conn net.Conn, answer []byte) error {
	message := binary.BigEndian.AppendUint16(nil, uint16(len(answer))) //nolint:gosec // at most 258
	_, err := conn.Write(append(message, answer...))
	return err
}
