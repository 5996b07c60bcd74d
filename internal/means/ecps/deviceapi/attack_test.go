package deviceapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Stolen phone, PIN unknown: all ten thousand PINs give a key, a pad and a code,
// and nothing the phone keeps tells any of them from another.
func TestOfflineSearchOfThePINOnAStolenPhone(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(p.SetOffline(t.Context(), rightPIN))
	asked, r := l.login(p, doctor)
	_, err := p.Approve(t.Context(), r, asked.Number, rightPIN)
	l.must(err)
	state, err := p.State()
	l.must(err)
	var kept map[string]any
	l.must(json.Unmarshal(state, &kept))
	secret, err := base64.RawURLEncoding.DecodeString(kept["secret"].(string))
	l.must(err)
	masked, err := base64.RawURLEncoding.DecodeString(kept["masked"].(string))
	l.must(err)
	for n := range 10_000 {
		pin := fmt.Sprintf("%04d", n)
		key, err := ecps.PINKey(pin, secret, 2)
		l.must(err)
		seed, err := ecps.MaskSeed(masked, pin, secret, 2)
		l.must(err)
		for what, b := range map[string][]byte{"public key": key[32:], "seed": key[:32], "offline seed": seed} {
			if bytes.Contains(state, b) || strings.Contains(string(state), base64.RawURLEncoding.EncodeToString(b)) || strings.Contains(string(state), ecps.Hash(string(b))) {
				t.Fatalf("the phone keeps the %s of PIN %s", what, pin)
			}
		}
		if len(seed) != 32 {
			t.Fatalf("PIN %s gives no seed", pin)
		}
	}
}

// A stolen database without the phone: no column opens anything, and what an
// approval needs, the two private keys, is nowhere in it.
func TestStolenDatabaseWithoutThePhone(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(p.SetOffline(t.Context(), rightPIN))
	state, err := p.State()
	l.must(err)
	var kept map[string]any
	l.must(json.Unmarshal(state, &kept))
	rows, err := l.db.Read().Query(`SELECT name FROM pragma_table_info('devices')`)
	l.must(err)
	defer func() { _ = rows.Close() }()
	var columns []string
	for rows.Next() {
		var c string
		l.must(rows.Scan(&c))
		columns = append(columns, c)
	}
	if slices.ContainsFunc(columns, func(c string) bool { return c == "pin" || c == "pin_hash" || c == "secret" }) {
		t.Errorf("a column for the PIN: %v", columns)
	}
	var row string
	l.must(l.db.Read().QueryRow(`SELECT device_key || pin_key || ratchet || otp_seed || label FROM devices WHERE id = $1`, p.ID()).Scan(&row))
	for _, name := range []string{"key", "secret", "masked"} {
		if strings.Contains(row, kept[name].(string)) {
			t.Errorf("the database holds the phone's %s", name)
		}
	}
	for _, ratchet := range kept["ratchets"].([]any) {
		if strings.Contains(row, ratchet.(string)) {
			t.Error("the database holds the ratchet in the clear")
		}
	}
}

// Stolen phone without the PIN: three tries in all, whatever node judges them and
// however often the node is started anew.
func TestStolenPhoneHasThreeTriesAcrossNodesAndRestarts(t *testing.T) {
	dir := t.TempDir()
	manual := clock.NewManual(begin)
	log := slog.New(slog.DiscardHandler)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// node is a provider that begins anew on what the last one left.
	node := func() (*wallet.Wallet, func()) {
		kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "kv.db"), Clock: manual, Log: log})
		must(err)
		durable, err := db.Open(t.Context(), filepath.Join(dir, "durable.db"))
		must(err)
		w, err := wallet.New(wallet.Deps{
			KV: kv, Bus: store.NewLocalBus(), DB: durable, Directory: people{doctor: rpps.Professional{ID: doctor}}, Clock: manual, Rand: randomness{},
			Audit: &audit.Memory{}, Log: log, Issuer: "http://127.0.0.1/auth", Rounds: 2, Sandbox: true,
		})
		must(err)
		return w, func() { _ = kv.Close(); _ = durable.Close() }
	}
	w, stop := node()
	h := newHand(t, w, manual)
	stop()
	for try := range 5 {
		w, stop := node()
		code := h.guess(w, badPIN)
		want := []string{ecps.CodeWrongPIN, ecps.CodeWrongPIN, ecps.CodeLocked, ecps.CodeLocked, ecps.CodeLocked}[try]
		if code != want {
			t.Errorf("try %d: %s, want %s", try+1, code, want)
		}
		stop()
	}
}

