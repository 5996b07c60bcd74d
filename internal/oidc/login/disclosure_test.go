package login_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// To a browser the holder has not used, nobody can be told from anybody.
func TestPG4AttackWhoExists(t *testing.T) {
	w := newWorld(t)
	w.people.add("899700990031", "VERA", "VERROU", "10", "DR")
	w.people.add("899700990049", "SUZON", "PAUSE", "10", "DR")
	w.people.add("899700990056", "PERRIN", "ECHEANCE", "10", "DR")
	w.people.add("899700990064", "HONORINE", "RETRAITE", "60", "")
	for _, id := range []string{camille, "899700990031", "899700990049", "899700990056", "899700990064"} {
		w.phone(id)
	}
	must(t, w.wallet.Lock(t.Context(), id("899700990031")))
	must(t, w.wallet.Suspend(t.Context(), id("899700990049")))
	must(t, w.wallet.Expire(t.Context(), id("899700990056")))
	w.people.close("899700990064")
	var first page
	for i, who := range []string{camille, nobody, "899700990031", "899700990049", "899700990056", "899700990064"} {
		b := w.browser()
		path := b.login()
		posted := b.press(path, "ecps", "login", who)
		seen := b.get(path)
		b.press(path, "resend")
		w.clock.Advance(30 * time.Second)
		later := b.get(path)
		w.clock.Advance(2 * time.Minute)
		over := b.get(path)
		all := page{status: posted.status*1_000_000 + seen.status*1000 + over.status, body: blank(b, path, who, seen, later, over)}
		if i == 0 {
			first = all
		} else if all.status != first.status || all.body != first.body {
			t.Errorf("%s looks different:\n%s\nthan the first:\n%s", who, all.body, first.body)
		}
	}
}

// blank takes out what must differ: handle, number, token, identifier, reference.
func blank(b *browser, path, who string, pages ...page) string {
	var s strings.Builder
	for _, p := range pages {
		n := "--"
		if m := matchNumber.FindStringSubmatch(p.body); m != nil {
			n = m[1]
		}
		s.WriteString(strings.NewReplacer(
			strings.TrimPrefix(path, "/login/"), "HANDLE", csrfOfBody(p.body), "TOKEN", who, "ID", who[:4]+"\u00a0"+who[4:8]+"\u00a0"+who[8:], "ID",
			">"+n+"<", ">NN<", n[:1]+" "+n[1:], "N N", ">"+n+" –", ">NN –",
		).Replace(p.body))
	}
	return s.String()
}

func csrfOfBody(body string) string {
	_, after, _ := strings.Cut(body, `name="csrf" value="`)
	token, _, _ := strings.Cut(after, `"`)
	return token
}

// In a browser the holder has used, the true reason stands on the page.
func TestKnownBrowserHearsTheTrueReason(t *testing.T) {
	for _, tc := range []struct {
		code string
		do   func(w *world) error
	}{
		{"PF-EC-015", func(w *world) error { return w.wallet.Lock(t.Context(), id(camille)) }},
		{"PF-EC-016", func(w *world) error { return w.wallet.Suspend(t.Context(), id(camille)) }},
		{"PF-EC-014", func(w *world) error { return w.wallet.Expire(t.Context(), id(camille)) }},
		{"PF-EC-017", func(w *world) error { w.people.close(camille); return nil }},
	} {
		w := newWorld(t)
		b := w.browser()
		b.enter(w.phone(camille), camille)
		if b.cookie("egide-known") == "" {
			t.Fatal("the browser was not remembered")
		}
		must(t, tc.do(w))
		path := b.login()
		got := b.send(path, "ecps", "login", camille)
		if got.status != http.StatusForbidden {
			t.Errorf("%s: status %d", tc.code, got.status)
		}
		got.wants(t, `data-code="`+tc.code+`"`, `id="login-ecps"`)
		// Another holder's state is no business of this browser.
		if other := b.press(path, "ecps", "login", noemie); other.location != path {
			t.Errorf("leads to %q", other.location)
		}
	}
}

func TestDeliveryIsShownInKnownBrowsersOnly(t *testing.T) {
	w := newWorld(t)
	b, p := w.browser(), w.phone(camille)
	path := b.login()
	b.ask(path, camille)
	r := w.request(p)
	must(t, p.Received(t.Context(), r.ID))
	stranger := b.get(path)
	stranger.wants(t, "Nous attendons votre réponse")
	stranger.lacks(t, "a reçu la demande", "data-delivery-text")
	w.approve(p, stranger.number(t))
	b.get(path)
	path = b.login()
	b.ask(path, camille)
	b.get(path).wants(t, "Demande envoyée à votre téléphone")
	w.clock.Advance(25 * time.Second)
	b.get(path).wants(t, "PF-EC-011")
	must(t, p.Received(t.Context(), w.request(p).ID))
	b.get(path).wants(t, "Votre téléphone a reçu la demande")
}

// The same in time: over 200 tries in alternation, a holder who exists and one
// who does not cost the page the same calls of the store, in the same order.
// Calls are compared, not clocks, so that a busy machine proves nothing.
func TestPG4AttackWhoExistsByTheWorkDone(t *testing.T) {
	w := newWorld(t)
	w.phone(camille)
	var usual string
	for i := range 200 {
		b := w.browser()
		path := b.login()
		w.kv.reset()
		b.press(path, "ecps", "login", []string{camille, nobody}[i%2])
		b.get(path)
		switch work := w.kv.work(); {
		case i < 4: // counters of holder and source begin
		case usual == "":
			usual = work
		case work != usual:
			t.Fatalf("try %d did\n%s\nthe others\n%s", i, work, usual)
		}
	}
}
