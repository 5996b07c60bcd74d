package imports

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Time is passed in: one package reads the machine's clock, and a clock that can
// be moved is made in tests alone (architecture, points 14 and 15).
func TestD9TimeIsPassedInAndMovesInTestsOnly(t *testing.T) {
	reads := regexp.MustCompile(`\btime\.(Now|Sleep|After|Tick|NewTimer|NewTicker|AfterFunc|Since|Until)\(`)
	moves := regexp.MustCompile(`\bclock\.NewManual\(`)
	seen := 0
	for _, wing := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join("..", "..", wing), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "test/") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			seen++
			if strings.Contains(filepath.ToSlash(path), "platform/clock/") {
				return nil
			}
			for _, found := range reads.FindAllString(string(text), -1) {
				t.Errorf("%s calls %s)", path, found)
			}
			if moves.Match(text) {
				t.Errorf("%s makes a clock that can be moved", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 300 {
		t.Errorf("only %d files were read", seen)
	}
}
