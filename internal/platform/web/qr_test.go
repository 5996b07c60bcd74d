package web_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	qr "github.com/piglig/go-qr"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

const qrData = "testdata/qr"

// qrTexts are the golden codes: the app's reader reads every one of them too
// (assets/app/qr_test.mjs), each under the name of its file.
var qrTexts = map[string]string{
	"one":     "A",
	"start":   "https://ecps.exemple.invalid/app/#i=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
	"long":    "https://ecps.exemple.invalid/app/#t=" + strings.Repeat("Ab3_-xYz", 15),
	"digits":  strings.Repeat("8997009", 9),
	"letters": "HTTPS://EXEMPLE.INVALID/ABC-123 $%*+",
	"accents": "Identité professionnelle de Mme EXEMPLE à Orléans, œuvre n° 12 €",
	"most":    strings.Repeat("0aB~é", 85) + "zz",
}

func TestQRIsTheGoldenDrawing(t *testing.T) {
	for name, text := range qrTexts {
		got, err := web.QR(text, "Code "+name)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".svg", []byte(got+"\n"))
	}
}

// Codes of every version and level, each with another text and mask, for the
// app's reader: our own drawing uses level M only.
func TestGridsOfEveryVersionAndLevel(t *testing.T) {
	type grid struct {
		Version, Level, Mask int
		Text                 string
		Rows                 string // one bit a module, row after row, as hex
	}
	var grids []grid
	for version := 1; version <= 20; version++ {
		for level, ecc := range []qr.Ecc{qr.Low, qr.Medium, qr.Quartile, qr.High} {
			g := grid{Version: version, Level: level, Mask: (version + level) % 8, Text: fmt.Sprintf("v%d/%d", version, level)}
			segment, err := qr.MakeBytes([]byte(g.Text))
			if err != nil {
				t.Fatal(err)
			}
			code, err := qr.EncodeSegments([]*qr.QrSegment{segment}, ecc, version, version, g.Mask, false)
			if err != nil {
				t.Fatal(err)
			}
			g.Rows = modulesInHex(code)
			grids = append(grids, g)
		}
	}
	out, err := json.Marshal(grids)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "grids.json", append(bytes.ReplaceAll(out, []byte("},{"), []byte("},\n{")), '\n'))
}

// modulesInHex writes the modules row after row, eight to a byte.
func modulesInHex(code *qr.QrCode) string {
	size := code.Size()
	packed := make([]byte, (size*size+7)/8)
	for i := range size * size {
		if code.Module(i%size, i/size) {
			packed[i/8] |= 0x80 >> (i % 8)
		}
	}
	return hex.EncodeToString(packed)
}

// golden compares with a file of testdata/qr, or writes it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(qrData, name)
	if *update {
		if err := os.MkdirAll(qrData, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the golden file; -update writes it anew", name)
	}
}

// One path, a light square, a quiet zone of four, a name for who cannot see it.
func TestQRIsSmallNamedAndInItsQuietZone(t *testing.T) {
	for _, tc := range []struct{ bytes, modules int }{{1, 21}, {14, 21}, {15, 25}, {62, 33}, {63, 37}, {213, 57}, {214, 61}, {412, 77}, {413, 81}, {512, 89}} {
		got, err := web.QR(strings.Repeat("a", tc.bytes), "Code")
		if err != nil {
			t.Fatal(err)
		}
		svg, side := string(got), tc.modules+8
		for _, part := range []string{`class="qr"`, `role="img"`, `aria-label="Code"`, fmt.Sprintf(`viewBox="0 0 %d %d"`, side, side), `fill="#fff"`, `fill="#000"`} {
			if !strings.Contains(svg, part) {
				t.Errorf("%d bytes: no %s in %.200s", tc.bytes, part, svg)
			}
		}
		if strings.Count(svg, "<path") != 1 || len(svg) > 60000 {
			t.Errorf("%d bytes of text: %d paths, %d bytes of SVG", tc.bytes, strings.Count(svg, "<path"), len(svg))
		}
		for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-`).FindAllStringSubmatch(svg, -1) {
			var x, y, n int
			if _, err := fmt.Sscan(strings.Join(run[1:], " "), &x, &y, &n); err != nil {
				t.Fatal(err)
			}
			if x < 4 || y < 4 || x+n > side-4 || y+1 > side-4 {
				t.Errorf("%d bytes: %s is in the quiet zone of %d", tc.bytes, run[0], side)
			}
		}
	}
}

func TestQRRefusesWhatItCannotHold(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("a", 513), strings.Repeat("é", 257)} {
		if got, err := web.QR(text, "Code"); !fault.Is(err, fault.Invalid) || got != "" {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

// A label or a text with markup in it, on a page with a strict policy.
func TestMarkupInAQRStaysText(t *testing.T) {
	evil := `"><script>alert(1)</script><p style="x" onload='y'>`
	got, err := web.QR(evil, evil)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(got))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !strings.Contains(" svg rect path ", " "+start.Name.Local+" ") {
			t.Errorf("element %s", start.Name.Local)
		}
		for _, a := range start.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "href" {
				t.Errorf("attribute %s", a.Name.Local)
			}
			if a.Name.Local == "aria-label" && a.Value != evil {
				t.Errorf("label %q", a.Value)
			}
		}
	}
}

// What a page shows, the app's own reader reads: in turned, slanted, blurred,
// noisy and damaged pictures, and nothing in pictures of nothing.
func TestAppReadsWhatPagesShow(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of pictures")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("node is not installed")
	}
	out, err := exec.CommandContext(t.Context(), node, "--test", "../../../assets/app/qr_test.mjs").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
