package web

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// The languages of the house; French is the default.
const (
	French  = "fr"
	English = "en"
)

const maxLanguages = 32

// Locale chooses the language of a page: the service's wish first (ui_locales,
// Core 3.1.2.1), then the browser's, then French. Nothing here can fail (AZ13).
func Locale(c echo.Context, uiLocales string) string {
	for i, tag := range strings.Fields(uiLocales) {
		if lang := spoken(tag); lang != "" && i < maxLanguages {
			return lang
		}
	}
	return accepted(c.Request().Header.Get("Accept-Language"))
}

// accepted reads Accept-Language (RFC 9110 12.5.4): highest weight, first of equals.
func accepted(header string) string {
	best, weight := French, 0.0
	for i, part := range strings.Split(header, ",") {
		if i == maxLanguages {
			break
		}
		tag, params, _ := strings.Cut(part, ";")
		lang, q := spoken(strings.TrimSpace(tag)), 1.0
		if v, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			f, err := strconv.ParseFloat(v, 64)
			if err != nil {
				continue
			}
			q = f
		}
		if lang != "" && q > weight && q <= 1 {
			best, weight = lang, q
		}
	}
	return best
}

// spoken reduces a BCP 47 tag to a language we speak.
func spoken(tag string) string {
	primary, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	switch strings.ToLower(primary) {
	case French:
		return French
	case English:
		return English
	}
	return ""
}
