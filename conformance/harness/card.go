package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/sandbox"
)

// Insert puts a persona's card into a reader, as an integrator's CI does.
func (d *Demo) Insert(t testing.TB, persona string) { d.moveCard(t, persona, "insert") }

// Remove pulls it.
func (d *Demo) Remove(t testing.TB, persona string) { d.moveCard(t, persona, "remove") }

// WrongPIN makes its holder mistype once and give up.
func (d *Demo) WrongPIN(t testing.TB, persona string) { d.moveCard(t, persona, "wrong-pin") }

func (d *Demo) moveCard(t testing.TB, persona, order string) {
	t.Helper()
	status, body := d.desk(t, http.MethodPost, "cards/"+url.PathEscape(persona)+"/"+order)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", order, persona, status, body)
	}
}

// Desk tells how readers and cards stand.
func (d *Demo) Desk(t testing.TB) sandbox.Desk {
	t.Helper()
	var desk sandbox.Desk
	if _, body := d.desk(t, http.MethodGet, "cards"); json.Unmarshal(body, &desk) != nil {
		t.Fatalf("the desk said %s", body)
	}
	return desk
}

func (d *Demo) desk(t testing.TB, method, path string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.Sheet.CardsURL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// ByCard does what the card page's script does, from the login page on: a
// challenge, the bridge, the answer. A refusal of the bridge ends on that page;
// otherwise the browser is where the provider sent it.
func (b *Browser) ByCard(bridge int) cps.Problem {
	b.t.Helper()
	if b.Page.Has("submit-card") {
		b.Submit("submit-card", nil)
	}
	jti, answer, refused := b.AskCard(bridge)
	if refused.Error != "" {
		return refused
	}
	b.Submit("card-form", map[string]string{"jti": jti, "answer": answer})
	return cps.Problem{}
}

// AskCard takes a challenge from the card page and has the bridge answer it.
func (b *Browser) AskCard(bridge int) (jti, answer string, refused cps.Problem) {
	b.t.Helper()
	c := b.challenge()
	ask, err := json.Marshal(cps.Ask{Protocol: cps.Protocol, Challenge: c.Challenge})
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/v1/authenticate", bridge), bytes.NewReader(ask))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Card-Bridge", "1")
	req.Header.Set("Origin", b.Page.URL.Scheme+"://"+b.Page.URL.Host)
	status, body := b.send(req)
	if status != http.StatusOK {
		if err := json.Unmarshal(body, &refused); err != nil || refused.Error == "" {
			b.t.Fatalf("the bridge said %d %s", status, body)
		}
	}
	return c.JTI, string(body), refused
}

type challenge struct {
	Challenge string `json:"challenge"`
	JTI       string `json:"jti"`
}

func (b *Browser) challenge() (c challenge) {
	b.t.Helper()
	_, _, values, err := b.Page.form("card-form")
	if err != nil {
		b.t.Fatalf("no card page: %v\n%s", err, b.Page.Body)
	}
	to, err := b.Page.URL.Parse(b.Page.Attr("main", "data-challenge"))
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{"csrf": {values.Get("csrf")}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, to.String(), bytes.NewReader([]byte(form.Encode())))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body := b.send(req); status != http.StatusOK || json.Unmarshal(body, &c) != nil {
		b.t.Fatalf("no challenge: %d %s", status, body)
	}
	return c
}

func (b *Browser) send(req *http.Request) (int, []byte) {
	b.t.Helper()
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, body
}
