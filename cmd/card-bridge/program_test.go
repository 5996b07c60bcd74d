//go:build pcsc

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
)

// loginPage is a provider as a bridge sees it: keys to fetch, challenges, and
// the place where a pulled card is reported.
type loginPage struct {
	*httptest.Server
	t       *testing.T
	key     *ecdsa.PrivateKey
	removed chan cps.Removal
}

func newLoginPage(t *testing.T) *loginPage {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	p := &loginPage{t: t, key: key, removed: make(chan cps.Removal, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST "+cps.RemovalPath, func(w http.ResponseWriter, r *http.Request) {
		var got cps.Removal
		_ = json.NewDecoder(r.Body).Decode(&got)
		w.WriteHeader(http.StatusNoContent)
		p.removed <- got
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		p.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return p
}

// Sign implements cps.Signer.
func (p *loginPage) Sign(alg jose.SignatureAlgorithm, typ string, payload []byte) (string, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: p.key}, &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{jose.HeaderType: typ, "kid": "k1"}})
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// started is the program as it is installed, told where to listen by itself.
type started struct {
	t      *testing.T
	base   string
	stderr *bytes.Buffer
	stop   func() int
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	s := &started{t: t, stderr: &bytes.Buffer{}}
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"run", "--port", "0"}, args...), in, s.stderr) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	_, address, _ := strings.Cut(strings.TrimSpace(line), "listens on ")
	s.base = "http://" + address
	s.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { s.stop() })
	return s
}

// login lets page ask the card, and gives the challenge it asked with.
func (s *started) login(page *loginPage) (c cps.Challenge, token string, status int, body []byte) {
	s.t.Helper()
	c, err := cps.NewChallenge(rand.Reader, clock.System{}.Now(), page.URL, "txn", "DMP")
	must(s.t, err)
	token, err = c.Sign(page)
	must(s.t, err)
	status, body = s.call(http.MethodPost, "/v1/authenticate", page.URL, cps.Ask{Protocol: cps.Protocol, Challenge: token})
	return c, token, status, body
}

// call asks the bridge as a page of origin.
func (s *started) call(method, path, origin string, body any) (int, []byte) {
	s.t.Helper()
	b, err := json.Marshal(body)
	must(s.t, err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(b))
	must(s.t, err)
	req.Header.Set("Origin", origin)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Card-Bridge", "1")
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	answer, err := io.ReadAll(res.Body)
	must(s.t, err)
	must(s.t, res.Body.Close())
	return res.StatusCode, answer
}

// pinentry is a window whose holder types pin at once.
func pinentry(t *testing.T, pin string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pinentry")
	script := "#!/bin/sh\necho OK\nwhile read -r word rest; do\n  [ \"$word\" = GETPIN ] && echo 'D " + pin + "'\n  echo OK\ndone\n"
	must(t, os.WriteFile(file, []byte(script), 0o700))
	return file
}
