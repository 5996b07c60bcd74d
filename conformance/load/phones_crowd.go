package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/egide-id/egide/conformance/harness"
	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/clock"
)

// crowd is many phones that hold streams and answer nothing.
type crowd struct {
	api, host string // base of the device API, where it listens
	issuer    string
	phones    []crowdPhone
	open      atomic.Int64
	again     atomic.Int64
	arrivals  chan arrival
}

type crowdPhone struct {
	holder  rpps.NationalID
	device  string
	key     *ecdsa.PrivateKey
	streams int
}

// arrival is an event with a request that reached a phone.
type arrival struct {
	holder rpps.NationalID
	at     time.Time
}

func (c *crowd) streams() (n int) {
	for _, p := range c.phones {
		n += p.streams
	}
	return n
}

// enrolCrowd enrols one phone of one stream for each answering holder, and as
// many of the others as the streams need.
func enrolCrowd(ctx context.Context, n *harness.Node, folks []rpps.Professional, streams int) (*crowd, error) {
	c := &crowd{arrivals: make(chan arrival, streams)}
	for i, left := 0, streams; left > 0; i++ {
		p := crowdPhone{streams: 1}
		if i < answering {
			p.holder = folks[i].ID
		} else {
			p.holder, p.streams = folks[answering+(i-answering)/perHolder].ID, min(perPhone, left)
		}
		c.phones = append(c.phones, p)
		left -= p.streams
	}
	return c, each(len(c.phones), func(i int) error { return c.enrol(ctx, n, &c.phones[i], i == 0) })
}

// each runs f for 0 to n-1 from a few callers at once; the first runs alone.
func each(n int, f func(int) error) error {
	if err := f(0); err != nil {
		return err
	}
	var next atomic.Int64
	var all sync.WaitGroup
	failed := make([]error, workers)
	for w := range workers {
		all.Go(func() {
			for i := int(next.Add(1)); i < n && failed[w] == nil; i = int(next.Add(1)) {
				failed[w] = f(i)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (c *crowd) enrol(ctx context.Context, n *harness.Node, p *crowdPhone, first bool) error {
	inv, err := n.Admin.Invite(ctx, p.holder)
	if err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	if first {
		if err := c.learn(ctx, inv.URL); err != nil {
			return err
		}
	}
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	_, pin, err := ed25519.GenerateKey(rand.Reader) // of a PIN that nobody will type
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	var clk clock.System
	token, err := ecps.SignEnrolment(p.key, pin, ecps.Enrolment{
		V: ecps.Version, Issuer: c.issuer, Invitation: inv.Code, Rounds: crowdRounds, Time: clk.Now().Unix(),
	})
	if err != nil {
		return err
	}
	body, err := ecps.Encode(ecps.EnrolmentSubmission{Enrolment: token})
	if err != nil {
		return err
	}
	var done ecps.Enrolled
	if err := c.exchange(ctx, http.MethodPost, ecps.PathDevices, string(body), &done); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	p.device = done.Device
	return nil
}

// crowdRounds is what the crowd says it derives its PIN keys with.
const crowdRounds = 1_000_000

// learn reads where the API is from an invitation, and who the provider says it is.
func (c *crowd) learn(ctx context.Context, invitation string) error {
	u, err := url.Parse(invitation)
	if err != nil {
		return fmt.Errorf("invitation: %w", err)
	}
	u.Fragment = ""
	c.api, c.host = u.String(), u.Host
	var params ecps.Parameters
	if err := c.exchange(ctx, http.MethodGet, ecps.PathParameters, "", &params); err != nil {
		return err
	}
	c.issuer = params.Issuer
	return nil
}

func (c *crowd) exchange(ctx context.Context, method, path, body string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.api+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, ecps.MaxMessage))
	if err != nil || res.StatusCode >= http.StatusMultipleChoices {
		return errors.Join(err, fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, text))
	}
	return json.Unmarshal(text, out)
}
