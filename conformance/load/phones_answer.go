package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/device"
	"github.com/egide-id/egide/internal/platform/clock"
)

const (
	benchPIN  = "2580"
	waitingID = "main"                // of the page that waits for the phone
	settling  = 20 * time.Millisecond // until a long poll stands at the node
)

// holder is one who answers, and the request that waits for him.
type holder struct {
	id      rpps.NationalID
	phone   *device.Phone
	request ecps.Request
	poll    string // the address that the login page's script asks
	cookies []*http.Cookie
}

// answerers enrols the phones that answer.
func answerers(ctx context.Context, n *harness.Node, folks []rpps.Professional) ([]*holder, error) {
	list := make([]*holder, len(folks))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * workers}}
	return list, each(len(folks), func(i int) error {
		inv, err := n.Admin.Invite(ctx, folks[i].ID)
		if err != nil {
			return fmt.Errorf("invite: %w", err)
		}
		phone, err := device.Enrol(ctx, client, inv.URL, benchPIN, device.Options{})
		list[i] = &holder{id: folks[i].ID, phone: phone}
		return err
	})
}

// ask opens a login up to the page that waits for the phone; asked is when the
// form with the identifier went out.
func (b *bench) ask(s harness.Service, h *holder) (asked time.Time, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("login: %v", r)
		}
	}()
	browser := harness.NewBrowser(failing{}, harness.At(s.Redirect))
	browser.Get(b.authorizeURL(s))
	asked = clock.System{}.Now()
	browser.Submit("submit-ecps", map[string]string{"login": h.id.String()})
	u, err := browser.Page.URL.Parse(browser.Page.Attr(waitingID, "data-state-url"))
	if err != nil || browser.Page.Attr(waitingID, "data-state-url") == "" {
		return asked, errors.Join(err, fmt.Errorf("not the waiting page: %s", browser.Page.Code()))
	}
	u.RawQuery = url.Values{"state": {"open"}, "delivery": {browser.Page.Attr(waitingID, "data-delivery")}}.Encode()
	h.poll, h.cookies = u.String(), browser.Cookies(u)
	return asked, nil
}

// fetch has the phone read the request that was just opened.
func (h *holder) fetch(ctx context.Context) error {
	list, err := h.phone.Waiting(ctx)
	if err != nil {
		return err
	}
	if len(list.Requests) == 0 {
		return errors.New("no request waits")
	}
	h.request = slices.MaxFunc(list.Requests, func(a, b ecps.Request) int { return int(a.OpenedAt - b.OpenedAt) })
	return nil
}

func (h *holder) approve(ctx context.Context) error {
	_, err := h.phone.Approve(ctx, h.request, h.request.Number, benchPIN)
	return err
}

// approvalCost tells what one approval costs the node, beside the signatures it
// must verify: the phone's call, its answer, the PIN.
func (b *bench) approvalCost(ctx context.Context, s harness.Service, holders []*holder) error {
	err := each(len(holders), func(i int) error {
		if _, err := b.ask(s, holders[i]); err != nil {
			return err
		}
		return holders[i].fetch(ctx)
	})
	if err != nil {
		return err
	}
	half := len(holders) / 2
	if err := b.approvals(ctx, "one phone at a time", holders[:half], inTurn); err != nil {
		return err
	}
	if err := b.approvals(ctx, "eight at once", holders[half:], each); err != nil {
		return err
	}
	floor, err := verifications()
	if err == nil {
		fmt.Printf("floor: two ES256 verifications and one Ed25519: %d us\n", floor.Microseconds())
	}
	return err
}

// approvals has all holders approve, and tells what that cost the node.
func (b *bench) approvals(ctx context.Context, how string, holders []*holder, each func(int, func(int) error) error) error {
	before, err := b.node.CPU()
	if err != nil {
		return err
	}
	if err := each(len(holders), func(i int) error { return holders[i].approve(ctx) }); err != nil {
		return err
	}
	after, err := b.node.CPU()
	if err != nil {
		return err
	}
	fmt.Printf("approval, %s: %d us CPU each of %d\n", how, ((after - before) / time.Duration(len(holders))).Microseconds(), len(holders))
	return nil
}

func inTurn(n int, f func(int) error) error {
	for i := range n {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}

// verifications is the floor of an approval.
func verifications() (time.Duration, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	digest := sha256.Sum256([]byte("floor"))
	es, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	public, pin, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	ed := ed25519.Sign(pin, digest[:])
	return best(200, func() error {
		good := ed25519.Verify(public, digest[:], ed)
		for range 2 { // of the call and of the answer
			good = good && ecdsa.VerifyASN1(&key.PublicKey, digest[:], es)
		}
		if !good {
			return errors.New("floor: a signature does not verify")
		}
		return nil
	})
}
