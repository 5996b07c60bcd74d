package courier

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// office is an outbox on a clock that the test moves.
type office struct {
	t     *testing.T
	clock *clock.Manual
	db    *db.DB
	key   *seal.Key
	box   *Outbox
	path  string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, clock: clock.NewManual(start), path: filepath.Join(t.TempDir(), "egide.db")}
	var err error
	o.db, err = db.Open(t.Context(), o.path)
	must(t, err)
	o.key, err = seal.Open(t.TempDir(), rand.Reader)
	must(t, err)
	t.Cleanup(func() { _ = o.db.Close() })
	o.box = NewOutbox(o.db, o.key, o.clock)
	return o
}

func (o *office) worker(s Sender) *Worker {
	return &Worker{Outbox: o.box, Senders: map[Channel]Sender{Mail: s, SMS: s}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
}

// drain is one round of a worker: what the dead left, then all that is due.
func (w *Worker) drain(ctx context.Context) {
	w.settle(ctx)
	w.empty(ctx)
}

func letter(key string) Message {
	return Message{Key: key, Channel: Mail, To: "a@exemple.invalid", Subject: "s", Body: "secret-words", Holder: "h", Kind: "activation"}
}

func (o *office) enter(all ...Message) {
	o.t.Helper()
	must(o.t, o.box.Enqueue(o.t.Context(), all...))
}

func (o *office) state() State {
	o.t.Helper()
	list, err := o.box.Status(o.t.Context(), "h")
	must(o.t, err)
	if len(list) != 1 {
		o.t.Fatalf("%d letters", len(list))
	}
	return list[0].State
}

// hand is a sender that does what it is told.
type hand struct {
	mu         sync.Mutex
	got        []Outgoing
	err        func(n int) error
	idempotent bool
	count      atomic.Int64
}

func (h *hand) Idempotent() bool { return h.idempotent }

func (h *hand) Send(_ context.Context, o Outgoing) error {
	n := int(h.count.Add(1))
	if h.err != nil {
		if err := h.err(n); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, o)
	return nil
}

func TestLetterIsSentOnceUnderItsName(t *testing.T) {
	o, h := newOffice(t), &hand{}
	o.enter(letter("k"))
	o.enter(letter("k"), letter("k"))
	o.worker(h).drain(t.Context())
	o.enter(letter("k"))
	o.worker(h).drain(t.Context())
	if len(h.got) != 1 || h.got[0].Body != "secret-words" || o.state() != Sent {
		t.Fatalf("%+v %s", h.got, o.state())
	}
}

// A hundred workers at one row: one hands it over.
func TestHundredWorkersOneHandOver(t *testing.T) {
	o, h := newOffice(t), &hand{}
	o.enter(letter("k"))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { o.worker(h).drain(t.Context()) })
	}
	wg.Wait()
	if h.count.Load() != 1 {
		t.Fatalf("handed over %d times", h.count.Load())
	}
}

// The worker dies between the hand-over and its record, and the node starts anew:
// a mail is not sent a second time, and nobody claims that it left.
func TestCrashBetweenHandOverAndItsRecord(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		o := newOffice(t)
		h := &hand{idempotent: idempotent}
		o.enter(letter("k"))
		claimed, err := o.box.claim(t.Context())
		must(t, err)
		out, err := o.worker(h).open(claimed)
		must(t, err)
		must(t, h.Send(t.Context(), out)) // and here the power goes
		must(t, o.db.Close())
		o.db, err = db.Open(t.Context(), o.path)
		must(t, err)
		o.box = NewOutbox(o.db, o.key, o.clock)
		o.worker(h).drain(t.Context())
		if o.state() != Handing || h.count.Load() != 1 {
			t.Fatalf("before its lease ended: %s, %d", o.state(), h.count.Load())
		}
		o.clock.Advance(lease)
		o.worker(h).drain(t.Context())
		want, times := Unsure, int64(1)
		if idempotent {
			want, times = Sent, 2
		}
		if o.state() != want || h.count.Load() != times {
			t.Errorf("idempotent %t: %s after %d hand-overs", idempotent, o.state(), h.count.Load())
		}
		_ = o.db.Close()
	}
}

