package telemetry

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const redacted = "[redacted]"

// secretWords end the name of a thing that opens doors: access_token,
// codeVerifier, login_hint's neighbour otp. Singular, lower case.
var secretWords = []string{
	"secret", "token", "code", "pin", "password", "passwd", "cookie", "authorization", "verifier", "assertion",
	"credential", "otp", "totp", "seed", "invitation", "jwt", "bearer", "key",
}

// harmless end like secrets and are not: "status_code" says what happened.
var harmless = []string{
	"status_code", "error_code", "fault_code", "reason_code", "exit_code", "public_code", "country_code", "postal_code",
	"public_key",
}

// wrappers add nothing to what they follow: "cookie_header" is a cookie.
var wrappers = []string{"header", "value", "raw", "plain", "text", "hex", "base64", "string"}

// redact is the ReplaceAttr of every handler: by name, and by shape inside
// strings and errors, where a URL or a wrapped cause may carry a token.
func redact(groups []string, a slog.Attr) slog.Attr {
	if secret(a.Key) || slices.ContainsFunc(groups, secret) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(scrub(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(scrub(err.Error()))
		}
	default:
	}
	return a
}

// secret decides by the last word of a name: a token is secret, token_type is not.
func secret(name string) bool {
	w := words(name)
	for len(w) > 1 && slices.Contains(wrappers, w[len(w)-1]) {
		w = w[:len(w)-1]
	}
	if len(w) == 0 || slices.Contains(harmless, strings.Join(w, "_")) {
		return false
	}
	return slices.Contains(secretWords, strings.TrimSuffix(w[len(w)-1], "s"))
}

// words splits snake_case, kebab-case, dotted.names and camelCase.
func words(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case unicode.IsUpper(r) && lower:
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

var (
	// Three base64url parts of which the first is a JSON object (RFC 7519).
	jwtShape = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
	// Parameters of URLs and forms, and credentials of the Authorization header.
	paramShape = regexp.MustCompile(`(?i)\b((?:code|code_verifier|client_secret|[a-z_]*token|password|id_token_hint|client_assertion|assertion)=)[^&\s"]+`)
	credShape  = regexp.MustCompile(`(?i)\b((?:bearer|basic|dpop) )[A-Za-z0-9._~+/-]{16,}=*`)
)

// scrub looks for shapes only where a cheap test says they may be.
func scrub(s string) string {
	if strings.Contains(s, "eyJ") {
		s = jwtShape.ReplaceAllString(s, redacted)
	}
	if strings.Contains(s, "=") {
		s = paramShape.ReplaceAllString(s, "${1}"+redacted)
	}
	if strings.Contains(s, " ") {
		s = credShape.ReplaceAllString(s, "${1}"+redacted)
	}
	return s
}
