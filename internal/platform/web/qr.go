package web

import (
	"fmt"
	"html/template"
	"strings"

	qr "github.com/piglig/go-qr"

	"github.com/egide-id/egide/internal/platform/fault"
)

const (
	maxQR     = 512 // bytes of text
	quietZone = 4   // modules of light around the code (ISO/IEC 18004 6.3.8)
)

// QR draws a text as a QR code: one SVG of one path, which a page carries inline
// under a policy without inline style or script. It is dark on light whatever
// the theme, because readers expect that. label is what a screen reader says.
// Errors: fault.Invalid for a text that is empty or over 512 bytes.
func QR(text, label string) (template.HTML, error) {
	if text == "" || len(text) > maxQR {
		return "", fault.New(fault.Invalid, "", "a QR code holds 1 to 512 bytes")
	}
	code, err := qr.EncodeText(text, qr.Medium)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "", "no QR code", err)
	}
	size := code.Size()
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for x+run < size && code.Module(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, run, run)
				x += run
			}
		}
	}
	side := size + 2*quietZone
	svg := fmt.Sprintf(`<svg class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges" focusable="false">`+
		`<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`,
		template.HTMLEscapeString(label), side, side, side, side, path.String())
	return template.HTML(svg), nil //nolint:gosec // every part is ours or escaped above
}