// A sender that fails is asked again, later and later, until the letter is of no use.
func TestFailuresAreTriedAgainAndEnd(t *testing.T) {
	o := newOffice(t)
	h := &hand{err: func(n int) error {
		if n < 3 {
			return errors.New("no line")
		}
		return nil
	}}
	o.enter(letter("k"))
	for range 4 {
		o.worker(h).drain(t.Context())
		o.clock.Advance(time.Minute)
	}
	if o.state() != Sent || h.count.Load() != 3 {
		t.Errorf("%s after %d", o.state(), h.count.Load())
	}
	never := newOffice(t)
	h = &hand{err: func(int) error { return errors.New("no line") }}
	m := letter("k")
	m.Expires = start.Add(15 * time.Minute)
	never.enter(m)
	for range 60 {
		never.worker(h).drain(t.Context())
		never.clock.Advance(time.Minute)
	}
	if s := never.state(); s != Expired && s != Failed || h.count.Load() > maxTries {
		t.Errorf("%s after %d", s, h.count.Load())
	}
}

func TestWordsOfASender(t *testing.T) {
	for name, test := range map[string]struct {
		said *Refusal
		want State
	}{
		"never":         {&Refusal{Permanent: true}, Failed},
		"perhaps taken": {&Refusal{Unsure: true}, Unsure},
		"in an hour":    {&Refusal{After: time.Hour}, Waiting},
	} {
		o := newOffice(t)
		o.enter(letter("k"))
		o.worker(&hand{err: func(int) error { return test.said }}).drain(t.Context())
		if got := o.state(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// What was to be said has died before it could leave: it stays.
func TestDeadSecretIsNotSent(t *testing.T) {
	o, h := newOffice(t), &hand{}
	m := letter("k")
	m.Expires = start.Add(time.Minute)
	o.enter(m)
	o.clock.Advance(time.Minute)
	o.worker(h).drain(t.Context())
	if h.count.Load() != 0 || o.state() != Expired {
		t.Fatal(o.state())
	}
}

// A void letter takes the same way, leaves nothing, and is nobody's business.
func TestVoidLetterGoesNowhere(t *testing.T) {
	o, h := newOffice(t), &hand{}
	m := letter("k")
	m.Void = true
	o.enter(m)
	o.worker(h).drain(t.Context())
	if list, err := o.box.Status(t.Context(), "h"); err != nil || len(list) != 0 || h.count.Load() != 0 {
		t.Fatalf("%+v %v", list, err)
	}
}

// A stolen database says neither what was written nor to whom, and a sent letter
// is forgotten.
func TestStolenDatabaseTellsNoLetter(t *testing.T) {
	o := newOffice(t)
	o.enter(letter("k"))
	var row string
	must(t, o.db.Read().QueryRow(`SELECT letter || masked FROM outbox`).Scan(&row))
	if strings.Contains(row, "secret-words") || strings.Contains(row, "a@exemple") {
		t.Errorf("the row says %s", row)
	}
	o.worker(&hand{}).drain(t.Context())
	must(t, o.db.Read().QueryRow(`SELECT letter FROM outbox`).Scan(&row))
	if row != "" {
		t.Error("a sent letter is kept")
	}
	o.clock.Advance(31 * 24 * time.Hour)
	must(t, o.box.purge(t.Context()))
	if list, err := o.box.Status(t.Context(), "h"); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// The worker wakes when a letter is entered, and ends when it is told.
func TestWorkerWakesAndEnds(t *testing.T) {
	o := newOffice(t)
	inbox := NewInbox(o.clock)
	w := &Worker{Outbox: o.box, Senders: map[Channel]Sender{Mail: inbox.Sender(Mail)}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	o.enter(letter("k"))
	_, err := inbox.Wait(t.Context(), func(r Received) bool { return r.Body == "secret-words" })
	must(t, err)
	stop()
	<-done
}

// stuck is a sender whose relay hangs on some letters.
type stuck struct {
	inbox Sender
	freed chan struct{}
}

func (stuck) Idempotent() bool { return false }

func (s stuck) Send(ctx context.Context, o Outgoing) error {
	if o.Subject == "hangs" {
		<-s.freed
	}
	return s.inbox.Send(ctx, o)
}

// A relay that hangs on one letter does not hold those that come after it, and
// the one that hangs is recorded although the node stops meanwhile.
func TestHangingRelayHoldsNoOtherLetter(t *testing.T) {
	o := newOffice(t)
	inbox := NewInbox(o.clock)
	s := stuck{inbox.Sender(Mail), make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { o.worker(s).Run(ctx); close(done) }()
	first := letter("hangs")
	first.Subject = "hangs"
	o.enter(first)
	for range 5 {
		m := letter(rand.Text())
		m.Body, m.Holder = m.Key, "other"
		o.enter(m)
		_, err := inbox.Wait(t.Context(), func(r Received) bool { return r.Body == m.Key })
		must(t, err)
	}
	stop()
	close(s.freed)
	<-done
	if o.state() != Sent {
		t.Error(o.state())
	}
}

// A worker that slept beyond its lease writes over nobody's work.
func TestWorkerThatSleptChangesNothing(t *testing.T) {
	o := newOffice(t)
	o.enter(letter("k"))
	slept, err := o.box.claim(t.Context())
	must(t, err)
	o.clock.Advance(lease)
	o.worker(&hand{idempotent: true, err: func(int) error { return errors.New("no line") }}).drain(t.Context())
	o.clock.Advance(time.Minute)
	_, err = o.box.claim(t.Context())
	must(t, err)
	must(t, o.box.again(t.Context(), slept, o.clock.Now()))
	must(t, o.box.finish(t.Context(), slept, Sent))
	if o.state() != Handing {
		t.Error(o.state())
	}
}

// What is done and what is written about it are one: undone together.
func TestLetterOfAnUndoneActIsNotSent(t *testing.T) {
	o, h := newOffice(t), &hand{}
	undone := errors.New("undone")
	err := o.db.Tx(t.Context(), func(tx *sql.Tx) error {
		must(t, o.box.EnqueueIn(t.Context(), tx, letter("k")))
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	o.worker(h).drain(t.Context())
	must(t, o.db.Tx(t.Context(), func(tx *sql.Tx) error { return o.box.EnqueueIn(t.Context(), tx, letter("k2")) }))
	o.worker(h).drain(t.Context())
	if len(h.got) != 1 || h.got[0].Key != "k2" {
		t.Errorf("%+v", h.got)
	}
}

// A letter that kills every worker that takes it is not tried for ever.
func TestLetterThatKillsItsWorkersEnds(t *testing.T) {
	o, h := newOffice(t), &hand{idempotent: true}
	o.enter(letter("k"))
	for range maxTries {
		_, err := o.box.claim(t.Context()) // and here it dies
		must(t, err)
		o.clock.Advance(lease)
		o.worker(h).settle(t.Context())
	}
	o.worker(h).drain(t.Context())
	if o.state() != Failed || h.count.Load() != 0 {
		t.Errorf("%s after %d", o.state(), h.count.Load())
	}
}

// The clock a millisecond before each limit, and at it.
func TestClockAcrossEveryLimit(t *testing.T) {
	const tick = time.Millisecond
	t.Run("end of a lease", func(t *testing.T) {
		o := newOffice(t)
		o.enter(letter("k"))
		_, err := o.box.claim(t.Context())
		must(t, err)
		for _, want := range []State{Handing, Unsure} {
			o.clock.Advance(map[State]time.Duration{Handing: lease - tick, Unsure: tick}[want])
			o.worker(&hand{}).drain(t.Context())
			if got := o.state(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
	t.Run("24 hours without an end of its own", func(t *testing.T) {
		for late, want := range map[time.Duration]State{24*time.Hour - tick: Sent, 24 * time.Hour: Expired} {
			o := newOffice(t)
			o.enter(letter("k"))
			o.clock.Advance(late)
			o.worker(&hand{}).drain(t.Context())
			if got := o.state(); got != want {
				t.Errorf("%s late: %s, want %s", late, got, want)
			}
		}
	})
	t.Run("the pause that a gateway asks for", func(t *testing.T) {
		o, h := newOffice(t), &hand{err: func(int) error { return &Refusal{After: time.Hour} }}
		o.enter(letter("k"))
		for _, step := range []struct {
			by    time.Duration
			tries int64
		}{{0, 1}, {longPause - tick, 1}, {tick, 2}} { // an hour is more than we wait
			o.clock.Advance(step.by)
			o.worker(h).drain(t.Context())
			if n := h.count.Load(); n != step.tries {
				t.Errorf("%s later: %d tries", step.by, n)
			}
		}
	})
	t.Run("30 days of a final row", func(t *testing.T) {
		o := newOffice(t)
		o.enter(letter("k"))
		o.worker(&hand{}).drain(t.Context())
		for _, step := range []struct {
			by   time.Duration
			left int
		}{{keptFor, 1}, {tick, 0}} {
			o.clock.Advance(step.by)
			must(t, o.box.purge(t.Context()))
			if list, err := o.box.Status(t.Context(), "h"); err != nil || len(list) != step.left {
				t.Errorf("%d left, %v", len(list), err)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"06 39 98 00 11": "+33639980011", "0639980011": "+33639980011", "+33 6 39 98 00 11": "+33639980011", "0033612345678": "+33612345678",
		"07.11.22.33.44": "+33711223344", "0690112233": "+590690112233", "0692112233": "+262692112233", "+262 692 11 22 33": "+262692112233", "0696001122": "+596696001122",
		"01 99 00 11 22": "", "0899001122": "", "0999001122": "", "063998001": "", "06399800111": "", "abc": "", "": "", "+4479460000": "", "06 39 98 00 11;ext=1": "",
	} {
		if got, err := MobileNumber(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
	for in, good := range map[string]bool{
		"camille@exemple.invalid": true, "c.e+x@sous.exemple.invalid": true, "a@b": false, "dr@cabinet.mssante.fr": false, "dr@MSSANTE.fr": false,
		"dr@ｍssante.fr": false, "dr@mssante。fr": false, "dr@mssanté.fr": false, "dr@[127.0.0.1]": false, "é@exemple.invalid": false,
		"A <a@exemple.invalid>": false, "a@exemple.invalid\r\nBcc: x@y.zz": false, "a@exemple.invalid,b@exemple.invalid": false, "": false,
	} {
		if _, err := MailAddress(in); (err == nil) != good {
			t.Errorf("%q: %v", in, err)
		}
	}
	if Masked(Mail, "camille@exemple.invalid") != "c•••••@exemple.invalid" || Masked(SMS, "+33639980021") != "06 •• •• •• 21" || Masked(SMS, "+590690112233") != "06 •• •• •• 33" || Masked(SMS, "+41") != "••••" {
		t.Error("masks")
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("06 39 98 00 11")
	f.Add("camille@exemple.invalid")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := MobileNumber(s); err == nil && (len(n) < 10 || len(n) > 14 || n[0] != '+' || strings.Trim(n[1:], "0123456789") != "") {
			t.Errorf("%q became %q", s, n)
		}
		if a, err := MailAddress(s); err == nil && strings.ContainsAny(a, "\r\n, ") {
			t.Errorf("%q became %q", s, a)
		}
	})
}
