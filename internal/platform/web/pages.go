package web

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Templates is the set of parsed pages.
type Templates interface {
	// Execute writes one page; it fails on an unknown name.
	Execute(w io.Writer, page string, data any) error
}

// Pages renders pages and error pages.
type Pages struct {
	templates   Templates
	log         *slog.Logger
	environment string
	buffers     sync.Pool
}

// PagesOptions is what NewPages needs.
type PagesOptions struct {
	Templates   Templates
	Log         *slog.Logger
	Environment string
}

// NewPages makes the renderer.
func NewPages(o PagesOptions) *Pages {
	if o.Templates == nil || o.Log == nil {
		panic("web: NewPages needs Templates and Log")
	}
	return &Pages{
		templates: o.Templates, log: o.Log, environment: o.Environment,
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
}

// Page is what every template receives: the frame around its Content.
type Page struct {
	Lang      string
	RequestID string
	Sandbox   bool
	Content   any
}

// T chooses between the two languages of the house: {{.T "Annuler" "Cancel"}}.
func (p Page) T(fr, en string) string {
	if p.Lang == English {
		return en
	}
	return fr
}

// Render writes a page. It is rendered whole before its first byte leaves, so
// that a failing template is an error page and not half of one.
func (p *Pages) Render(c echo.Context, status int, name, lang string, content any) error {
	b, ok := p.buffers.Get().(*bytes.Buffer)
	if !ok {
		b = new(bytes.Buffer)
	}
	defer p.buffers.Put(b)
	b.Reset()
	page := Page{Lang: lang, RequestID: RequestID(c), Sandbox: p.environment == Sandbox, Content: content}
	if err := p.templates.Execute(b, name, page); err != nil {
		return fault.Wrap(fault.Internal, "", "page cannot be rendered", err)
	}
	c.Response().Header().Set("Content-Language", lang)
	return c.HTMLBlob(status, b.Bytes())
}

// Failure is the content of the error page.
type Failure struct {
	Code string
	Text Text
}

// Fail shows the error page of err: cause, then action, then code. Nothing of
// the error itself reaches the page; the log has it whole, under the
// correlation id that the page shows (PG6).
func (p *Pages) Fail(c echo.Context, err error) error {
	return p.FailIn(c, err, Locale(c, c.QueryParam("ui_locales")))
}

// FailIn is Fail in a language the caller knows better.
func (p *Pages) FailIn(c echo.Context, err error, lang string) error {
	status, code := classify(err)
	p.report(c, err, status, code)
	retryLater(c, status)
	content := Failure{Code: code, Text: TextOf(code, lang)}
	if e := p.Render(c, status, "error", lang, content); e != nil {
		p.log.ErrorContext(c.Request().Context(), "error page cannot be rendered", slog.Any("error", e))
		return c.String(status, code)
	}
	return nil
}

// handle is echo's last resort: a page for browsers, one JSON object for
// programs that come to a path nobody serves or leave an error to us.
func (p *Pages) handle(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var failed error
	if wantsPage(c.Request()) {
		failed = p.Fail(c, err)
	} else {
		status, code := classify(err)
		p.report(c, err, status, code)
		retryLater(c, status)
		failed = c.JSON(status, map[string]string{"error": errorWord(status), "code": code, "request_id": RequestID(c)})
	}
	if failed != nil {
		p.log.WarnContext(c.Request().Context(), "error answer was not delivered", slog.Any("error", failed))
	}
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func retryLater(c echo.Context, status int) {
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		c.Response().Header().Set("Retry-After", "5")
	}
}

func (p *Pages) report(c echo.Context, err error, status int, code string) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	p.log.LogAttrs(c.Request().Context(), level, "request failed",
		slog.String("path", c.Path()), slog.Int("status", status), slog.String("fault_code", code), slog.Any("error", err))
}

// classify is the one table from failure to page: status and public code.
func classify(err error) (status int, code string) {
	if h, ok := errors.AsType[*echo.HTTPError](err); ok {
		return h.Code, byStatus(h.Code)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, CodeTooLarge
	}
	status = statusOf(fault.KindOf(err))
	return status, cmp.Or(fault.CodeOf(err), byStatus(status))
}

// StatusOf gives the HTTP status under which a failure is shown.
func StatusOf(err error) int {
	status, _ := classify(err)
	return status
}

// CodeOf gives the public code under which a failure is shown.
func CodeOf(err error) string {
	_, code := classify(err)
	return code
}

func statusOf(k fault.Kind) int {
	switch k {
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Expired:
		return http.StatusGone
	case fault.Used, fault.Conflict:
		return http.StatusConflict
	case fault.Denied:
		return http.StatusForbidden
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

func byStatus(status int) string {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return CodeNoPage
	case http.StatusGone, http.StatusConflict:
		return CodeLoginOver
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return CodeTooLarge
	case http.StatusTooManyRequests:
		return CodeTooMany
	case http.StatusServiceUnavailable:
		return CodeSlow
	}
	if status >= http.StatusInternalServerError {
		return CodeInternal
	}
	if status == http.StatusForbidden {
		return CodeForbidden
	}
	return CodeMalformed
}

func errorWord(status int) string {
	switch {
	case status == http.StatusServiceUnavailable:
		return "temporarily_unavailable"
	case status >= http.StatusInternalServerError:
		return "server_error"
	case status == http.StatusNotFound:
		return "not_found"
	case status == http.StatusMethodNotAllowed:
		return "method_not_allowed"
	}
	return "invalid_request"
}

// FieldError is what is wrong with one field of a form.
type FieldError struct {
	Code, Text string
}
