package assets

import (
	"bufio"
	"image"
	"image/color"
	"os"
	"os/exec"
	"strings"
	"testing"

	qr "github.com/piglig/go-qr"
)

// What the app draws, another's reader reads: every version, letters of every kind.
func TestAppDrawsCodesThatOthersRead(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("node is not installed")
	}
	var texts []string
	for n := 1; n <= 210; n += 11 {
		texts = append(texts, strings.Repeat("https://ecps.example.org/#i=Aé-_", 8)[:n])
	}
	script := `import { matrix } from "./app/qr-draw.js";
for (const t of JSON.parse(process.argv[1])) console.log(matrix(t).map((r) => r.map((b) => (b ? "1" : "0")).join("")).join(" "));`
	list := `["` + strings.Join(texts, `","`) + `"]`
	out, err := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", script, list).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for _, want := range texts {
		lines.Scan()
		got, err := qr.Decode(picture(strings.Fields(lines.Text())))
		if err != nil || got != strings.ToValidUTF8(want, "\uFFFD") {
			t.Errorf("%d bytes: %q %v", len(want), got, err)
		}
	}
}

// picture draws rows of modules as a camera would see them.
func picture(rows []string) image.Image {
	const scale, quiet = 4, 4
	side := (len(rows) + 2*quiet) * scale
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			my, mx := y/scale-quiet, x/scale-quiet
			dark := my >= 0 && my < len(rows) && mx >= 0 && mx < len(rows) && rows[my][mx] == '1'
			if !dark {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return img
}
