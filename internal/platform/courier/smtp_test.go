package courier

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// relay is a real mail server in a process of its own.
type relay struct {
	folder string
	port   int
	roots  *x509.CertPool
}

func startRelay(t *testing.T, mode ...string) *relay {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, which python3-aiosmtpd belongs to
	if err := exec.CommandContext(t.Context(), python, "-c", "import aiosmtpd").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3-aiosmtpd is missing")
		}
		t.Skip("python3-aiosmtpd is not installed")
	}
	r := &relay{folder: t.TempDir()}
	cert, key := r.certificate(t)
	cmd := exec.CommandContext(t.Context(), python, "testdata/relay.py", r.folder, cert, key, append(mode, "starttls")[0])
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	r.port, err = strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	return r
}

func (r *relay) certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotAfter: clock.System{}.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &k.PublicKey, k)
	must(t, err)
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	r.roots = x509.NewCertPool()
	r.roots.AddCert(parsed)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	must(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return cert, key
}

func (r *relay) sender(t *testing.T, change ...func(*SMTPOptions)) *SMTP {
	t.Helper()
	o := SMTPOptions{
		Host: "127.0.0.1", Port: r.port, Username: "egide", Password: "secret-of-the-test", From: "e-CPS de test <ne-pas-repondre@exemple.invalid>",
		Timeout: 2 * time.Second, Clock: clock.System{},
	}
	for _, f := range change {
		f(&o)
	}
	if o.TLS == nil {
		o.TLS = &tls.Config{RootCAs: r.roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	}
	s, err := NewSMTP(o)
	must(t, err)
	return s
}

func (r *relay) taken(t *testing.T) []*mail.Message {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.folder, "*.eml"))
	must(t, err)
	var all []*mail.Message
	for _, f := range files {
		b, err := os.Open(f)
		must(t, err)
		m, err := mail.ReadMessage(b)
		must(t, err)
		all = append(all, m)
	}
	return all
}

// A mail arrives through STARTTLS and authentication, in French letters, marked
// as a machine's, named by its own key.
func TestMailReachesARealRelay(t *testing.T) {
	r := startRelay(t)
	s := r.sender(t)
	must(t, s.Send(t.Context(), Outgoing{Key: "k1", To: "camille@exemple.invalid", Subject: "Votre code d'activation – été", Body: "Code du courriel : K7QX-9MPT\nÀ bientôt"}))
	all := r.taken(t)
	if len(all) != 1 {
		t.Fatalf("%d mails", len(all))
	}
	m := all[0]
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	must(t, err)
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	must(t, err)
	if subject != "Votre code d'activation – été" || !strings.Contains(string(body), "K7QX-9MPT") || !strings.Contains(string(body), "À bientôt") {
		t.Errorf("%q %q", subject, body)
	}
	if m.Header.Get("Message-Id") != "<k1@exemple.invalid>" || m.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(m.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%v", m.Header)
	}
}

