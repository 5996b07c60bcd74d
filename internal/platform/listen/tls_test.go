package listen

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/web"
)

// door serves https with the settings of the house.
func (k *kit) door(c *Certificate) (addr string) {
	k.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	s := web.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }), slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(tls.NewListener(l, TLS(c))) }()
	k.t.Cleanup(func() { _ = s.Close(); <-done })
	return l.Addr().String()
}

// dial shakes hands as a client with these wishes.
func dial(t *testing.T, addr string, wish *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	wish.InsecureSkipVerify = true // what is tested is the handshake
	c, err := (&tls.Dialer{Config: wish}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = c.Close() }()
	return c.(*tls.Conn).ConnectionState(), nil
}

func TestTL1OnlyTLS12And13(t *testing.T) {
	k := newKit(t)
	addr := k.door(k.load(&told{}))
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		state, err := dial(t, addr, &tls.Config{MinVersion: version, MaxVersion: version})
		if (err == nil) != good || good && state.Version != version {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	if state, err := dial(t, addr, &tls.Config{}); err != nil || state.Version != tls.VersionTLS13 {
		t.Errorf("1.3 is not preferred: %s, %v", tls.VersionName(state.Version), err)
	}
}

// Every suite that Go knows is offered alone: only those of the list are taken.
func TestTL1UnderTLS12OnlyECDHEWithAESGCM(t *testing.T) {
	k := newKit(t)
	doors := map[string]string{"ecdsa": k.door(k.load(&told{}))}
	k.write(k.issueRSA("rsa"))
	doors["rsa"] = k.door(k.load(&told{}))
	allowed := map[string]map[uint16]bool{
		"ecdsa": {tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: true},
		"rsa":   {tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: true, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: true},
	}
	for kind, addr := range doors {
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			_, err := dial(t, addr, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
			if (err == nil) != allowed[kind][suite.ID] {
				t.Errorf("%s certificate, %s: %v", kind, suite.Name, err)
			}
		}
	}
}

func TestTL1Groups(t *testing.T) {
	k := newKit(t)
	addr := k.door(k.load(&told{}))
	for group, good := range map[tls.CurveID]bool{tls.X25519MLKEM768: true, tls.X25519: true, tls.CurveP256: true, tls.CurveP384: false, tls.CurveP521: false} {
		state, err := dial(t, addr, &tls.Config{CurvePreferences: []tls.CurveID{group}})
		if (err == nil) != good || good && state.CurveID != group {
			t.Errorf("%s: %v", group, err)
		}
	}
	if state, err := dial(t, addr, &tls.Config{}); err != nil || state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("the hybrid group is not preferred: %s, %v", state.CurveID, err)
	}
}

func TestTL1HTTP2AndOldClients(t *testing.T) {
	k := newKit(t)
	addr := k.door(k.load(&told{}))
	for _, c := range []struct {
		h2   bool
		want string
	}{{true, "HTTP/2.0"}, {false, "HTTP/1.1"}} {
		tr := &http.Transport{ForceAttemptHTTP2: c.h2, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		res, err := (&http.Client{Transport: tr}).Get("https://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		tr.CloseIdleConnections()
		if err != nil || string(body) != c.want {
			t.Errorf("%s, want %s, %v", body, c.want, err)
		}
	}
	if _, err := dial(t, addr, &tls.Config{NextProtos: []string{"spdy/3"}}); err == nil {
		t.Error("an unknown protocol was agreed to (ALPACA)")
	}
}

// TL1: settings survive a reload of the certificate, and so do sessions under way.
func TestTL1SettingsSurviveReload(t *testing.T) {
	k := newKit(t)
	c := k.load(&told{})
	addr := k.door(c)
	open, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	k.write(k.issue("two", time.Hour, nil))
	c.Reload(t.Context())
	if state, err := dial(t, addr, &tls.Config{}); err != nil || state.PeerCertificates[0].Subject.CommonName != "two" {
		t.Fatalf("the new certificate is not served: %v", err)
	}
	if _, err := dial(t, addr, &tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("after the reload TLS 1.1 is spoken")
	}
	if _, err := dial(t, addr, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}); err == nil {
		t.Error("after the reload the list of suites is wider")
	}
	if _, err := io.WriteString(open, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if body, err := io.ReadAll(open); err != nil || len(body) == 0 {
		t.Errorf("a connection under way broke: %v", err)
	}
}
