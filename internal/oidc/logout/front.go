package logout

import (
	"html/template"
	"net/url"
	"slices"

	"github.com/egide-id/egide/internal/oidc/session"
)

// gone is the content of loggedout.html.
type gone struct {
	Kept   bool         // the person chose to stay
	Frames []string     // services to tell through this browser (Front-Channel Logout 1.0)
	Next   template.URL // where the service asked to go on, after them
}

// frames gives the addresses by which a browser tells the services of ended
// sessions: registered ones only, with issuer and session where the service
// asked for them (FCL 2, 3). Each once.
func (l *Logout) frames(over []session.Session) []string {
	var list []string
	for _, s := range over {
		for _, id := range s.Clients {
			c, err := l.d.Clients.Lookup(id)
			if err != nil || c.Logout.FrontchannelURI == "" {
				continue
			}
			u, err := url.Parse(c.Logout.FrontchannelURI)
			if err != nil {
				continue // registration has checked it
			}
			if c.Logout.FrontchannelSession {
				q := u.Query()
				q.Set("iss", l.d.Issuer)
				q.Set("sid", s.SID)
				u.RawQuery = q.Encode()
			}
			if address := u.String(); !slices.Contains(list, address) {
				list = append(list, address)
			}
		}
	}
	return list
}