// The relay's words: later, never, and silence after the mail was given.
func TestRelaySaysNo(t *testing.T) {
	r := startRelay(t)
	for to, want := range map[string]Refusal{"later@exemple.invalid": {}, "never@exemple.invalid": {Permanent: true}, "drop@exemple.invalid": {Unsure: true}} {
		err := r.sender(t).Send(t.Context(), Outgoing{Key: "k", To: to, Subject: "s", Body: "b"})
		got, ok := errors.AsType[*Refusal](err)
		if !ok || got.Permanent != want.Permanent || got.Unsure != want.Unsure {
			t.Errorf("%s: %+v %v", to, got, err)
		}
	}
	err := r.sender(t, func(o *SMTPOptions) { o.Password = "wrong" }).Send(t.Context(), Outgoing{Key: "k", To: "a@exemple.invalid", Subject: "s", Body: "b"})
	if got, ok := errors.AsType[*Refusal](err); !ok || got.Unsure {
		t.Errorf("wrong password: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = r.sender(t).Send(ctx, Outgoing{Key: "k", To: "hang@exemple.invalid", Subject: "s", Body: "b"})
	if got, ok := errors.AsType[*Refusal](err); !ok || !got.Unsure {
		t.Errorf("a relay that hangs after the mail was given: %+v %v", got, err)
	}
}

// A relay that takes the mail and hangs up has taken it: a second try would be a
// second secret in the mailbox.
func TestRelayThatHangsUpAfterItsYesGetsNoSecondMail(t *testing.T) {
	r, o := startRelay(t), newOffice(t)
	m := letter("k")
	m.To = "leaves@exemple.invalid"
	o.enter(m)
	for range 3 {
		o.worker(r.sender(t)).drain(t.Context())
		o.clock.Advance(lease)
	}
	if n := len(r.taken(t)); n != 1 || o.state() != Sent {
		t.Errorf("%d mails, %s", n, o.state())
	}
}

// What a relay echoes of an address is kept out of our logs.
func TestRefusalNamesNobody(t *testing.T) {
	err := startRelay(t).sender(t).Send(t.Context(), Outgoing{Key: "k", To: "never@exemple.invalid", Subject: "s", Body: "b"})
	if err == nil || strings.Contains(err.Error(), "never@") || !strings.Contains(err.Error(), "550") {
		t.Errorf("%v", err)
	}
}

// TLS from the first byte, and no TLS to a relay of the same machine.
func TestOtherWaysToARelay(t *testing.T) {
	for mode, change := range map[string]func(*SMTPOptions){
		"implicit": func(o *SMTPOptions) { o.Implicit = true },
		"plain":    func(o *SMTPOptions) { o.Plain, o.Username, o.Password = true, "", "" },
	} {
		r := startRelay(t, mode)
		if err := r.sender(t, change).Send(t.Context(), Outgoing{Key: "k", To: "a@exemple.invalid", Subject: "s", Body: "b"}); err != nil || len(r.taken(t)) != 1 {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// Somebody on the line who strips STARTTLS from the relay's greeting gets neither
// password nor mail.
func TestStrippedSTARTTLSGetsNothing(t *testing.T) {
	r := startRelay(t, "plain")
	if err := r.sender(t).Send(t.Context(), Outgoing{Key: "k", To: "a@exemple.invalid", Subject: "s", Body: "b"}); err == nil || len(r.taken(t)) != 0 {
		t.Error("a mail left in the clear")
	}
}

// No configuration sends a password or a secret in the clear to another machine.
func TestClearTextToAnotherMachineIsRefused(t *testing.T) {
	for host, good := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "relay.exemple.invalid": false, "192.0.2.1": false, "localhost.exemple.invalid": false} {
		if _, err := NewSMTP(SMTPOptions{Host: host, From: "a@exemple.invalid", Plain: true, Clock: clock.System{}}); (err == nil) != good {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// A relay that shows another's certificate, gets no secret.
func TestRelayWithoutTrustedTLSGetsNothing(t *testing.T) {
	r := startRelay(t)
	s := r.sender(t, func(o *SMTPOptions) {
		o.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	})
	if err := s.Send(t.Context(), Outgoing{Key: "k", To: "a@exemple.invalid", Subject: "s", Body: "b"}); err == nil {
		t.Error("an unknown certificate was trusted")
	}
	if len(r.taken(t)) != 0 {
		t.Error("a mail left")
	}
}

// Header injection by address, subject or name of a letter.
func TestHeaderInjection(t *testing.T) {
	s, err := NewSMTP(SMTPOptions{Host: "127.0.0.1", From: "a@exemple.invalid", Clock: clock.System{}})
	must(t, err)
	for _, o := range []Outgoing{
		{Key: "k", To: "a@exemple.invalid\r\nBcc: b@exemple.invalid", Subject: "s"},
		{Key: "k", To: "a@exemple.invalid, b@exemple.invalid", Subject: "s"},
		{Key: "k", To: "a@exemple.invalid", Subject: "s\r\nBcc: b@exemple.invalid"},
		{Key: "k\r\nX: y", To: "a@exemple.invalid", Subject: "s"},
	} {
		if _, err := s.compose(o); err == nil {
			t.Errorf("%+v was composed", o)
		}
	}
	m, err := s.compose(Outgoing{Key: "k", To: "a@exemple.invalid", Subject: "s", Body: "Bcc: b@exemple.invalid\r\n.\r\nMAIL FROM:<x>"})
	must(t, err)
	if rcpt, err := m.GetRecipients(); err != nil || len(rcpt) != 1 {
		t.Errorf("%v %v", rcpt, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
