package dmp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/dmp/policy"
	"github.com/egide-id/egide/internal/platform/clock"
)

// Config is what the operator decides.
type Config struct {
	Issuer       string   // of the provider, exactly as its discovery document spells it
	DiscoveryURL string   // where the document is, when not under the issuer
	ClientID     string   // as registered with the provider
	ClientSecret string   // sent by client_secret_basic
	PublicURL    string   // where browsers find this service, without final slash
	Scopes       []string // default: openid scope_all
	ACRValues    []string // default: eidas1
}

// Deps is what the service needs from the house.
type Deps struct {
	Clock  clock.Clock
	Rand   io.Reader
	Log    *slog.Logger
	HTTP   *http.Client   // calls to the provider; nil takes one with a time-out and no redirects
	Policy *policy.Policy // nil takes the matrix that ships with the service
}

// Limits of this service. A session never outlives what the provider itself
// would keep (EXI RIE-PS 13: 4 hours in all, 30 minutes idle).
const (
	sessionIdle     = 30 * time.Minute
	sessionAbsolute = 4 * time.Hour
	loginLife       = 15 * time.Minute
	providerTimeout = 10 * time.Second
	maxForm         = 16 << 10
)

// Service is the relying service. It holds its sessions in memory: a
// demonstration has one node, and losing them costs a login without a prompt.
type Service struct {
	cfg      Config
	clock    clock.Clock
	rand     io.Reader
	log      *slog.Logger
	policy   *policy.Policy
	provider *provider
	logins   *logins
	sessions *sessions
	heard    *heard
	records  *shelf
	pages    *pages
	cookies  cookies
	handler  http.Handler
}

// New prepares the service. It calls nobody: the provider may start later.
func New(cfg Config, d Deps) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if d.Policy == nil {
		p, err := policy.Default()
		if err != nil {
			return nil, err
		}
		d.Policy = p
	}
	if d.HTTP == nil {
		d.HTTP = newHTTPClient()
	}
	records, err := loadRecords()
	if err != nil {
		return nil, err
	}
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, clock: d.Clock, rand: d.Rand, log: d.Log, policy: d.Policy,
		provider: &provider{cfg: cfg, http: d.HTTP, clock: d.Clock},
		logins:   newLogins(d.Clock),
		sessions: newSessions(d.Clock),
		heard:    &heard{ids: map[string]time.Time{}},
		records:  records,
		pages:    pages,
		cookies:  cookies{secure: strings.HasPrefix(cfg.PublicURL, "https://")},
	}
	s.handler = s.headers(s.routes())
	return s, nil
}

func (c Config) withDefaults() Config {
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "scope_all"}
	}
	if len(c.ACRValues) == 0 {
		c.ACRValues = []string{"eidas1"}
	}
	return c
}

// check names every fault at once.
func (c Config) check() error {
	var faults []error
	for name, value := range map[string]string{"issuer": c.Issuer, "public URL": c.PublicURL} {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
			faults = append(faults, fmt.Errorf("dmp: %s %q is no http(s) URL", name, value))
		}
	}
	if strings.HasSuffix(c.PublicURL, "/") {
		faults = append(faults, errors.New("dmp: public URL ends with a slash"))
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		faults = append(faults, errors.New("dmp: client id and secret are both needed"))
	}
	return errors.Join(faults...)
}

func (c Config) callbackURL() string   { return c.PublicURL + "/callback" }
func (c Config) postLogoutURL() string { return c.PublicURL + "/" }

// newHTTPClient follows no redirect: an endpoint of the provider that redirects
// a request carrying a secret is a fault, not a detour.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout:       providerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ServeHTTP makes the service a handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// routes lists all pages and the interface for programs.
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /login", s.startLogin)
	mux.HandleFunc("GET /callback", s.callback)
	mux.HandleFunc("GET /situation", s.showSituations)
	mux.HandleFunc("POST /situation", s.chooseSituation)
	mux.HandleFunc("GET /patient/{id}", s.consult)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("POST "+NoticePath, s.notified)
	mux.HandleFunc("GET /api/consultation/{id}", s.apiConsult)
	mux.HandleFunc("POST /api/alimentation/{id}", s.apiAdd)
	mux.HandleFunc("GET /style.css", s.pages.style)
	mux.HandleFunc("/", s.notFound)
	return mux
}
