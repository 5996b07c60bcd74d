package browser

import (
	"bytes"
	"image/png"

	"github.com/chromedp/chromedp"
	qr "github.com/piglig/go-qr"
)

// reads gives what the QR on the screen says, from a picture of the screen.
func (s *screen) reads() string {
	s.t.Helper()
	b := ask(s, chromedp.FullScreenshot(100))
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := qr.Decode(img)
	if err != nil {
		s.shoot("no-qr")
		s.t.Fatal(err)
	}
	return text
}
