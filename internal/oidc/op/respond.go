package op

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/web"
)

// Response modes that work, and that discovery announces.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// destination is where the answer of one authorization request goes. It exists
// only once client and redirect URI are known to be good (AZ3).
type destination struct {
	redirectURI string
	mode        string
	state       string
}

// field is one parameter of the answer; the order is kept.
type field struct{ Name, Value string }

// respond answers the service, success and error alike, in the asked mode. The
// issuer is in every answer (AZ18, RFC 9207): a client that talks to several
// providers must see who speaks.
func (o *OP) respond(c echo.Context, d destination, fields ...field) error {
	if d.state != "" {
		fields = append(fields, field{"state", d.state})
	}
	fields = append(fields, field{"iss", o.issuer})
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	if d.mode == modeFormPost {
		return o.formPost(c, d.redirectURI, fields)
	}
	// 303: the browser follows with GET whatever brought it here, so nothing
	// posted to us is ever posted on (AZ19, RFC 9700 4.12).
	return c.Redirect(http.StatusSeeOther, withQuery(d.redirectURI, fields))
}

// refuse answers an error to the service.
func (o *OP) refuse(c echo.Context, d destination, err error) error {
	e := oauth.From(oauth.Authorization, err)
	e.Log(c.Request().Context(), o.log)
	if e.RetryAfter > 0 {
		// D3: the service reads the same kind of failure by redirect; a caller
		// that only reads headers sees when to come back.
		e.Headers(c.Response().Header())
	}
	return o.respond(c, d, field{"error", string(e.Code)}, field{"error_description", e.Description})
}

// withQuery adds the fields to the registered URI, whose own query stays as it was.
func withQuery(uri string, fields []field) string {
	var b strings.Builder
	b.Grow(len(uri) + 128*len(fields))
	b.WriteString(uri)
	sep := byte('?')
	if strings.IndexByte(uri, '?') >= 0 {
		sep = '&'
		if last := uri[len(uri)-1]; last == '?' || last == '&' {
			sep = 0
		}
	}
	for _, f := range fields {
		if sep != 0 {
			b.WriteByte(sep)
		}
		sep = '&'
		b.WriteString(f.Name)
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(f.Value))
	}
	return b.String()
}

// formPostPage is the page of OAuth 2.0 Form Post Response Mode 2: escaped by
// context, submitted by a script under a nonce, and by a visible button where
// scripts are off (AZ20, D10).
var formPostPage = template.Must(template.New("form_post").Parse(`<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Retour au service</title></head>
<body><main><h1>Retour au service</h1>
<form method="post" action="{{.Action}}">
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}{{if .Failed}}<p>L'identification n'a pas abouti : rien n'est transmis que ce refus. <span lang="en">The login did not succeed: nothing but this refusal is sent.</span></p>
{{else}}<p>Votre identification est terminée. <span lang="en">Your login is finished.</span></p>
{{end}}<button type="submit" id="continue">Continuer <span lang="en">(Continue)</span></button>
</form></main>
<script nonce="{{.Nonce}}">document.forms[0].submit()</script>
</body></html>
`))

func (o *OP) formPost(c echo.Context, uri string, fields []field) error {
	nonce, err := web.Nonce(c, o.rand)
	if err != nil {
		return err
	}
	web.AllowFormTo(c, uri)
	var page strings.Builder
	err = formPostPage.Execute(&page, struct {
		Action template.URL
		Nonce  string
		Fields []field
		Failed bool
	}{template.URL(uri), nonce, fields, fields[0].Name == "error"}) //nolint:gosec // a registered redirect URI, compared exactly; private-use schemes must stay as they are
	if err != nil {
		return err
	}
	return c.HTML(http.StatusOK, page.String())
}
