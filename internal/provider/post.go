package provider

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps/activation"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/courier"
	"github.com/egide-id/egide/internal/platform/fault"
)

// senders reach the relay and the gateway that the configuration names; in a
// sandbox with an inbox, nobody. None means that this provider writes to nobody.
func (p *Provider) senders(c Config) (map[courier.Channel]courier.Sender, error) {
	if p.deps.Inbox != nil && c.Environment == Sandbox {
		return map[courier.Channel]courier.Sender{courier.Mail: p.deps.Inbox.Sender(courier.Mail), courier.SMS: p.deps.Inbox.Sender(courier.SMS)}, nil
	}
	if c.ECPS.Mail.Host == "" {
		return nil, nil //nolint:nilnil // a provider that writes to nobody is no failure
	}
	m, s := c.ECPS.Mail, c.ECPS.SMS
	smtp, err := courier.NewSMTP(courier.SMTPOptions{
		Host: m.Host, Port: m.Port, Username: m.Username, Password: m.Password.Reveal(), From: m.From,
		Implicit: m.TLS == "implicit", Plain: m.TLS == "none", Clock: p.deps.Clock,
	})
	if err != nil {
		return nil, err
	}
	gateway, err := courier.NewGateway(courier.GatewayOptions{
		URL: s.URL, Form: s.Format == "form", ToField: s.To, TextField: s.Text, Token: s.Token.Reveal(), OnceUnderOneKey: s.Idempotent,
		HTTP: &http.Client{Timeout: gatewayPatience}, Clock: p.deps.Clock,
	})
	return map[courier.Channel]courier.Sender{courier.Mail: smtp, courier.SMS: gateway}, err
}

const gatewayPatience = 20 * time.Second

// carry hands letters over until ctx ends.
func (p *Provider) carry(ctx context.Context) {
	if p.mail == nil {
		return
	}
	w := &courier.Worker{Outbox: p.res.outbox, Senders: p.mail, Rand: p.deps.Rand, Log: p.deps.Log}
	w.Run(ctx)
}

// newActivations wires way B; nil where nobody can be written to.
func (p *Provider) newActivations(c Config, w *wallet.Wallet) (*activation.Activations, error) {
	if p.mail == nil {
		return nil, nil //nolint:nilnil // then phones are activated by card only
	}
	limits := activation.DefaultLimits()
	if c.Environment == Sandbox { // all strangers share one loopback address, all personas are tried often
		limits = activation.Limits{PerHolder: 1 << 20, PerSource: 1 << 20}
	}
	return activation.New(activation.Deps{
		KV: p.res.kv, Directory: p.res.register, Clock: p.deps.Clock, Rand: p.deps.Rand, Audit: p.res.traces,
		Outbox: letterbox{p.res.outbox}, Limits: limits, Reach: reach, Admit: w.Admit,
	})
}

// letterbox is the outbox as activation knows it.
type letterbox struct{ box *courier.Outbox }

// Enqueue implements activation.Outbox.
func (l letterbox) Enqueue(ctx context.Context, letters ...activation.Letter) error {
	all := make([]courier.Message, 0, len(letters))
	for _, x := range letters {
		all = append(all, courier.Message{
			Key: x.Key, Channel: courier.Channel(x.Channel), To: x.To, Subject: x.Subject, Body: x.Body, Kind: x.Kind, Holder: x.Holder,
			Void: x.Void, Expires: x.GoodTill,
		})
	}
	return l.box.Enqueue(ctx, all...)
}

// reach gives what may be written to of the contact data on record.
func reach(c rpps.Contact) (mail, mobile string) {
	if m, err := courier.MailAddress(c.Mail); err == nil {
		mail = m
	}
	if n, err := courier.MobileNumber(c.Phone); err == nil {
		mobile = n
	}
	return mail, mobile
}

// maskedContact is reach for a page.
func maskedContact(person rpps.Professional) (mail, mobile string) {
	mail, mobile = reach(person.Contact)
	return courier.Masked(courier.Mail, mail), courier.Masked(courier.SMS, mobile)
}

// post tells a holder what happened to his e-CPS. It never fails the act.
func (p *Provider) post(ctx context.Context, n wallet.News) {
	if err := p.writeTo(ctx, n); err != nil {
		p.deps.Log.WarnContext(ctx, "a holder was not told", slog.String("kind", string(n.Kind)), slog.Any("error", err))
	}
}

func (p *Provider) writeTo(ctx context.Context, n wallet.News) error {
	if p.mail == nil || n.Way == wallet.WaySandbox {
		return nil
	}
	id, err := rpps.ParseNationalID(n.Holder)
	if err != nil {
		return err
	}
	person, err := p.res.register.Lookup(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	mail, _ := reach(person.Contact)
	if mail == "" {
		return nil
	}
	subject, body := letterOf(n)
	return p.res.outbox.Enqueue(ctx, courier.Message{
		Key: n.Key, Channel: courier.Mail, To: mail, Subject: subject, Body: body, Holder: person.ID.String(), Kind: string(n.Kind),
	})
}

// warnService writes to the address that the service has registered. It hears the
// sub and the session it knows, and nothing else of the person.
func (p *Provider) warnService(ctx context.Context, c *client.Client, sub, sid string) error {
	to, err := courier.MailAddress(c.Contact)
	if p.mail == nil || err != nil {
		return err
	}
	return p.res.outbox.Enqueue(ctx, courier.Message{
		Key: "contested-" + c.ID + "-" + sid, Channel: courier.Mail, To: to, Kind: "contested", Holder: sub,
		Subject: "Connexion contestée par son titulaire",
		Body: fmt.Sprintf(`Bonjour,

Le titulaire d'une identité a signalé une connexion qui n'était pas la sienne. Ses sessions et jetons sont terminés.

Service : %s (%s)
sub : %s
sid : %s

Fermez sa session chez vous et examinez ce qui y a été fait.

English: the holder reported a sign-in that was not his own. Close his session and look at what was done in it.
`, c.Name, c.ID, sub, sid),
	})
}

// Delivery is what support sees of a letter: never its content.
type Delivery struct {
	Channel  string    `json:"channel"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	To       string    `json:"to"` // masked
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
}

func (p *Provider) delivered(ctx context.Context, holder rpps.NationalID) ([]Delivery, error) {
	list, err := p.res.outbox.Status(ctx, holder.String())
	if err != nil {
		return nil, err
	}
	out := make([]Delivery, 0, len(list))
	for _, d := range list {
		out = append(out, Delivery{
			Channel: string(d.Channel), Kind: d.Kind, State: string(d.State), To: d.To, At: cmp.Or(d.DoneAt, d.At), Attempts: d.Attempts,
		})
	}
	return out, nil
}
