package admin

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/strictjson"
)

// read takes the body of a request: JSON by its name, one meaning only.
func read(c call, into any) error {
	r := c.Request()
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return fault.New(fault.Invalid, codeMedia, "the body must be application/json")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return fault.Wrap(fault.Invalid, codeForm, "the body cannot be read", err)
	}
	if err := strictjson.Into(data, into); err != nil {
		return fault.Wrap(fault.Invalid, codeForm, "the body "+err.Error(), err)
	}
	return nil
}

func etag(version int64) string { return fmt.Sprintf("%q", "v"+strconv.FormatInt(version, 10)) }

// precondition reads which version the caller has seen: one, by If-Match, or
// none yet, by If-None-Match: *. Weak or several tags would not tell.
func precondition(r *http.Request) (version int64, fresh bool, err error) {
	match, none := r.Header.Values("If-Match"), r.Header.Values("If-None-Match")
	if len(match)+len(none) != 1 {
		return 0, false, fault.New(fault.Invalid, codePrecondition,
			"say which version was seen: If-Match with the ETag to change, If-None-Match: * to register")
	}
	if len(none) == 1 {
		if none[0] != "*" {
			return 0, false, fault.New(fault.Invalid, codeForm, "If-None-Match is * or absent")
		}
		return 0, true, nil
	}
	inner, ok := strings.CutPrefix(match[0], `"v`)
	if ok {
		inner, ok = strings.CutSuffix(inner, `"`)
	}
	version, err = strconv.ParseInt(inner, 10, 64)
	if !ok || err != nil || version < 1 || etag(version) != match[0] {
		return 0, false, fault.New(fault.Invalid, codeForm, "If-Match is one ETag as it was given")
	}
	return version, false, nil
}