// Blind taps: who answers without looking is right one time in three at most,
// still has no PIN, and never gets a second choice.
func TestBlindTaps(t *testing.T) {
	l := newLife(t)
	hits, tries := 0, 24
	for range tries {
		p := l.phone(nurse)
		asked, r := l.login(p, nurse)
		_, err := p.Approve(t.Context(), r, r.Choices[0], badPIN)
		if device.CodeOf(err) == ecps.CodeWrongPIN {
			hits++
		}
		if _, err := l.wallet.Consume(t.Context(), asked.ID); err == nil {
			t.Fatal("a blind tap logged in")
		}
		_, again := l.login(p, nurse)
		if device.CodeOf(err) == ecps.CodeWrongNumber && !again.Typed {
			t.Fatal("a second choice after a wrong one")
		}
		l.must(l.wallet.RemovePhone(t.Context(), nurse, p.ID(), "test"))
	}
	if hits > tries*3/4 { // one in three is expected; three in four is no accident (1 in 100,000)
		t.Errorf("%d of %d blind taps were right", hits, tries)
	}
}

// A stranger who knows the number locks nobody out: neither requests, nor
// activations, nor offline codes, nor unsigned calls count against the phone.
func TestStrangerLocksNoDoctorOut(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	l.must(p.SetOffline(t.Context(), rightPIN))
	for range 40 {
		_, err := l.wallet.Open(t.Context(), wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "DMP", AskerKind: "computer", Source: "192.0.2.66"})
		l.must(err)
		_, _ = l.wallet.ProveOffline(t.Context(), wallet.Ask{Holder: doctor, Source: "192.0.2.66"}, "00000000")
		_, _ = l.acts.Begin(t.Context(), doctor.String(), "192.0.2.66")
	}
	asked, r := l.login(p, doctor)
	_, err := p.Approve(t.Context(), r, asked.Number, rightPIN)
	l.must(err)
	start := l.start()
	shown, err := l.wallet.Show(t.Context(), start)
	l.must(err)
	if _, err := p.Start(t.Context(), token(shown.QR), false); err != nil {
		t.Errorf("the QR is closed to its holder: %v", err)
	}
}

// Bombing: twenty pushes in five minutes from a browser the holder never used;
// after three refusals the phone is silent and the auditor is told.
func TestBombingTwentyPushesInFiveMinutes(t *testing.T) {
	l := newLife(t)
	p := l.phone(doctor)
	seen := map[string]bool{}
	for range 20 {
		_, err := l.wallet.Open(t.Context(), wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "DMP", AskerKind: "computer", Source: "192.0.2.66"})
		l.must(err)
		list, err := p.Waiting(t.Context())
		l.must(err)
		for _, r := range list.Requests {
			if !seen[r.ID] {
				seen[r.ID] = true
				_, err := p.Refuse(t.Context(), r)
				l.must(err)
			}
		}
		l.clock.Advance(15 * time.Second)
	}
	if len(seen) > 3 {
		t.Errorf("%d pushes reached the phone", len(seen))
	}
	l.clock.Advance(20 * time.Minute)
	for range 3 {
		_, err := l.wallet.Open(t.Context(), wallet.Ask{Holder: doctor, ClientID: "dmp", Service: "DMP", AskerKind: "computer", Source: "192.0.2.66"})
		l.must(err)
		list, err := p.Waiting(t.Context())
		l.must(err)
		for _, r := range list.Requests {
			_, err := p.Refuse(t.Context(), r)
			l.must(err)
		}
		l.clock.Advance(10 * time.Minute)
	}
	if !slices.Contains(l.names(), "strangers.silenced") {
		t.Errorf("the auditor was not told: %v", l.names())
	}
}
