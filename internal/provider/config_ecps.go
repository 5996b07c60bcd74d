package provider

import (
	"net/url"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/platform/config"
)

// ECPSConfig is the phone's side of the provider.
type ECPSConfig struct {
	AppURL string     `yaml:"app_url"` // the app's own host, https://ecps.example; empty: no app is served here
	Mail   MailConfig `yaml:"mail"`    // without it and sms, phones are activated by card only
	SMS    SMSConfig  `yaml:"sms"`
	Push   PushConfig `yaml:"push"`
}

// MailConfig reaches the relay that takes our mail.
type MailConfig struct {
	Host     string        `yaml:"host"` // empty: no mail is sent
	Port     int           `yaml:"port"` // 587 if 0
	Username string        `yaml:"username"`
	Password config.Secret `yaml:"password"` // by password_file or the environment
	From     string        `yaml:"from"`
	TLS      string        `yaml:"tls"` // starttls (default), implicit; none is for loopback
}

// SMSConfig reaches the gateway that takes our messages.
type SMSConfig struct {
	URL    string        `yaml:"url"` // empty: no SMS is sent
	Format string        `yaml:"format"`
	To     string        `yaml:"to"`   // name of the field for the number, "to" if empty
	Text   string        `yaml:"text"` // name of the field for the text, "text" if empty
	Token  config.Secret `yaml:"token"`
	// Idempotent: the gateway sends once under one Idempotency-Key; then a letter
	// whose fate is unknown is handed over again.
	Idempotent bool `yaml:"idempotent"`
}

// PushConfig wakes phones whose app is closed (RFC 8030).
type PushConfig struct {
	Contact string `yaml:"contact"` // mailto: or https: address that push services may write to; empty: no push is sent
}

func (c ECPSConfig) validate(environment string) []config.Fault {
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: "ecps." + path, Message: message})
		}
	}
	bad(!appURL(c.AppURL, environment), "app_url", "must be https://host with no path; http is for the sandbox on loopback")
	bad((c.Mail.Host == "") != (c.SMS.URL == ""), "mail", "mail and sms go together: an activation wants one secret by each (PG-12)")
	bad(c.Mail.Host != "" && c.Mail.From == "", "mail.from", "is required")
	bad(c.Mail.TLS != "" && c.Mail.TLS != "starttls" && c.Mail.TLS != "implicit" && (c.Mail.TLS != "none" || !loopback(c.Mail.Host)), "mail.tls", "must be starttls or implicit; none is for loopback")
	bad(!gatewayURL(c.SMS.URL), "sms.url", "must be https; http is for loopback")
	bad(c.SMS.Format != "" && c.SMS.Format != "json" && c.SMS.Format != "form", "sms.format", "must be json or form")
	bad(c.Push.Contact != "" && c.AppURL == "", "push", "needs app_url: the app is what receives")
	return faults
}

func appURL(s, environment string) bool {
	u, err := url.Parse(s)
	if s == "" {
		return true
	}
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && environment == Sandbox && loopback(u.Hostname())
}

// sameHost tells whether an address shares its host, port included, with another.
func sameHost(s string, others ...string) bool {
	host := func(s string) string {
		if u, err := url.Parse(s); err == nil {
			return strings.ToLower(u.Host)
		}
		return ""
	}
	own := host(s)
	return own != "" && slices.ContainsFunc(others, func(o string) bool { return host(o) == own })
}

func gatewayURL(s string) bool {
	u, err := url.Parse(s)
	return s == "" || err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}
