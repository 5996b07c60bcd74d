package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/platform/store"
)

// How long the list behind a sector identifier URI counts.
const (
	sectorFresh = 24 * time.Hour      // then it is fetched again, behind the answer
	sectorKept  = 30 * 24 * time.Hour // so long it counts while the site is down
	sectorPause = time.Minute         // between two fetches: strangers must not make us hammer a site
	maxSector   = 500                 // addresses in one list
)

// Sectors confirms that a service belongs to the sector it named: that the list
// at its sector identifier URI holds every redirect URI (Core 8.1, RE2). Without
// that, whoever runs a service could name the sector of another one and learn
// what people are called there. Lists lie in the shared store, so that a restart
// asks nobody. Safe for concurrent use.
type Sectors struct {
	site    Site
	lists   store.Records[sectorList]
	clock   clock.Clock
	log     *slog.Logger
	flights singleflight.Group
}

// sectorList is what a site said last.
type sectorList struct {
	URIs  []string  `json:"uris"`
	Good  time.Time `json:"good,omitzero"` // of the last good answer
	Tried time.Time `json:"tried"`
}

// NewSectors makes it.
func NewSectors(site Site, kv store.KV, c clock.Clock, log *slog.Logger) *Sectors {
	return &Sectors{site: site, lists: store.NewRecords[sectorList](kv, "sector"), clock: c, log: log}
}

// Confirm answers nil for a service whose sector is confirmed, or that needs none.
// Errors: fault.Invalid when the list does not hold all its redirect URIs,
// fault.Unavailable when the site has never answered, or the store cannot tell.
func (s *Sectors) Confirm(ctx context.Context, c *Client) error {
	if !c.Pairwise() || c.Answers.SectorURI == "" {
		return nil
	}
	have, err := s.list(ctx, c.Answers.SectorURI)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	covered := have.covers(c)
	if stale := now.Sub(have.Good) >= sectorFresh; (stale || !covered) && now.Sub(have.Tried) >= sectorPause {
		flight := s.fetch(ctx, c.Answers.SectorURI)
		if covered {
			return nil // the last good list answers, the next one comes behind it
		}
		if err := await(ctx, flight); err != nil {
			return err
		}
		if have, err = s.list(ctx, c.Answers.SectorURI); err != nil {
			return err
		}
		covered = have.covers(c)
	}
	switch {
	case covered:
		return nil
	case have.Good.IsZero():
		return fault.New(fault.Unavailable, "", "the sector identifier URI has not answered with a list yet")
	}
	return fault.New(fault.Invalid, "", "the sector identifier URI does not list every redirect URI of the service")
}

func (l sectorList) covers(c *Client) bool {
	return !l.Good.IsZero() && !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return !slices.Contains(l.URIs, uri) })
}

// list reads what is known of an address; nothing yet is the zero list.
func (s *Sectors) list(ctx context.Context, uri string) (sectorList, error) {
	have, err := s.lists.Get(ctx, sectorID(uri))
	if fault.Is(err, fault.NotFound) {
		return sectorList{}, nil
	}
	// By our clock, too: a try that failed late keeps the record a little longer.
	if err == nil && s.clock.Now().Sub(have.Good) >= sectorKept {
		have.URIs, have.Good = nil, time.Time{}
	}
	return have, err
}

// fetch asks the site, once for all who ask at the same time.
func (s *Sectors) fetch(ctx context.Context, uri string) <-chan singleflight.Result {
	ctx = context.WithoutCancel(ctx)
	return s.flights.DoChan(uri, func() (any, error) {
		next := sectorList{Tried: s.clock.Now()}
		answer, err := s.site.Get(ctx, uri, "application/json")
		if err == nil {
			next.URIs, err = readSector(answer)
		}
		if err == nil {
			next.Good = next.Tried
		} else {
			s.log.WarnContext(ctx, "a sector identifier URI gives no list", slog.String("sector", host(uri)), slog.Any("error", err))
		}
		if err := s.keep(ctx, uri, next); err != nil {
			s.log.ErrorContext(ctx, "the list of a sector cannot be kept", slog.Any("error", err))
		}
		return nil, nil //nolint:nilnil // the result is in the store
	})
}

// keep stores a good list, or that a try failed beside the last good one.
func (s *Sectors) keep(ctx context.Context, uri string, next sectorList) error {
	life := func(l sectorList) time.Duration { return max(sectorKept-l.Tried.Sub(l.Good), sectorPause) }
	_, err := s.lists.Update(ctx, sectorID(uri), func(l *sectorList) (time.Duration, error) {
		if next.Good.IsZero() {
			l.Tried = next.Tried
		} else {
			*l = next
		}
		return life(*l), nil
	})
	if fault.Is(err, fault.NotFound) {
		err = s.lists.Put(ctx, sectorID(uri), next, life(next))
	}
	return err
}

// CheckSector asks the site now, for an operator who looks at a registration.
func CheckSector(ctx context.Context, site Site, c *Client) []Fault {
	if !c.Pairwise() || c.Answers.SectorURI == "" {
		return nil
	}
	answer, err := site.Get(ctx, c.Answers.SectorURI, "application/json")
	var uris []string
	if err == nil {
		uris, err = readSector(answer)
	}
	k := &checker{c: c}
	k.refuse(err != nil, "sector_identifier_uri", fmt.Sprintf("gives no list: %v", err))
	for i, uri := range c.RedirectURIs {
		k.refuse(err == nil && !slices.Contains(uris, uri), fmt.Sprintf("redirect_uris[%d]", i), "is not in the list at sector_identifier_uri")
	}
	return k.faults
}

// readSector reads a JSON array of addresses, and nothing else.
func readSector(a outbound.Answer) ([]string, error) {
	if a.Status != http.StatusOK {
		return nil, fault.New(fault.Invalid, "", "the site answers with another status than 200")
	}
	d := json.NewDecoder(bytes.NewReader(a.Body))
	var uris []string
	if err := d.Decode(&uris); err != nil || d.More() {
		return nil, fault.Wrap(fault.Invalid, "", "the answer is no JSON list of addresses", err)
	}
	if len(uris) == 0 || len(uris) > maxSector {
		return nil, fault.New(fault.Invalid, "", "the list is empty or longer than 500 addresses")
	}
	return uris, nil
}

func sectorID(uri string) string {
	sum := sha256.Sum256([]byte(uri))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
