package registration

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/egide-id/egide/internal/oidc/client"
)

// sector holds a sector_identifier_uri to what it publishes: a list with every
// redirect URI of this registration (Core 8.1, Registration 5). Without it anybody
// could join a sector and learn the names that its services know people by.
func (r *Registration) sector(ctx context.Context, c *client.Client) error {
	uri := c.Answers.SectorURI
	if uri == "" {
		return nil
	}
	got, err := r.Site.Get(ctx, uri, "application/json")
	if err != nil || got.Status != http.StatusOK {
		return bad("sector_identifier_uri cannot be fetched")
	}
	var published []string
	if err := json.Unmarshal(got.Body, &published); err != nil {
		return bad("sector_identifier_uri does not publish a list of redirect URIs")
	}
	for _, redirect := range c.RedirectURIs {
		if !slices.Contains(published, redirect) {
			return bad("sector_identifier_uri does not list every redirect URI")
		}
	}
	return nil
}
