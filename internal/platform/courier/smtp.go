package courier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
)

// SMTPOptions reach the relay that takes our mail.
type SMTPOptions struct {
	Host, Username, Password string
	Port                     int
	From                     string        // "e-CPS <ne-pas-repondre@example.org>"
	Implicit                 bool          // TLS from the first byte, instead of STARTTLS
	Plain                    bool          // no TLS at all: a relay on the same machine, no other
	Timeout                  time.Duration // of a whole hand-over; 20 s if zero
	TLS                      *tls.Config   // nil: the system's roots, the relay's name
	Clock                    clock.Clock
}

// SMTP hands mails to a relay (RFC 5321), over TLS and authenticated.
type SMTP struct {
	o    SMTPOptions
	from *mail.Address
}

// NewSMTP checks its options; nothing is dialled yet. Errors: fault.Invalid.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the sender's address cannot be read", err)
	}
	if o.Plain && !loopback(o.Host) {
		return nil, fault.New(fault.Invalid, "", "mail goes to another machine over TLS only")
	}
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.Port == 0 {
		o.Port = 587
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}
	}
	s := &SMTP{o: o, from: from}
	if _, err := s.client(context.Background()); err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the mail relay cannot be used", err)
	}
	return s, nil
}

// client makes a client for one hand-over. The library waits for some answers
// without end; its connection is therefore closed when ctx is.
func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.o.Port), gomail.WithTimeout(s.o.Timeout), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(s.o.TLS),
		gomail.WithDialContextFunc(s.dial(ctx)),
	}
	if s.o.Implicit || s.o.Plain {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS)) // dial has seen to it, or nobody
	}
	if s.o.Username != "" {
		options = append(options, gomail.WithSMTPAuth(s.mechanism()), gomail.WithUsername(s.o.Username), gomail.WithPassword(s.o.Password))
	}
	return gomail.NewClient(s.o.Host, options...)
}

// mechanism: under STARTTLS the best that the relay offers. The library takes the
// other connections, which it did not secure itself, for open ones, and would
// find nothing to use there.
func (s *SMTP) mechanism() gomail.SMTPAuthType {
	switch {
	case s.o.Implicit:
		return gomail.SMTPAuthPlain
	case s.o.Plain:
		return gomail.SMTPAuthPlainNoEnc // within this machine
	}
	return gomail.SMTPAuthAutoDiscover
}

func (s *SMTP) dial(whole context.Context) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(whole, func() { _ = conn.Close() })
		if s.o.Implicit {
			return tls.Client(conn, s.o.TLS), nil
		}
		return conn, nil
	}
}

// Idempotent implements Sender: a relay takes the same mail twice.
func (*SMTP) Idempotent() bool { return false }

// Send implements Sender.
func (s *SMTP) Send(ctx context.Context, o Outgoing) error {
	m, err := s.compose(o)
	if err != nil {
		return &Refusal{Why: err.Error(), Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	c, err := s.client(ctx)
	if err != nil {
		return &Refusal{Why: err.Error()}
	}
	err = c.DialAndSendWithContext(ctx, m)
	if m.IsDelivered() { // how the conversation ended after the relay's yes changes nothing
		return nil
	}
	return judged(err)
}

// compose makes the mail: plain text, marked as a machine's (RFC 3834), named by
// the letter's own key, so that a repetition is recognisable.
func (s *SMTP) compose(o Outgoing) (*gomail.Msg, error) {
	if strings.ContainsAny(o.Subject+o.To+o.Key, "\r\n") { // another header, another reader
		return nil, fault.New(fault.Invalid, "", "a line break in a header")
	}
	to, err := MailAddress(o.To)
	if err != nil {
		return nil, err
	}
	m := gomail.NewMsg()
	m.FromMailAddress(s.from)
	if err := m.To(to); err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the address cannot be used", err)
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	m.Subject(o.Subject)
	m.SetMessageIDWithValue(o.Key + "@" + domain)
	m.SetDateWithValue(s.o.Clock.Now())
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, o.Body)
	return m, nil
}

// judged tells a no for good (5xx) from one that may pass, and both from a line
// that broke after the mail was out of our hands.
func judged(err error) error {
	sent, ok := errors.AsType[*gomail.SendError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return &Refusal{Why: err.Error()} // no connection, no TLS, no login: nothing left
	}
	// The relay's own words repeat the address: only where and how it refused is told.
	why := fmt.Sprintf("the relay answered %d: %s", sent.ErrorCode(), sent.Reason)
	switch {
	case sent.ErrorCode() >= 500:
		return &Refusal{Why: why, Permanent: true}
	case sent.Reason == gomail.ErrSMTPDataClose && sent.ErrorCode() == 0:
		return &Refusal{Why: why, Unsure: true}
	}
	return &Refusal{Why: why}
}

// loopback tells that what is sent to host stays on this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
