package op

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

const (
	objectAccept    = "application/oauth-authz-req+jwt, application/jwt"
	fetchesOfClient = 4 // at once: whoever calls here makes this server call there
)

// fetchObject gets a request object from where the client registered that it
// would be. Any other address would make this server ask whatever a stranger
// wants (RFC 9101 10.4, D8).
func (o *OP) fetchObject(ctx context.Context, caller *client.Client, uri string) (string, error) {
	bad := func(why string) *oauth.Error { return oauth.New(oauth.InvalidRequestURI, why) }
	if !slices.Contains(caller.Requests.URIs, uri) {
		return "", bad("the request_uri is not one the service registered")
	}
	done, ok := o.fetches.begin(caller.ID)
	if !ok {
		return "", bad("too many requests are being fetched from the service at this moment")
	}
	defer done()
	answer, err := o.sites.Get(ctx, uri, objectAccept)
	if err != nil {
		return "", bad("the request object cannot be fetched").Because(err)
	}
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.Status != http.StatusOK || err != nil || media != "application/oauth-authz-req+jwt" && media != "application/jwt" {
		return "", bad("no request object is at the request_uri")
	}
	return strings.TrimSpace(string(answer.Body)), nil
}

// fetches counts the fetches under way per client: one whose site answers
// slowly, asked by anybody as often as he likes, must not take the places of
// all others (HA6).
type fetches struct {
	mu  sync.Mutex
	now map[string]int
}

// begin takes a place, which done gives back; false when the client has none left.
func (f *fetches) begin(clientID string) (done func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now[clientID] >= fetchesOfClient {
		return nil, false
	}
	if f.now == nil {
		f.now = map[string]int{}
	}
	f.now[clientID]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.now[clientID]--; f.now[clientID] == 0 {
			delete(f.now, clientID)
		}
	}, true
}
