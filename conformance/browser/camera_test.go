package browser

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// film makes a video of a picture: what the phone's camera sees.
func film(t *testing.T, picture []byte) string {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	const width, height, frames = 640, 480, 10
	frame := make([]byte, width*height*3/2)
	for i := width * height; i < len(frame); i++ {
		frame[i] = 128 // no colour
	}
	b := img.Bounds()
	for y := range height {
		for x := range width { // the picture in the middle, a little smaller than the frame, on grey
			frame[y*width+x] = 150
			sx, sy := b.Min.X+(x-80)*b.Dx()/480, b.Min.Y+y*b.Dy()/480
			if p := (image.Point{X: sx, Y: sy}); x >= 80 && x < 560 && p.In(b) {
				r, g, bl, _ := img.At(sx, sy).RGBA()
				frame[y*width+x] = byte((r*299 + g*587 + bl*114) / 1000 >> 8)
			}
		}
	}
	out := bytes.NewBufferString(fmt.Sprintf("YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", width, height))
	for range frames {
		out.WriteString("FRAME\n")
		out.Write(frame)
	}
	file := filepath.Join(t.TempDir(), "camera.y4m")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The phone's camera sees the portal's QR and the app reads it, by its own reader
// where the browser has none; the next screen is the choice of a PIN.
func TestPhoneCameraReadsTheCode(t *testing.T) {
	computer := open(t, 1280, 900, true)
	computer.byCard("P8")
	computer.do(chromedp.Click(id("ticket")), chromedp.WaitVisible(id("activation-qr")))
	picture := ask(computer, chromedp.Screenshot(chromedp.CSS("#activation-qr svg")))
	phone := open(t, 390, 844, true, chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film(t, picture)))
	phone.do(chromedp.Navigate(demo.AppURL+"/"), chromedp.WaitVisible(id("way-qr")), chromedp.Click(id("way-qr")))
	phone.do(chromedp.WaitVisible(id("pin-1")))
	phone.shoot("1-read")
	phone.newPIN(holderPIN)
	phone.do(chromedp.WaitVisible(id("finish")), chromedp.Click(id("finish")))
	if phone.shows("check") != computer.shows("check") {
		t.Error("two phones, or two portals")
	}
}
