package demo

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/cardbridge/agent"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/provider"
	"github.com/egide-id/egide/internal/sandbox"
	"github.com/egide-id/egide/internal/sandbox/cardpage"
	"github.com/egide-id/egide/internal/sandbox/inboxpage"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// cards is what logins by card need beside the provider.
type cards struct {
	authority *pki.Authority
	all       *sandbox.Cards
	desk      net.Listener     // page of the cards, and the authority's revocations
	bridge    *agent.Listeners // nil without a bridge in this process
}

// authorityBits make the authority's six keys in half a second.
const authorityBits = 2048

// Ranges of the authority that the demonstration uses.
var (
	cardRanges     = []igc.Range{igc.Fort, igc.Standard}
	softwareRanges = []igc.Range{igc.Elementaire}
)

// prepareCards opens the ports and makes the authority that the provider pins.
func (d *Demo) prepareCards(ctx context.Context, o Options, dir string) (provider.CardConfig, error) {
	c := provider.CardConfig{Policies: []string{igc.TestPolicy}, Staff: true}
	var err error
	if d.cards.desk, err = listenBeside(ctx, o.Addr, "127.0.0.1", deskStep); err != nil {
		return c, err
	}
	d.onClose(func(context.Context) error { return closed(d.cards.desk.Close()) })
	c.BridgePorts = d.listenBridge(ctx, o)
	d.cards.authority, err = pki.New(pki.Options{
		Clock: o.Clock, Bits: authorityBits, BaseURL: "http://" + d.cards.desk.Addr().String(), Dir: filepath.Join(dir, "pki"),
	})
	if err != nil {
		return c, err
	}
	d.cards.all = sandbox.NewCards(sandbox.CardDeps{
		Authority: d.cards.authority, Dir: filepath.Join(dir, "cards"), Clock: o.Clock, Log: o.Log,
	})
	d.onClose(func(context.Context) error { d.cards.all.Close(); return nil })
	if err := d.cards.authority.MakeFor(cardRanges, softwareRanges); err != nil {
		return c, err
	}
	c.Authorities, err = pin(d.cards.authority, filepath.Join(dir, "card-authorities"))
	if err == nil && o.CardsDir != "" {
		err = d.cards.all.Save(o.CardsDir)
	}
	return c, err
}

// letters are what would have been sent to invented people.
func (d *Demo) letters() []inboxpage.Message {
	var list []inboxpage.Message
	for _, m := range d.inbox.Messages() {
		list = append(list, inboxpage.Message{Channel: string(m.Channel), To: m.To, Subject: m.Subject, Body: m.Body, At: m.At})
	}
	return list
}

// pin writes the authority's certificates where the provider reads them.
func pin(a *pki.Authority, dir string) ([]provider.CardAuthority, error) {
	issuers, err := a.TrustedIssuers(cardRanges...)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("card authorities: %w", err)
	}
	var list []provider.CardAuthority
	for _, i := range issuers {
		p := provider.CardAuthority{
			Range: i.Range, OCSP: i.OCSP, CRL: i.CRL,
			Root: filepath.Join(dir, string(i.Range)+"-root.pem"), Issuer: filepath.Join(dir, string(i.Range)+"-issuer.pem"),
		}
		if err := errors.Join(writePEM(p.Root, i.Root), writePEM(p.Issuer, i.Issuer)); err != nil {
			return nil, fmt.Errorf("card authorities: %w", err)
		}
		list = append(list, p)
	}
	return list, nil
}

func writePEM(path string, c *x509.Certificate) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 0o600)
}

// startCards serves the desk, and the bridge that asks the cards on it.
func (d *Demo) startCards(ctx context.Context, o Options) error {
	desk := d.cards.desk
	inbox, err := inboxpage.New(inboxpage.Deps{Messages: d.letters, Log: o.Log})
	if err != nil {
		return err
	}
	page, err := cardpage.New(cardpage.Deps{
		Cards: d.cards.all, Authority: d.cards.authority.Handler(), Inbox: inbox, Port: portOf(desk.Addr().String()), Rand: o.Rand, Log: o.Log,
	})
	if err != nil {
		return err
	}
	d.serve(ctx, web.Server(page.Handler(), o.Log), desk)
	d.sheet.CardsURL = "http://" + desk.Addr().String() + "/"
	d.sheet.InboxURL = d.sheet.CardsURL + "inbox"
	if d.cards.bridge == nil {
		return nil
	}
	bridge, err := d.newBridge(o)
	if err != nil {
		return err
	}
	d.sheet.BridgePorts = []int{d.cards.bridge.Port}
	d.run(ctx, func(ctx context.Context) error { return bridge.Serve(ctx, d.cards.bridge) })
	return nil
}
