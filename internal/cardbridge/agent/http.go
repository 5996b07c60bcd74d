package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/cardbridge/card"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// headerBridge must stand on every POST: a page can only send it after a
// preflight, which no foreign page passes (cps-card.md section 7, CSRF).
const headerBridge = "X-Card-Bridge"

// Handler serves the three calls of the protocol on one port.
func (a *Agent) Handler(port int) http.Handler {
	ask, cancel := a.post1(a.ask), a.post1(a.cancel)
	return a.guard(port, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/status":
			a.status(w, r)
		case "POST /v1/authenticate":
			ask(w, r)
		case "POST /v1/cancel":
			cancel(w, r)
		default:
			refuseHTTP(w, refuse(cps.RequestInvalid, nil))
		}
	})
}

// guard is what every request meets first: Host, then Origin, then the preflight.
func (a *Agent) guard(port int, next http.HandlerFunc) http.Handler {
	hosts := map[string]bool{}
	for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
		hosts[net.JoinHostPort(name, strconv.Itoa(port))] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Vary", "Origin")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if !hosts[r.Host] { // a name that was bound anew to the loopback address
			refuseHTTP(w, refuse(cps.BadHost, nil))
			return
		}
		origins := r.Header.Values("Origin")
		if len(origins) != 1 {
			refuseHTTP(w, refuse(cps.OriginNotAllowed, nil))
			return
		}
		if _, allowed := a.provider(origins[0]); !allowed {
			refuseHTTP(w, refuse(cps.OriginNotAllowed, nil))
			return
		}
		h.Set("Access-Control-Allow-Origin", origins[0])
		if r.Method == http.MethodOptions {
			preflight(w, r)
			return
		}
		next(w, r)
	})
}

func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type, "+headerBridge)
	h.Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" { // older Chrome
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
}

// post1 takes a POST with the preflight header and one bounded JSON object.
func (a *Agent) post1(next func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" || r.Header.Get(headerBridge) != "1" {
			refuseHTTP(w, refuse(cps.RequestInvalid, nil))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cps.MaxBody))
		if err != nil {
			refuseHTTP(w, refuse(cps.RequestInvalid, err))
			return
		}
		next(w, r, body)
	}
}

func (a *Agent) ask(w http.ResponseWriter, r *http.Request, body []byte) {
	var in cps.Ask
	if err := read(body, &in); err != nil || in.Protocol != cps.Protocol {
		refuseHTTP(w, refuse(cps.RequestInvalid, err))
		return
	}
	// The deadline for reading ends the request's context too: from here on the
	// holder has the time that the protocol gives him.
	if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil {
		a.Log.DebugContext(r.Context(), "the connection keeps its read deadline", slog.Any("error", err))
	}
	answer, err := a.Authenticate(r.Context(), r.Header.Get("Origin"), in.Challenge)
	if err != nil {
		refuseHTTP(w, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (a *Agent) cancel(w http.ResponseWriter, _ *http.Request, body []byte) {
	var in cps.Cancel
	if err := read(body, &in); err != nil || in.ID == "" {
		refuseHTTP(w, refuse(cps.RequestInvalid, err))
		return
	}
	a.Cancel(in.ID)
	w.WriteHeader(http.StatusNoContent)
}

// status tells the page what is missing, and nothing of whose card it is.
func (a *Agent) status(w http.ResponseWriter, r *http.Request) {
	readers, err := a.Transport.Readers(r.Context())
	if err != nil {
		// Without a service there is no reader; the doctor says why. A page asks
		// each second: not a line for the log each time.
		a.Log.DebugContext(r.Context(), "readers cannot be listed", slog.Any("error", err))
		readers = nil
	}
	s := cps.Status{Bridge: "card-bridge", Version: a.Version, Protocols: []string{cps.Protocol}, Readers: []cps.StatusReader{}}
	for i, x := range readers {
		s.Readers = append(s.Readers, cps.StatusReader{ID: i, State: string(x.State), Card: string(card.Identify(x.ATR)), PINPad: x.PINPad})
	}
	writeJSON(w, http.StatusOK, s)
}

// read takes one object, with nothing unknown in it and nothing after it.
func read(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "", "something follows the object")
	}
	return nil
}

func refuseHTTP(w http.ResponseWriter, err error) {
	r := refusalOf(err)
	writeJSON(w, r.Word.Status(), cps.Problem{Error: r.Word, TriesLeft: r.Tries})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the page may be gone; nothing depends on it
}
