package client

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/platform/outbound/outboundtest"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
)

const sectorAt = "https://group.example/uris.json"

type sectorBed struct {
	*Sectors

	t     *testing.T
	sites *outboundtest.Sites
	clock *clock.Manual
	c     *Client
}

func newSectorBed(t *testing.T) *sectorBed {
	t.Helper()
	b := &sectorBed{t: t, sites: &outboundtest.Sites{}, clock: clock.NewManual(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))}
	log := slog.New(slog.DiscardHandler)
	kv, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Clock: b.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	b.Sectors = NewSectors(b.sites, kv, b.clock, log)
	b.c = &Client{ID: "bank", RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb"}, Answers: Answers{SubjectType: SubjectPairwise, SectorURI: sectorAt}}
	return b
}

func (b *sectorBed) confirm(want fault.Kind) {
	b.t.Helper()
	err := b.Confirm(b.t.Context(), b.c)
	if want == 0 && err != nil || want != 0 && !fault.Is(err, want) {
		b.t.Errorf("confirmed %v, want %v", err, want)
	}
}

func (b *sectorBed) lists(uris ...string) { b.sites.SetJSON(b.t, sectorAt, uris) }

func TestRE2SectorListsEveryRedirectURI(t *testing.T) {
	b := newSectorBed(t)
	b.lists("https://a.example/cb", "https://b.example/cb", "https://c.example/cb")
	for range 5 {
		b.confirm(0)
	}
	if n := b.sites.Asked(sectorAt); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if faults := CheckSector(t.Context(), b.sites, b.c); len(faults) != 0 {
		t.Errorf("%v", faults)
	}
}

// Somebody names the sector of another service, to learn its names for people.
func TestRE2SectorOfAnotherService(t *testing.T) {
	b := newSectorBed(t)
	for name, uris := range map[string][]string{
		"none of ours": {"https://c.example/cb"}, "one is missing": {"https://a.example/cb"},
		"nearly": {"https://a.example/cb", "https://b.example/cb/"}, "another case": {"https://a.example/cb", "https://B.example/cb"},
	} {
		b.lists(uris...)
		b.clock.Advance(sectorPause)
		if err := b.Confirm(t.Context(), b.c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if faults := CheckSector(t.Context(), b.sites, b.c); len(faults) == 0 || !strings.HasPrefix(faults[0].Path, "redirect_uris[") {
			t.Errorf("%s: lint says %v", name, faults)
		}
	}
	b.lists("https://a.example/cb", "https://b.example/cb")
	b.confirm(fault.Invalid) // not asked again yet
	b.clock.Advance(sectorPause)
	b.confirm(0)
}

// A site that is down or says nonsense: nobody is sent anywhere, it is asked
// seldom, and what it said well once counts for a month.
func TestRE2D8SectorSiteDownOrHostile(t *testing.T) {
	b := newSectorBed(t)
	b.confirm(fault.Unavailable)
	for range 50 {
		b.confirm(fault.Unavailable)
	}
	if n := b.sites.Asked(sectorAt); n != 1 {
		t.Errorf("a site that is down is asked %d times in a minute", n)
	}
	for name, body := range map[string]string{
		"a page": "<html>", "an object": `{"uris":[]}`, "numbers": `[1,2]`, "empty": `[]`, "goes on": `["https://a.example/cb","https://b.example/cb"] x`,
		"too long": `[` + strings.Repeat(`"https://a.example/cb",`, 600) + `"https://b.example/cb"]`,
	} {
		b.sites.Set(sectorAt, "application/json", body)
		b.clock.Advance(sectorPause)
		if err := b.Confirm(t.Context(), b.c); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.sites.Answer(sectorAt, outbound.Answer{Status: http.StatusFound, Body: []byte(`["https://a.example/cb","https://b.example/cb"]`)})
	b.clock.Advance(sectorPause)
	b.confirm(fault.Unavailable)

	b.lists("https://a.example/cb", "https://b.example/cb")
	b.clock.Advance(sectorPause)
	b.confirm(0)
	b.sites.Down(sectorAt)
	for range 29 {
		b.clock.Advance(24 * time.Hour)
		b.confirm(0)
	}
	b.clock.Advance(48 * time.Hour)
	b.confirm(fault.Unavailable)
}

// A service that adds a redirect URI and lists it need not wait a day; one that
// was taken off the list is refused within the day.
func TestRE2SectorListChanges(t *testing.T) {
	b := newSectorBed(t)
	b.lists("https://a.example/cb", "https://b.example/cb")
	b.confirm(0)
	b.c.RedirectURIs = append(b.c.RedirectURIs, "https://new.example/cb")
	b.lists("https://a.example/cb", "https://b.example/cb", "https://new.example/cb")
	b.confirm(fault.Invalid)
	b.clock.Advance(sectorPause)
	b.confirm(0)
	b.lists("https://a.example/cb")
	b.clock.Advance(sectorFresh)
	b.confirm(0) // the old list answers once more, the new one comes behind it
	<-b.fetch(t.Context(), sectorAt)
	b.confirm(fault.Invalid)
}

// Many who come at once are one request.
func TestRE2HA6CrowdAsksTheSiteOnce(t *testing.T) {
	b := newSectorBed(t)
	b.lists("https://a.example/cb", "https://b.example/cb")
	release := b.sites.Hold(sectorAt)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := b.Confirm(t.Context(), b.c); err != nil {
				t.Error(err)
			}
		})
	}
	release()
	wg.Wait()
	if n := b.sites.Asked(sectorAt); n > 3 {
		t.Errorf("asked %d times", n)
	}
}
