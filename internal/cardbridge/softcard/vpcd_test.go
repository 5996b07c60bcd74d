package softcard_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
	"github.com/egide-id/egide/internal/platform/fault"
)

// socket is the reader's end of a vpcd connection.
type socket struct {
	net.Conn
	t    *testing.T
	done <-chan error // the card's end
}

func newSocket(t *testing.T, ctx context.Context, card *softcard.Emulator, intercept func(int, []byte) softcard.Event) *socket {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { must(t, l.Close()) }()
	done := make(chan error, 1)
	go func() { done <- softcard.Vpcd(ctx, l.Addr().String(), card, intercept) }()
	c, err := l.Accept()
	must(t, err)
	must(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return &socket{Conn: c, t: t, done: done}
}

func (s *socket) send(message ...byte) {
	s.t.Helper()
	_, err := s.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	must(s.t, err)
}

func (s *socket) receive() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(s, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(s, b)
	return b, err
}

func (s *socket) expect(want ...byte) {
	s.t.Helper()
	if got, err := s.receive(); err != nil || !slices.Equal(got, want) {
		s.t.Errorf("answered % x, %v; want % x", got, err, want)
	}
}

// The messages of a vpcd reader (cps-card.md section 6): only the question for
// the ATR and commands are answered; each kind of reset forgets the PIN.
func TestVpcdMessages(t *testing.T) {
	e := newCard(t, "cps3", softcard.Options{})
	s := newSocket(t, t.Context(), e, nil)
	for _, reset := range []byte{0x01, 0x02, 0x00} {
		s.send(reset)
		s.send(0x04)
		s.expect(e.ATR()...)
		s.send(unhex(t, "00200001")...)
		s.expect(0x63, 0xc3)
		s.send(unhex(t, verifyPIN)...)
		s.expect(0x90, 0x00)
	}
	must(t, s.Close()) // the reader goes: no fault of the card
	must(t, <-s.done)
}

func TestVpcdEndsWithItsContext(t *testing.T) {
	ctx, pull := context.WithCancel(t.Context())
	s := newSocket(t, ctx, newCard(t, "cps4", softcard.Options{}), nil)
	s.send(unhex(t, "01200001")...)
	s.expect(0x63, 0xc3) // it is in
	pull()
	must(t, <-s.done)
	if _, err := s.receive(); err == nil {
		t.Error("the card is still there")
	}
}

func TestVpcdPulledAtACommand(t *testing.T) {
	s := newSocket(t, t.Context(), newCard(t, "cps3", softcard.Options{}), func(n int, _ []byte) softcard.Event {
		if n == 2 {
			return softcard.Pulled
		}
		return softcard.Answer
	})
	s.send(unhex(t, "00200001")...)
	s.expect(0x63, 0xc3)
	s.send(unhex(t, "00200001")...)
	if _, err := s.receive(); err == nil {
		t.Error("the card answered")
	}
	must(t, <-s.done)
}

// A reader that announces more than a command ends the stay: nothing is allocated for it.
func TestVpcdOversizedMessage(t *testing.T) {
	s := newSocket(t, t.Context(), newCard(t, "cps3", softcard.Options{}), nil)
	_, err := s.Write([]byte{0xff, 0xff})
	must(t, err)
	if err := <-s.done; !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

func TestVpcdWithoutReader(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	if err := softcard.Vpcd(t.Context(), l.Addr().String(), newCard(t, "cps3", softcard.Options{}), nil); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
