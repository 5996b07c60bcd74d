package dmp

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/platform/fault"
)

// NoticePath is where the provider tells that a session ended; it is what the
// service registers as backchannel_logout_uri.
const NoticePath = "/backchannel-logout"

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	logoutType  = "logout+jwt"
	noticeSkew  = time.Minute
	noticeLife  = 10 * time.Minute // older ones are refused, and younger ones remembered as long
	maxNotices  = 10_000
)

// notice is a logout token (Back-Channel Logout 1.0, section 2.4).
type notice struct {
	Issuer   string                     `json:"iss"`
	Subject  string                     `json:"sub"`
	Audience oidc.Audience              `json:"aud"`
	Issued   int64                      `json:"iat"`
	Expires  int64                      `json:"exp"`
	ID       string                     `json:"jti"`
	SID      string                     `json:"sid"`
	Events   map[string]json.RawMessage `json:"events"`
	Nonce    *string                    `json:"nonce"`
}

// notified ends what the provider says is over: section 2.5 and 2.6. 200 means
// that nothing of that session is open here any more, 400 that the token is not
// one to believe.
func (s *Service) notified(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		http.Error(w, "a form is expected", http.StatusBadRequest)
		return
	}
	n, err := s.readNotice(r.Context(), r.PostForm.Get("logout_token"))
	if fault.Is(err, fault.Unavailable) {
		http.Error(w, "the provider's keys cannot be had", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		s.log.WarnContext(r.Context(), "a notice of logout was not believed", slog.Any("error", err))
		http.Error(w, "the logout token is not good", http.StatusBadRequest)
		return
	}
	s.log.InfoContext(r.Context(), "sessions ended by the provider", slog.Int("sessions", s.sessions.endOf(n.Subject, n.SID)))
}

// readNotice believes a token only if the provider signed it as a logout token,
// for us, just now, once (section 2.6). An ID token or any other document under
// the same key is not one (RFC 8725, 3.11).
func (s *Service) readNotice(ctx context.Context, token string) (notice, error) {
	bad := func(why string, cause error) (notice, error) {
		return notice{}, fault.Wrap(fault.Invalid, "", why, cause)
	}
	algorithms := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return bad("no signed token", err)
	}
	if typ, _ := signed.Signatures[0].Header.ExtraHeaders[jose.HeaderType].(string); typ != logoutType {
		return bad("the token is of another kind", nil)
	}
	parties, err := s.provider.get(ctx)
	if err != nil {
		return notice{}, err
	}
	payload, err := parties.login.IDTokenVerifier().KeySet.VerifySignature(ctx, signed)
	if err != nil {
		return bad("the signature is not the provider's", err)
	}
	var n notice
	if err := json.Unmarshal(payload, &n); err != nil {
		return bad("the token cannot be read", err)
	}
	now := s.clock.Now()
	issued, event := time.Unix(n.Issued, 0), n.Events[logoutEvent]
	switch {
	case n.Issuer != s.cfg.Issuer || !slices.Contains(n.Audience, s.cfg.ClientID):
		return bad("the token is from or for another", nil)
	case n.Expires == 0 || !now.Before(time.Unix(n.Expires, 0).Add(noticeSkew)):
		return bad("the token has expired", nil)
	case issued.After(now.Add(noticeSkew)) || now.Sub(issued) > noticeLife:
		return bad("the token is not of now", nil)
	case event == nil || n.Nonce != nil || n.SID == "" && n.Subject == "":
		return bad("the token says nothing of a logout", nil)
	case n.ID == "" || !s.heard.first(n.ID, now):
		return bad("the token was used before", nil)
	}
	return n, nil
}

// endOf ends the sessions of a person, or only the one that is named.
func (s *sessions) endOf(sub, sid string) int {
	s.mu.Lock()
	held := make(map[[32]byte]*session, len(s.all))
	for key, one := range s.all {
		held[key] = one
	}
	s.mu.Unlock()
	ended := 0
	for key, one := range held {
		one.mu.Lock() // a refresh may hold it; never both locks at once
		hit := (sub == "" || one.sub == sub) && (sid == "" || one.sid == sid)
		one.mu.Unlock()
		if hit {
			s.mu.Lock()
			delete(s.all, key)
			s.mu.Unlock()
			ended++
		}
	}
	return ended
}

// heard remembers the notices of the last minutes, so that each counts once.
type heard struct {
	mu  sync.Mutex
	ids map[string]time.Time
}

func (h *heard) first(id string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for old, until := range h.ids {
		if !now.Before(until) {
			delete(h.ids, old)
		}
	}
	if _, again := h.ids[id]; again || len(h.ids) >= maxNotices {
		return false
	}
	h.ids[id] = now.Add(noticeLife + noticeSkew)
	return true
}
