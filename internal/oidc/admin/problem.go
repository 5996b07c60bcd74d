package admin

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Public codes of this API, beside those of the desk (PF-AD-001 to 008).
const (
	codeWho          = "PF-AD-020" // no operator
	codeRole         = "PF-AD-021" // the role does not reach
	codeForm         = "PF-AD-022" // malformed request
	codeMedia        = "PF-AD-023" // not application/json
	codePrecondition = "PF-AD-024" // says not which version was seen
	codeHealth       = "PF-AD-025"
	codeSize         = "PF-AD-026"

	codeVersion = "PF-AD-004" // of the desk: changed since it was read
	codeTaken   = "PF-AD-003" // of the desk: the identifier is taken
)

// problem is an RFC 9457 document. The type stays about:blank: the code says
// what kind of problem it is, in the house's one numbering.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Code   string  `json:"code,omitempty"`
	Faults []entry `json:"faults,omitempty"`
}

// entry is one thing wrong with a registration.
type entry struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// statuses is the one table from kind to status; the rest is 500.
var statuses = map[fault.Kind]int{
	fault.NotFound: http.StatusNotFound, fault.Expired: http.StatusConflict, fault.Used: http.StatusConflict,
	fault.Denied: http.StatusForbidden, fault.Invalid: http.StatusUnprocessableEntity, fault.Conflict: http.StatusConflict,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// byCode are the codes whose status says more than their kind does.
var byCode = map[string]int{
	codeForm: http.StatusBadRequest, codeMedia: http.StatusUnsupportedMediaType, codePrecondition: http.StatusPreconditionRequired,
	codeVersion: http.StatusPreconditionFailed, codeTaken: http.StatusPreconditionFailed, codeSize: http.StatusRequestEntityTooLarge,
}

func describe(err error) problem {
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError}
	var own *echo.HTTPError
	var size *http.MaxBytesError
	switch f, known := errors.AsType[*fault.Error](err); {
	case errors.As(err, &size):
		p.Status, p.Code, p.Detail = http.StatusRequestEntityTooLarge, codeSize, "the request is too large"
	case known && f.Kind != fault.Internal:
		p.Code, p.Detail, p.Status = f.Code, f.Detail, statuses[f.Kind]
		if s, ok := byCode[f.Code]; ok {
			p.Status = s
		}
	case errors.As(err, &own):
		p.Status = own.Code
	}
	if b, ok := errors.AsType[*desk.Broken](err); ok {
		for _, f := range b.Faults {
			p.Faults = append(p.Faults, entry{Path: f.Path, Message: f.Message})
		}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// fail is the last step of every refused request.
func (a *API) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := describe(err)
	if p.Status >= http.StatusInternalServerError {
		a.Log(c.Request().Context(), err)
	}
	h := c.Response().Header()
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "2")
	}
	h.Set("Cache-Control", "no-store")
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	_ = c.Blob(p.Status, "application/problem+json", body) // the peer may be gone; nothing depends on it
}
