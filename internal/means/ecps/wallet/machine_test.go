package wallet

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
)

// machine drives one request and one phone through every order of events that a
// page, a phone, a thief and a clock can make, beside a model of what must hold.
type machine struct {
	k      *kit
	h      *handset
	holder rpps.NationalID
	page   Pending
	model  struct {
		good    bool // a live approval with both signatures and the right number was made
		over    bool // the request left the state open
		wrong   int  // wrong PINs in a row
		locked  bool
		stopped bool
	}
}

// Whatever happens in whatever order, an approval can be consumed only after
// both signatures, the right number, on a live request, by a phone that is good;
// and it is consumed once.
func TestNoPathApprovesWithoutBothKeysNumberAndLiveRequest(t *testing.T) {
	k, n := newKit(t), 0
	rapid.Check(t, func(r *rapid.T) {
		n++ // every check has a holder of its own, on the same provider
		m := &machine{k: k, holder: rpps.MustNationalID(fmt.Sprintf("8%011d", 10_000_000_000+n))}
		k.dir.set([]rpps.NationalID{m.holder}, func(p *rpps.Professional) { p.FirstSeen = start.AddDate(-1, 0, 0) })
		m.h = k.handset(m.holder)
		k.must(k.RememberBrowser(k.ctx, "own", m.holder))
		m.open()
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			step := rapid.SampledFrom([]string{"right", "wrong pin", "wrong number", "foreign key", "refuse", "cancel", "wait", "suspend", "resume", "consume", "open"}).Draw(r, "step")
			m.step(r, step)
		}
	})
}

func (m *machine) open() {
	m.page = m.k.open(m.holder, func(a *Ask) { a.Browser = "own"; a.Supersedes = m.page.ID })
	m.model.good, m.model.over = false, false
}

// answer tries an approval and tells whether the provider took it.
func (m *machine) answer(number, pin string, spoil ...func(*ecps.Answer)) error {
	q, err := m.k.visible(m.k.ctx, Device{ID: m.h.id, Holder: m.h.holder}, m.page.ID)
	m.k.must(err)
	token, next := m.h.token(m.k.view(q, device{}, m.k.clock.Now()), number, pin, spoil...)
	d, err := m.k.deviceByID(m.k.ctx, m.h.id)
	m.k.must(err)
	_, err = m.k.Answer(m.k.ctx, Device{ID: m.h.id, Holder: m.h.holder, row: d}, m.page.ID, token)
	after, e := m.k.deviceByID(m.k.ctx, m.h.id)
	m.k.must(e)
	if after.ratchet == ecps.Hash(next) {
		m.h.rat = []string{next}
	}
	return err
}

func (m *machine) step(r *rapid.T, step string) {
	may := !m.model.over && !m.model.locked && !m.model.stopped && m.k.clock.Now().Before(m.page.ExpiresAt)
	switch step {
	case "right":
		err := m.answer(m.page.Number, rightPIN)
		if may != (err == nil) {
			r.Fatalf("right answer: %v, allowed %t (%+v)", err, may, m.model)
		}
		if may {
			m.model.good, m.model.over, m.model.wrong = true, true, 0
		}
	case "wrong pin":
		if err := m.answer(m.page.Number, badPIN); err == nil {
			r.Fatal("a wrong PIN was taken")
		}
		if may {
			if m.model.wrong++; m.model.wrong >= MaxPINFailures {
				m.model.locked, m.model.over = true, true
			}
		}
	case "wrong number":
		if err := m.answer(other(m.page.Number), rightPIN); err == nil {
			r.Fatal("a wrong number was taken")
		}
		m.model.over = m.model.over || may
	case "foreign key":
		thief := *m.h
		thief.secret = make([]byte, ecps.SecretSize)
		stolen := &machine{k: m.k, h: &thief, page: m.page}
		if err := stolen.answer(m.page.Number, rightPIN); err == nil {
			r.Fatal("another PIN key was taken")
		}
		m.h.rat = thief.rat
		if may {
			if m.model.wrong++; m.model.wrong >= MaxPINFailures {
				m.model.locked, m.model.over = true, true
			}
		}
	case "refuse":
		if err := m.answer("", "", refusing); may != (err == nil) {
			r.Fatalf("refusal: %v, allowed %t", err, may)
		}
		m.model.over = m.model.over || may
	case "cancel":
		if m.k.Cancel(m.k.ctx, m.page.ID) == nil {
			m.model.good, m.model.over = false, true
		}
	case "wait":
		m.k.clock.Advance(time.Duration(rapid.IntRange(1, 70).Draw(r, "seconds")) * time.Second)
	case "suspend":
		m.k.must(m.k.SuspendPhone(m.k.ctx, m.holder, m.h.id, "holder"))
		m.model.stopped = m.model.stopped || !m.model.locked
	case "resume":
		m.k.must(m.k.ResumePhone(m.k.ctx, m.holder, m.h.id, "card", "c"))
		m.model.stopped = false
	case "open":
		if m.model.locked || m.model.stopped {
			return
		}
		m.open()
	case "consume":
		m.consume(r)
	}
}

func (m *machine) consume(r *rapid.T) {
	proof, err := m.k.Consume(m.k.ctx, m.page.ID)
	if err == nil && (!m.model.good || m.model.stopped || m.model.locked) {
		r.Fatalf("consumed although %+v", m.model)
	}
	if err != nil {
		return
	}
	if proof.Device != m.h.id || proof.Holder != m.holder {
		r.Fatal(fmt.Sprintf("proof of somebody else: %+v", proof))
	}
	if _, err := m.k.Consume(m.k.ctx, m.page.ID); err == nil {
		r.Fatal("consumed twice")
	}
	m.model.good = false
}
